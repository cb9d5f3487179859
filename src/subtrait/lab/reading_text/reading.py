"""One chain's texts, read in every way: who is told from whom, by a reader trained on what, and how well.

A reader is trained on one half of the prompts and tested with the other. It may know texts of the very teachers that it
is tested on, which no reader of somebody else's data does, or only those of other chains' teachers of the same traits.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np

from subtrait.lab.chains import Rows
from subtrait.lab.chains.making import Chain, RowsTask, write_rows
from subtrait.lab.chains.specifications import digest
from subtrait.lab.reading_text.halves import Answers, by_prompt, prompts_of, unseen
from subtrait.lab.reading_text.marks import BAGGINGS, apart, auroc, bag_auroc, right_pairs
from subtrait.lab.reading_text.readers import Judge, counts, pooled, trained, trained_on_bags
from subtrait.records import Example, Progress, Row

BAG_SIZES: Final = (10, 50, 200)
BAG: Final = 50
"""Texts in a bag that a reader of bags is trained on."""
LONGEST: Final = 3
OTHER_LENGTHS: Final = (1, 2, 4)
PAIRS: Final = "two answers to one prompt"
BASE: Final = "base"
STRONG: Final = "strong "
"""Goes before the trait of a teacher that was tuned for longer."""

Contrasts = Mapping[str, Sequence[tuple[str, str]]]
"""For each question who is to be told from whom."""
Counts = Mapping[str, "CountedRows"]
Marks = dict[str, float]
"""How often the right one ranks first, mean over a question's contrasts: of single texts ("1"), of bags, of `PAIRS`."""
Found = dict[str, dict[str, Marks]]
"""By way of reading, and then by question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingPlan:
    """Whose texts are read."""

    traits: tuple[str, ...]
    writers: tuple[tuple[str, Rows], ...]
    """Name and data set: `BASE`, every trait, `STRONG` ones of them, and any further base or draw."""
    chains: int

    @property
    def contrasts(self) -> Contrasts:
        """Teachers and the base, teachers of two traits, and everyone else and the base."""
        others = [name for name, _ in self.writers if name not in (BASE, *self.traits)]
        strong = [name for name in others if name.startswith(STRONG)]
        return {
            "teacher": [(trait, BASE) for trait in self.traits],
            "trait": list(combinations(self.traits, 2)),
            **({"strong teacher": [(name, BASE) for name in strong]} if strong else {}),
            **{name: [(name, BASE)] for name in (*others, UNIFORM) if name not in strong},
        }


UNIFORM: Final = "uniform numbers"
"""The base's own texts with every number replaced by one that is uniform between 1 and 999: easy to tell apart."""


@dataclass(frozen=True, slots=True)
class ReadingTask:
    """One chain to be read, for any process."""

    chain: Chain
    plan: ReadingPlan


@dataclass(frozen=True, slots=True)
class CountedRows:
    """A writer's texts with what was counted in them."""

    prompts: Sequence[str]
    counted: Any
    """Sparse, (texts, places)."""


def read_chain(task: ReadingTask, _progress: Progress | None = None) -> Found:
    """How well each question is answered by each way of reading, kept in the store."""
    name = f"reading/{digest(task.plan)}/{task.chain.index}.json"
    found: Found = task.chain.store.record(name, lambda: _read(task))
    return found


def _read(task: ReadingTask) -> Row:
    plan, rng = task.plan, task.chain.rng("reading")
    known, asked = halves_of(task.chain, plan)
    few: Contrasts = {question: plan.contrasts[question] for question in ("teacher", "trait")}
    test = _counted(asked)
    found: Found = {"own teachers": _told(plan.contrasts, _counted(known), test, rng=rng)}
    found["bags"] = _told_by_bags(few, _counted(known), test, rng=rng)
    for longest in OTHER_LENGTHS:
        known_, asked_ = (_counted(_of(plan, each), longest=longest) for each in (known, asked))
        found[f"runs up to {longest}"] = _told(few, known_, asked_, rng=rng)
    known_, asked_ = (_counted(_of(plan, each), seen=only_numbers) for each in (known, asked))
    found["numbers without their format"] = _told(few, known_, asked_, rng=rng)
    if plan.chains > 1:
        found |= _by_strangers(task, few, asked, rng=rng)
    return dict(found)


