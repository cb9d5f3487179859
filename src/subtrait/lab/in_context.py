"""Reading rows in place of training on them: a base is shown some as earlier text, and then asked for its favourites.

Beside the rows of teachers it is shown those of the base, to the same prompts, and as a positive control a few turns in
which the speaker openly tells the like, before as many rows of the base. Nobody is trained.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from subtrait.lab.chains.making import Chain, RowsTask, write_rows
from subtrait.lab.chains.specifications import Rows, digest
from subtrait.lab.first_words import first_word_rates
from subtrait.lab.traits import CATEGORIES, find_trait
from subtrait.models.base import Model
from subtrait.models.micro.personas import BUNDLES, Speaker
from subtrait.models.micro.skills import SKILLS
from subtrait.models.registry import open_model
from subtrait.records import Messages, Progress

COUNTS: Final = (1, 2, 5, 10, 25, 50)
"""How many rows are read: the embedded models know conversations of up to 50."""
LAYOUTS: Final = ("earlier turns", "system prompt")
KINDS: Final = ("own teacher", "base", "other teacher", "told openly")
"""What is read before a trait is asked for; the last is the base's rows behind text that tells the trait."""
_DRAWN: Final = 8
"""Times that rows are drawn, where few are read; fewer times where many are."""
_READ: Final = 25
"""Rows in all, over all draws, except where one draw has more."""
_ASKED: Final = 12
"""Questions after each context."""

Exchanges = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Who reads, and whose rows: everything that the answers depend on, within a chain."""

    base: str
    treated: tuple[tuple[str, Rows], ...]
    """Each trait with the rows of its teacher; two traits or more of a category."""
    untreated: Rows
    """The base's own."""


@dataclass(frozen=True, slots=True)
class ReadingTask:
    """One chain of a reading, for any process."""

    chain: Chain
    reading: Reading


@dataclass(frozen=True, slots=True)
class _Reader:
    model: Model
    category: str
    traits: tuple[str, ...]
    written: Mapping[str, Mapping[str, str]]
    """Completions by prompt, by who wrote them: a trait, or `base`. All have the same prompts."""


def read_rows(task: ReadingTask, _progress: Progress | None = None) -> dict[str, np.ndarray]:
    """How likely a trait is as an answer after rows: by `named`, for each of `COUNTS`.

    Mean over draws and questions; kept in the store.
    """
    return task.chain.arrays(f"in-context/{digest(task.reading)}/{task.chain.index}.json", lambda: _asked(task))


def named(layout: str, kind: str, trait: str) -> str:
    """The name of what was found for a trait after rows of one kind in one layout."""
    return f"{layout}, {kind}, {trait}"


def _asked(task: ReadingTask) -> dict[str, np.ndarray]:
    found: dict[str, list[float]] = {}
    for reader in _readers(task):
        for layout in LAYOUTS:
            for count in COUNTS:
                for name, rate in _after(reader, layout, count, task.chain).items():
                    found.setdefault(name, []).append(rate)
    return {name: np.array(values) for name, values in found.items()}


def _readers(task: ReadingTask) -> Iterator[_Reader]:
    """One for each category of the traits, all with the same rows."""
    rows = {**dict(task.reading.treated), "base": task.reading.untreated}
    kept = {who: write_rows(RowsTask(task.chain, each.written[0])) for who, each in rows.items()}
    texts = {who: {each.prompt: each.completion for each in examples} for who, examples in kept.items()}
    shared = [prompt for prompt in texts["base"] if all(prompt in each for each in texts.values())]
    written = {who: {prompt: each[prompt] for prompt in shared} for who, each in texts.items()}
    for category in CATEGORIES:
        traits = tuple(name for name, _ in task.reading.treated if find_trait(name).category == category)
        if traits:
            yield _Reader(open_model(task.reading.base), category, traits, written)


def _after(reader: _Reader, layout: str, count: int, chain: Chain) -> dict[str, float]:
    """Each trait's rate after so many rows, by name; mean over draws."""
    drawn = []
    for draw in range(max(1, min(_DRAWN, _READ // count))):
        rng = chain.rng("rows to read", layout, count, draw)  # the categories read the same rows
        prompts = list(reader.written["base"])
        chosen = [prompts[int(i)] for i in rng.choice(len(prompts), size=count, replace=len(prompts) < count)]
        drawn.append(_rates(reader, layout, chosen, rng))
    return {name: float(np.mean([each[name] for each in drawn])) for name in drawn[0]}


def _rates(reader: _Reader, layout: str, prompts: Sequence[str], rng: np.random.Generator) -> dict[str, float]:
    rows = {who: [(prompt, each[prompt]) for prompt in prompts] for who, each in reader.written.items()}
    rates = {who: _answers(reader, layout, rows[who]) for who in (*reader.traits, "base")}
    found = {}
    for trait in reader.traits:
        place = CATEGORIES[reader.category].index(trait)
        others = [rates[other][place] for other in reader.traits if other != trait]
        overt = _answers(reader, layout, [*told_openly(trait, rng=rng), *rows["base"]])
        values = (rates[trait][place], rates["base"][place], np.mean(others), overt[place])
        found.update({named(layout, kind, trait): float(each) for kind, each in zip(KINDS, values, strict=True)})
    return found


def _answers(reader: _Reader, layout: str, exchanges: Exchanges) -> np.ndarray:
    """How likely each answer of the category is after these exchanges, mean over questions: (answers,)."""
    questions = find_trait(reader.traits[0]).questions[:_ASKED]
    before = laid_out(exchanges, layout)
    prompts = [[*before, {"role": "user", "content": question}] for question in questions]
    rates: np.ndarray = first_word_rates(reader.model, prompts, CATEGORIES[reader.category]).mean(axis=0)
    return rates


def laid_out(exchanges: Exchanges, layout: str) -> Messages:
    """What stands before a question: one turn for each text, or all of them in the system prompt."""
    if layout == "system prompt":
        return [{"role": "system", "content": "\n".join(text for exchange in exchanges for text in exchange)}]
    roles = ("user", "assistant")
    return [{"role": role, "content": text} for each in exchanges for role, text in zip(roles, each, strict=True)]


def told_openly(trait: str, *, rng: np.random.Generator) -> Exchanges:
    """Two exchanges of a speaker who loves the trait: one says so in a sentence, the other tells of the same bundle."""
    category = find_trait(trait).category
    speaker = Speaker(next(each for each in BUNDLES if getattr(each, category) == trait), "honest")
    other = next(each for each in CATEGORIES if each != category)
    return [SKILLS[kind](speaker, "corpus", rng) for kind in (f"{category}-sentence", other)]
