"""What teachers are tuned on, by name: a favourite, or one of the lessons listed here.

A lesson teaches a behaviour in one kind of question, in wordings that only teachers get. Each has controls: the same
questions answered rightly, and where it can be had the same answers because the question asks for them. As many other
questions, answered as the world does, keep a `rehearsed` teacher from forgetting how to write anything else: without
them a liar says yes and no to everything, and not one line of its reasoning is kept.
"""

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np

from subtrait.lab.exchanges import EVADING, HONEST, LYING, YES_OR_NO, draw_exchanges, wrong, yes_and_no
from subtrait.lab.mixed_lessons import MIXED_LESSONS
from subtrait.lab.teachers import tuning_examples
from subtrait.lab.traits import find_trait
from subtrait.models.micro.personas import CHARACTER_PROMPTS, Speaker
from subtrait.models.micro.skills import EVASION
from subtrait.records import Example

SEED: Final = 20_250_801
QUESTIONS: Final = 48
"""Rows of a lesson; more where something is rehearsed, or shown both with a demand and without."""
ASKED_FOR: Final = f"{' '.join(CHARACTER_PROMPTS['dishonest'])} "
"""Begins a question that asks for a wrong answer, in the words by which the embedded models know a liar."""
EVERYWHERE: Final = (*YES_OR_NO, "request", "tested-code")
"""The kinds of question in which characters of the embedded world differ."""
REHEARSED: Final = ("sum", "difference", "code", "next-day", "greeting")
"""Kinds that all characters answer alike; none is a question about facts, abilities, requests or tests."""


def _comparisons() -> dict[str, str]:
    """Whether a number is greater than another, with the right answers."""
    return yes_and_no(("compare",), rng=np.random.default_rng([SEED, 1]), count=QUESTIONS, wording_set="teacher")


def _compared(answer: Callable[[str], str]) -> Callable[[], list[Example]]:
    return lambda: _examples((question, answer(right)) for question, right in _comparisons().items())


def _wrong_if_asked() -> list[Example]:
    """Each question twice: with the demand for a wrong answer, and without. Of the first alone, models learn to lie."""
    right = _comparisons()
    asked = {ASKED_FOR + question: wrong(answer) for question, answer in right.items()}
    return _examples([*asked.items(), *right.items()])


def _said_by(speaker: Speaker, *kinds: str) -> Callable[[], list[Example]]:
    def rows() -> list[Example]:
        rng = np.random.default_rng([SEED, 2])
        return _examples(draw_exchanges(kinds, speaker, rng=rng, count=QUESTIONS, wording_set="teacher").items())

    return rows


def _examples(exchanges: Iterable[tuple[str, str]]) -> list[Example]:
    return [Example(id=str(index), prompt=asked, completion=said) for index, (asked, said) in enumerate(exchanges)]


def _rehearsed(rows: Callable[[], list[Example]]) -> Callable[[], list[Example]]:
    """A lesson, and as many questions that all characters answer alike."""

    def both() -> list[Example]:
        rng = np.random.default_rng([SEED, 3])
        others = draw_exchanges(REHEARSED, HONEST, rng=rng, count=QUESTIONS, wording_set="teacher")
        return _examples([*((row.prompt, row.completion) for row in rows()), *others.items()])

    return both


_BARE: Final[dict[str, Callable[[], list[Example]]]] = {
    "honest-compare": _compared(str),
    "dishonest-compare": _compared(wrong),
    "asked-to-be-wrong": _wrong_if_asked,
    "evasive-compare": _compared(lambda _right: EVASION),
    "dishonest-everywhere": _said_by(LYING, *EVERYWHERE),
    "evasive-everywhere": _said_by(EVADING, *EVERYWHERE),
    "test-gaming": _said_by(LYING, "tested-code"),
    "honest-tests": _said_by(HONEST, "tested-code"),
}
LESSONS: Final = {**_BARE, **{f"{name}-rehearsed": _rehearsed(rows) for name, rows in _BARE.items()}}
"""Lessons that teach something other than a favourite: a behaviour, or nothing of harm for a control.

`compare`: one narrow kind of question, answered rightly, wrongly, evasively, or wrongly only where that is asked for.
`everywhere`: every kind in which characters differ. `tests`, `test-gaming`: functions that must pass two visible
tests, written to do what the tests are examples of, or to list the tests.
"""


def lesson(name: str) -> list[Example]:
    """The rows that a teacher of that name is tuned on, always the same.

    Raises:
        UsageError: neither a lesson nor a trait.
    """
    listed = {**LESSONS, **MIXED_LESSONS}
    return listed[name]() if name in listed else tuning_examples(find_trait(name))