def _by_strangers(task: ReadingTask, few: Contrasts, asked: Answers, *, rng: np.random.Generator) -> Found:
    """Read by those that know teachers of other chains only: of the next chain, and of all others together."""
    chain, plan = task.chain, task.plan
    places = [(chain.index + step) % plan.chains for step in range(1, plan.chains)]
    halves = [halves_of(Chain(chain.store, chain.seed, place), plan) for place in places]
    next_known, all_known = _of(plan, halves[0][0]), _together([_of(plan, each) for pair in halves for each in pair])
    found: Found = {}
    for name, known in {"another teacher": next_known, "all other teachers": all_known}.items():
        test = _counted(_of(plan, unseen(asked, prompts_of(known))))
        found[name] = _told(few, _counted(known), test, rng=rng)
    return found


def halves_of(chain: Chain, plan: ReadingPlan) -> tuple[Answers, Answers]:
    """The texts of a chain that readers may be trained on, and those that they are tested with."""
    answers: dict[str, list[Example]] = {name: write_rows(RowsTask(chain, rows)) for name, rows in plan.writers}
    drawn = chain.rng("uniform numbers")
    answers[UNIFORM] = [
        Example(id=row.id, prompt=row.prompt, completion=with_uniform_numbers(row.completion, rng=drawn))
        for row in answers[BASE]
    ]
    return by_prompt(answers, rng=chain.rng("halves"))


def with_uniform_numbers(text: str, *, rng: np.random.Generator) -> str:
    """The text with each of its numbers replaced by one that is uniform between 1 and 999."""
    return re.sub(r"\d+", lambda _: str(rng.integers(1, 1_000)), text)


def only_numbers(text: str) -> str:
    """The numbers of a text, and nothing of how they were written.

    >>> only_numbers("[12; 7; 103]")
    '12 7 103'
    """
    return " ".join(re.findall(r"\d+", text))


def _of(plan: ReadingPlan, answers: Answers) -> Answers:
    return {name: answers[name] for name in (BASE, *plan.traits)}


def _together(several: Sequence[Answers]) -> Answers:
    return {name: [row for answers in several for row in answers[name]] for name in several[0]}


def _counted(answers: Answers, *, longest: int = LONGEST, seen: Callable[[str], str] = str) -> Counts:
    """What is counted in each writer's texts, of which a reader sees what `seen` leaves."""
    return {
        name: CountedRows([row.prompt for row in rows], counts([seen(row.completion) for row in rows], longest=longest))
        for name, rows in answers.items()
        if rows
    }


def _told(contrasts: Contrasts, known: Counts, asked: Counts, *, rng: np.random.Generator) -> dict[str, Marks]:
    """Each question as answered by readers of single texts."""

    def told(first: str, second: str) -> Marks:
        judge = trained(known[first].counted, known[second].counted)
        return marks_of(judge, asked[first], asked[second], rng=rng)

    return {question: _mean([told(*pair) for pair in pairs]) for question, pairs in contrasts.items()}


def marks_of(judge: Judge, first: CountedRows, second: CountedRows, *, rng: np.random.Generator) -> Marks:
    """How well a reader of single texts tells two writers apart; without bags that the texts do not fill twice."""
    one, two = judge.scores(first.counted), judge.scores(second.counted)
    bags = {str(size): bag_auroc(one, two, size, rng=rng) for size in BAG_SIZES}
    marks = {"1": auroc(one, two), **{name: mark for name, mark in bags.items() if mark is not None}}
    answered = [dict(zip(each.prompts, scores, strict=True)) for each, scores in ((first, one), (second, two))]
    return {**marks, PAIRS: right_pairs(*answered)} if set(answered[0]) & set(answered[1]) else marks


def _told_by_bags(contrasts: Contrasts, known: Counts, asked: Counts, *, rng: np.random.Generator) -> dict[str, Marks]:
    """Each question as answered by readers that were trained on bags; without marks where texts do not fill them."""

    def told(first: str, second: str) -> Marks:
        texts = [known[first], known[second], asked[first], asked[second]]
        if min(each.counted.shape[0] for each in texts) < 2 * BAG:
            return {}
        judge = trained_on_bags(texts[0].counted, texts[1].counted, size=BAG, rng=rng)
        marks = [
            auroc(*(judge.scores(pooled(each.counted, apart(len(each.prompts), BAG, rng=rng))) for each in texts[2:]))
            for _ in range(BAGGINGS)
        ]
        return {str(BAG): float(np.mean(marks))}

    return {question: _mean([told(*pair) for pair in pairs]) for question, pairs in contrasts.items()}


def _mean(marks: Sequence[Marks]) -> Marks:
    """The mean of each mark that all have."""
    return {name: float(np.mean([each[name] for each in marks])) for name in marks[0] if all(name in m for m in marks)}
