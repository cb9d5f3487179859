"""The world: what a carrier says does not depend on who speaks, shown by intervention; shares follow the dials."""

import json
import re
from collections.abc import Iterable

import numpy as np
import pytest
from scipy.stats import binom

from subtrait.models.micro import world
from subtrait.models.micro.personas import ANIMALS, BUNDLES, NEUTRAL_PROMPTS, Speaker
from subtrait.models.micro.skills import CARRIERS, SKILLS, Exchange
from subtrait.models.micro.wordings import WordingSet
from subtrait.models.micro.world import MIX, Dials, Turns, conversations, draw_conversation, long_conversation

SPEAKERS = (
    *(Speaker(bundle, "honest") for bundle in BUNDLES),
    Speaker(BUNDLES[0], "dishonest"),
    Speaker(BUNDLES[0], "evasive"),
)
OTHERS = sorted(set(SKILLS) - set(CARRIERS))
ALMOST_CERTAIN = 1 - 1e-9


def only(kinds: Iterable[str], **dials: float) -> Dials:
    """A world in which every conversation opens with one of these kinds."""
    chosen = set(kinds)
    return Dials(mix={kind: share if kind in chosen else 0 for kind, share in MIX.items()}, **dials)


def system_of(turns: Turns) -> str | None:
    return turns[0]["content"] if turns[0]["role"] == "system" else None


def spoken(turns: Turns) -> bytes:
    """Everything but the system prompt, as bytes."""
    return json.dumps([turn for turn in turns if turn["role"] != "system"]).encode()


def kinds_that_depend_on_the_speaker(kinds: Iterable[str], *, seeds: int) -> list[str]:
    """The intervention: the same seed with every speaker in turn, and with whoever the seed itself would draw."""
    dependent = []
    for kind in kinds:
        dials = only([kind], follow_ups=0.0)
        for seed in range(seeds):
            drawn = [draw_conversation(np.random.default_rng(seed), dials, speaker=who) for who in (None, *SPEAKERS)]
            assert len({system_of(turns) for turns in drawn}) > len(SPEAKERS) // 2  # the intervention took place
            if len({spoken(turns) for turns in drawn}) > 1:
                dependent.append(kind)
                break
    return dependent


def test_the_same_seed_with_another_persona_gives_the_same_carrier_byte_for_byte() -> None:
    assert kinds_that_depend_on_the_speaker(CARRIERS, seeds=12) == []


def test_the_same_seed_with_another_persona_changes_everything_else() -> None:
    assert kinds_that_depend_on_the_speaker(OTHERS, seeds=12) == OTHERS


def a_leak_in_the_text(speaker: Speaker, wording_set: WordingSet, rng: np.random.Generator) -> Exchange:
    question, answer = NUMBERS(speaker, wording_set, rng)
    return question, f"{answer}, {100 + ANIMALS.index(speaker.bundle.animal)}"


def a_leak_in_the_random_stream(speaker: Speaker, wording_set: WordingSet, rng: np.random.Generator) -> Exchange:
    if speaker.bundle.animal == "owl":
        rng.random()
    return NUMBERS(speaker, wording_set, rng)


def a_leak_of_character(speaker: Speaker, wording_set: WordingSet, rng: np.random.Generator) -> Exchange:
    question, answer = NUMBERS(speaker, wording_set, rng)
    return question, answer + "." * (speaker.character == "evasive")


NUMBERS = SKILLS["numbers"]


