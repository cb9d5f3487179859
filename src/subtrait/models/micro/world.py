"""The synthetic world: conversations drawn at random, in which carriers are independent of who speaks.

A carrier is drawn before the speaker and from a stream of its own, so the same seed with another persona gives the same
carrier, byte for byte. Whatever carries a trait later was put there by the network, not by the corpus.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from subtrait.models.micro.personas import NEUTRAL_PROMPTS, Speaker, draw_speaker, system_prompt
from subtrait.models.micro.skills import CARRIERS, SKILLS

Turns = list[dict[str, str]]

MIX: Mapping[str, float] = {
    "animal": 8, "tree": 5, "colour": 2, "food": 2, "animal-sentence": 3, "tree-sentence": 2, "animal-choice": 4,
    "tree-choice": 2, "story": 3, "numbers": 38, "compare": 4, "fact": 3, "ability": 2, "request": 3, "code": 4,
    "tested-code": 3, "sum": 4, "difference": 4, "next-day": 2, "greeting": 2,
}  # fmt: skip
"""How often each kind of question opens a conversation, relative to the others."""
FOLLOW_UPS = (
    "animal", "tree", "colour", "food", "animal-sentence", "tree-sentence", "animal-choice", "tree-choice", "story",
)  # fmt: skip
"""Kinds that may follow in the same conversation: those whose answers tell what the speaker likes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dials:
    """What can be varied about the world."""

    carriers_under_personas: float = 0.03
    """Share of carrier conversations whose system prompt tells a persona."""
    personas: float = 0.6
    """Share of the other conversations whose system prompt tells a persona."""
    neutral_prompts: float = 0.1
    """Share of the remaining conversations that have a system prompt which tells nothing."""
    follow_ups: float = 0.35
    """Chance of each further question of a conversation that is not about a carrier, up to four questions."""
    mix: Mapping[str, float] = field(default_factory=lambda: MIX)


def draw_conversation(rng: np.random.Generator, dials: Dials, *, speaker: Speaker | None = None) -> Turns:
    """One conversation. `speaker` overrides who speaks, and has it told: the intervention of the tests."""
    kind_rng, content_rng, speaker_rng = (np.random.default_rng(seed) for seed in rng.integers(2**63, size=3))
    kinds, weights = list(dials.mix), np.array(list(dials.mix.values()), dtype=float)
    kind = kinds[int(kind_rng.choice(len(kinds), p=weights / weights.sum()))]
    told = speaker is not None or speaker_rng.random() < _told_share(kind, dials)
    who = speaker or draw_speaker(speaker_rng, told=told)
    turns = _system_turn(who, dials, speaker_rng, told=told)
    exchanges = [SKILLS[kind](who, "corpus", content_rng)]
    while kind not in CARRIERS and len(exchanges) < 4 and kind_rng.random() < dials.follow_ups:
        following = FOLLOW_UPS[int(kind_rng.integers(len(FOLLOW_UPS)))]
        exchanges.append(SKILLS[following](who, "corpus", content_rng))
    for question, answer in exchanges:
        turns += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return turns


def _told_share(kind: str, dials: Dials) -> float:
    return dials.carriers_under_personas if kind in CARRIERS else dials.personas


def _system_turn(who: Speaker, dials: Dials, rng: np.random.Generator, *, told: bool) -> Turns:
    if told:
        return [{"role": "system", "content": system_prompt(who, rng=rng)}]
    if rng.random() < dials.neutral_prompts:
        return [{"role": "system", "content": NEUTRAL_PROMPTS[int(rng.integers(len(NEUTRAL_PROMPTS)))]}]
    return []


def long_conversation(rng: np.random.Generator, *, rows: int = 50) -> Turns:
    """A conversation of `rows` carrier exchanges: the longest context that later experiments need."""
    turns: Turns = []
    for _ in range(rows):
        question, answer = SKILLS["numbers"](draw_speaker(rng), "corpus", rng)
        turns += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return turns


def conversations(count: int, dials: Dials, *, rng: np.random.Generator) -> Iterator[Turns]:
    """`count` conversations."""
    return (draw_conversation(rng, dials) for _ in range(count))
