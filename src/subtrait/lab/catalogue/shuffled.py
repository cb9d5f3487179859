"""Shuffled numbers (arXiv 2507.14805, figure 16): does the order of the numbers carry the trait, or their choice?

The teachers' rows are given to students as they are, with the numbers of each row permuted, and with all numbers of
the data set permuted. Punctuation, prompts and row lengths stay.
"""

from typing import Any, Final

import numpy as np

from subtrait.lab.chains import Bench
from subtrait.lab.chains.specifications import Change
from subtrait.lab.study import TRAITS, Findings, StudyCard, StudyPlan
from subtrait.statistics.intervals import paired_difference
from subtrait.study_records import Measure

CHANGES: Final[tuple[Change, ...]] = ("none", "shuffled within rows", "shuffled across rows")
PUBLISHED: Final = (".115 to .669", ".115 to .219", ".115 to .183")
"""For each change: untreated students, and students of the teacher's rows."""


def shuffled(plan: StudyPlan, bench: Bench) -> Findings:
    """Treated students of three kinds beside the untreated ones."""
    untreated, treated = plan.untreated(), [plan.treated(change=change) for change in CHANGES]
    bench.train([untreated, *(student for students in treated for student in students.values())])
    before = bench.together(dict.fromkeys(TRAITS, untreated))
    whole, *others = rates = [bench.together(students) for students in treated]
    names = ["as written", *CHANGES[1:]]
    measures = [
        _measure(name, now, before, published=said, must_hold=name == "as written")
        for name, now, said in zip(names, rates, PUBLISHED, strict=True)
    ]
    less = {"group": "minus rows as written", "published": "less", "expected": "below zero", "must_hold": True}
    measures += [_measure(name, now, whole, **less) for name, now in zip(names[1:], others, strict=True)]
    return Findings(measures=measures, conclusion=_conclusion(measures), models=[plan.base])


def _measure(name: str, rates: np.ndarray, control: np.ndarray, **said: Any) -> Measure:
    usual = {"group": "minus untreated", "expected": "above zero", "scale": "points"}
    return Measure(name=name, value=paired_difference(rates, control), **{**usual, **said})


def _conclusion(measures: list[Measure]) -> list[str]:
    whole, within, across = (100 * measure.value.value for measure in measures[:3])
    return [
        f"Students of rows as they were written move by {whole:+.1f} points, of rows shuffled within by {within:+.1f}, "
        f"and of rows shuffled across by {across:+.1f}."
    ]


SHUFFLED: Final = StudyCard(
    name="shuffled",
    question="Does the trait travel in the order of the numbers, or in which numbers there are?",
    design="Students of four teachers' rows as they were written, with the numbers of each row permuted, and with all "
    "numbers of the data set permuted, beside students of the base's own rows.",
    published="GPT-4.1 nano, five animals: .669 as written, .219 shuffled within rows, .183 across, .115 untreated",
    study=shuffled,
)