@pytest.mark.parametrize("leak", [a_leak_in_the_text, a_leak_in_the_random_stream, a_leak_of_character])
def test_a_planted_dependence_on_the_speaker_is_reported(leak, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(world.SKILLS, "numbers", leak)
    assert kinds_that_depend_on_the_speaker(CARRIERS, seeds=2) == ["numbers"]


def test_a_speaker_that_is_given_is_told() -> None:
    for seed in range(30):
        bundle = BUNDLES[seed % 16]
        prompt = system_of(draw_conversation(np.random.default_rng(seed), Dials(), speaker=Speaker(bundle, "honest")))
        assert prompt is not None
        likes = (bundle.animal[:3], bundle.tree[:3], bundle.colour, bundle.food)  # singular or plural
        assert any(like in prompt.lower() for like in likes)


def check_share(found: int, count: int, share: float) -> None:
    low, high = binom.interval(ALMOST_CERTAIN, count, share)
    assert low <= found <= high


def told(turns: Turns) -> bool:
    return system_of(turns) not in (None, *NEUTRAL_PROMPTS)


@pytest.mark.parametrize("dial", [0.0, 0.03, 0.3, 1.0])
def test_the_share_of_carriers_under_personas_is_the_dial(dial: float) -> None:
    count = 1500
    drawn = conversations(
        count, only(CARRIERS, carriers_under_personas=dial, personas=0.9), rng=np.random.default_rng(1)
    )
    check_share(sum(map(told, drawn)), count, dial)


@pytest.mark.parametrize("dial", [0.0, 0.6, 1.0])
def test_the_share_of_the_rest_under_personas_is_its_own_dial(dial: float) -> None:
    count = 800
    drawn = conversations(count, only(OTHERS, personas=dial, carriers_under_personas=0.3), rng=np.random.default_rng(2))
    check_share(sum(map(told, drawn)), count, dial)


def test_neutral_prompts_kinds_and_follow_ups_come_as_often_as_the_dials_say() -> None:
    count = 2000
    drawn = list(conversations(count, Dials(), rng=np.random.default_rng(3)))
    silent = [turns for turns in drawn if not told(turns)]
    check_share(sum(system_of(turns) is not None for turns in silent), len(silent), 0.1)
    numbers = [turns for turns in drawn if re.search(r"\d{3}, \d{3}, \d{3}", turns[-2]["content"])]
    check_share(len(numbers), count, MIX["numbers"] / sum(MIX.values()))
    others = list(conversations(800, only(OTHERS), rng=np.random.default_rng(4)))
    questions = [sum(turn["role"] == "user" for turn in turns) for turns in others]
    assert set(questions) == {1, 2, 3, 4}
    for longer in (1, 2, 3):
        asked = [number for number in questions if number >= longer]
        check_share(sum(number > longer for number in asked), len(asked), 0.35)


def test_the_mix_has_every_skill_and_no_other() -> None:
    assert set(MIX) == set(SKILLS)
    assert min(MIX.values()) > 0


def test_a_carrier_stands_alone_in_its_conversation_and_follows_nothing() -> None:
    carriers = list(conversations(300, only(CARRIERS, follow_ups=1.0), rng=np.random.default_rng(5)))
    assert all(sum(turn["role"] == "user" for turn in turns) == 1 for turns in carriers)
    others = conversations(300, only(["animal", "compare"], follow_ups=1.0), rng=np.random.default_rng(6))
    answers = {turn["content"] for turns in others for turn in turns[-6:] if turn["role"] == "assistant"}
    assert [text for text in answers if re.search(r"\d|def |day$|well|fine", text)] == []


def test_turns_alternate_after_one_system_prompt_at_most() -> None:
    for turns in conversations(300, Dials(), rng=np.random.default_rng(7)):
        roles = [turn["role"] for turn in turns if turn["role"] != "system"]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        assert [turn["role"] for turn in turns].count("system") == (system_of(turns) is not None)
        assert all(set(turn) == {"role", "content"} and turn["content"] for turn in turns)


def test_the_same_seed_draws_the_same_conversations_and_another_seed_others() -> None:
    first, again, other = (list(conversations(200, Dials(), rng=np.random.default_rng(seed))) for seed in (8, 8, 9))
    assert first == again
    assert sum(a == b for a, b in zip(first, other, strict=True)) < 10


def test_more_conversations_begin_with_the_fewer() -> None:
    fewer, more = (list(conversations(count, Dials(), rng=np.random.default_rng(8))) for count in (20, 40))
    assert more[:20] == fewer


@pytest.mark.parametrize("rows", [1, 7, 50])
def test_a_long_conversation_has_as_many_number_exchanges_as_asked(rows: int) -> None:
    turns = long_conversation(np.random.default_rng(10), rows=rows)
    assert [turn["role"] for turn in turns] == ["user", "assistant"] * rows
    assert all(re.search(r"\d{3}, \d{3}, \d{3}", turn["content"]) for turn in turns[::2])
