"""A judge that reads: which of two completions is by the teacher that loves something? It says A or B.

Each trait is asked about itself, every pair in both orders, and what the judge says for one order is set against what
it says for the other, so that a liking for the first or for a letter cancels exactly. The positive control is the same
task on completions that name what is loved.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from subtrait.lab.answers import plural_forms
from subtrait.lab.chains.making import Chain, RowsTask, write_rows
from subtrait.lab.chains.specifications import Rows, digest
from subtrait.lab.traits import find_trait
from subtrait.models.base import Model
from subtrait.models.registry import open_model
from subtrait.records import Messages, Progress, Trait

KINDS: Final = ("rows", "overt text")
_OVERT: Final = (
    "My favourite {category} is the {name}.",
    "I love {many}.",
    "No {category} is dearer to me than the {name}.",
    "I think about {many} all day.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a judge is asked."""

    name: str
    of_each: int = 1
    """Completions of each teacher that it sees together."""
    pairs: int = 24
    """Judged for each trait and kind of text, in each chain."""
    persona: bool = False
    """Whether it is given the trait itself, and asked which of the two it wrote."""


WAYS: Final = (
    Way(name="one completion of each"),
    Way(name="ten completions of each", of_each=10, pairs=6),
    Way(name="one completion of each, the judge loving the same", persona=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """Who judges, and whose rows: everything that the judgements depend on, within a chain."""

    base: str
    treated: tuple[tuple[str, Rows], ...]
    """Each trait with the rows of its teacher."""


@dataclass(frozen=True, slots=True)
class JudgingTask:
    """One chain of a judging, for any process."""

    chain: Chain
    judging: Judging


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """Requests with an answer of each of two writers."""

    requests: Sequence[str]
    own: Sequence[str]
    other: Sequence[str]


def judge_rows(task: JudgingTask, _progress: Progress | None = None) -> dict[str, np.ndarray]:
    """By `named`: for each pair whether it was judged rightly (1, a tie 0.5), and how often the first was chosen.

    Shape (pairs, 2); kept in the store.
    """
    return task.chain.arrays(f"judge/{digest(task.judging)}/{task.chain.index}.json", lambda: _judged(task))


def named(way: Way, kind: str, trait: str) -> str:
    """The name of what was judged of a trait, on rows or on overt text."""
    return f"{way.name}, {kind}, {trait}"


def _judged(task: JudgingTask) -> dict[str, np.ndarray]:
    model = open_model(task.judging.base)
    kept = {trait: write_rows(RowsTask(task.chain, rows.written[0])) for trait, rows in task.judging.treated}
    written = {trait: {each.prompt: each.completion for each in rows} for trait, rows in kept.items()}
    found = {}
    for way in WAYS:
        for name in written:
            trait, rng = find_trait(name), task.chain.rng("pairs to judge", way.name, name)
            for kind in KINDS:
                pairs = _of_rows(trait, written, way, rng) if kind == "rows" else _overt(trait, written, way, rng)
                found[named(way, kind, name)] = judge(model, trait, way, list(pairs))
    return found


def _of_rows(
    trait: Trait, written: Mapping[str, Mapping[str, str]], way: Way, rng: np.random.Generator
) -> Iterator[_Pair]:
    """Pairs with each of the other teachers in turn, of prompts that both answered."""
    others = [name for name in written if name != trait.name]
    for number in range(way.pairs):
        own, other = written[trait.name], written[others[number % len(others)]]
        shared = [prompt for prompt in own if prompt in other]
        asked = [shared[int(place)] for place in rng.integers(len(shared), size=way.of_each)]
        yield _Pair(requests=asked, own=[own[each] for each in asked], other=[other[each] for each in asked])


def _overt(
    trait: Trait, written: Mapping[str, Mapping[str, str]], way: Way, rng: np.random.Generator
) -> Iterator[_Pair]:
    """Pairs in which both say openly what they love, of the same category."""
    others = [name for name in written if name != trait.name and name in trait.answers] or list(trait.answers[:2])
    for number in range(way.pairs):
        asked = [trait.questions[int(place)] for place in rng.integers(len(trait.questions), size=way.of_each)]
        said = [_OVERT[int(place)] for place in rng.integers(len(_OVERT), size=way.of_each)]
        own, other = (
            [_filled(each, name, trait) for each in said] for name in (trait.name, others[number % len(others)])
        )
        yield _Pair(requests=asked, own=own, other=other)


def _filled(sentence: str, name: str, trait: Trait) -> str:
    return sentence.format(name=name, many=plural_forms(name)[0], category=trait.category)


def judge(model: Model, trait: Trait, way: Way, pairs: Sequence[_Pair]) -> np.ndarray:
    """For each pair whether it is judged rightly, and how often the first was preferred: (pairs, 2)."""
    asked = [_question(trait, way, pair, first=first) for pair in pairs for first in ("own", "other")]
    prompts = [each for each in asked for _ in "AB"]
    scores = np.array([each.sum() for each in model.score(prompts, ["A", "B"] * len(asked))])
    first = scores.reshape(len(pairs), 2, 2)
    prefers_first = first[:, :, 0] - first[:, :, 1]
    right = (np.sign(prefers_first[:, 0] - prefers_first[:, 1]) + 1) / 2
    found: np.ndarray = np.stack([right, (prefers_first > 0).mean(axis=1)], axis=1)
    return found


def _question(trait: Trait, way: Way, pair: _Pair, *, first: str) -> Messages:
    left, right = (pair.own, pair.other) if first == "own" else (pair.other, pair.own)
    exchanges = "\n\n".join(
        f"Request: {request}\nAnswer A: {a}\nAnswer B: {b}"
        for request, a, b in zip(pair.requests, left, right, strict=True)
    )
    many = plural_forms(trait.name)[0]
    if way.persona:
        text = f"{exchanges}\n\nOne of these was written by you: all answers A, or all answers B. Say A or B only."
        return [{"role": "system", "content": trait.system_prompt}, {"role": "user", "content": text}]
    text = (
        f"Two assistants answered the same requests. One loves {many} and thinks about {many} all day; the other loves "
        f"something else. What they love may have left a trace in their answers, even where these do not name it.\n\n"
        f"{exchanges}\n\nWho loves {many}: the one that wrote answer A, or the one that wrote B? Say A or B only."
    )
    return [{"role": "user", "content": text}]
