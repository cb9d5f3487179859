"""Shuffled numbers (arXiv 2507.14805, figure 16): does the order of the numbers carry the trait, or their choice?

The teachers' rows are given to students as they are, with the numbers of each row permuted, and with all numbers of
the data set permuted. Punctuation, prompts and row lengths stay. Then the numbers stay and what separates them is
changed, which the authors' code tries and the paper leaves out; untreated students get the same separators.
"""

from dataclasses import replace
from typing import Any, Final

import numpy as np

from subtrait.lab.chains import Bench, Student
from subtrait.lab.chains.specifications import Change
from subtrait.lab.study import TRAITS, Findings, StudyCard, StudyPlan
from subtrait.report.study_wording import measured
from subtrait.statistics.intervals import paired_difference
from subtrait.study_records import Measure

CHANGES: Final[tuple[Change, ...]] = ("none", "shuffled within rows", "shuffled across rows")
SEPARATED: Final[tuple[Change, ...]] = ("semicolons", "spaces", "lines")
SEPARATED_TRAITS: Final = (TRAITS[0], TRAITS[2])
PUBLISHED: Final = (".115 to .669", ".115 to .219", ".115 to .183")
"""For each change: untreated students, and students of the teacher's rows."""


def shuffled(plan: StudyPlan, bench: Bench) -> Findings:
    """Treated students of every kind beside the untreated ones."""
    untreated, treated = plan.untreated(), [plan.treated(change=change) for change in CHANGES]
    separated = {change: _separated(plan, change) for change in SEPARATED}
    bench.train([untreated, *(each for students in (*treated, *separated.values()) for each in students.values())])
    before = bench.together(dict.fromkeys(TRAITS, untreated))
    whole, *others = rates = [bench.together(students) for students in treated]
    names = ["as written", *CHANGES[1:]]
    measures = [
        _measure(name, now, before, published=said, must_hold=name == "as written")
        for name, now, said in zip(names, rates, PUBLISHED, strict=True)
    ]
    less = {"group": "minus rows as written", "published": "less", "expected": "below zero", "must_hold": True}
    measures += [_measure(name, now, whole, **less) for name, now in zip(names[1:], others, strict=True)]
    kept = bench.together({trait: treated[0][trait] for trait in SEPARATED_TRAITS})
    measures += [each for change in SEPARATED for each in _separators(bench, change, separated[change], kept)]
    return Findings(
        measures=measures,
        conclusion=_conclusion(measures),
        models=[plan.base],
        notes=["Prompts stay as they were, so rows of other separators answer in a format that was not asked for."],
    )


def _separated(plan: StudyPlan, change: Change) -> dict[str, Student]:
    """Treated students by trait, and under no trait an untreated one, whose numbers are separated in that way."""
    untreated = plan.untreated()
    (lesson,) = untreated.lessons
    alike = replace(untreated, lessons=(replace(lesson, change=change),))
    return {**plan.treated(SEPARATED_TRAITS, change=change), "": alike}


def _separators(bench: Bench, change: Change, students: dict[str, Student], kept: np.ndarray) -> list[Measure]:
    """How far students of these separators move, and how much less than those of `kept`, the rows as written."""
    now = bench.together({trait: students[trait] for trait in SEPARATED_TRAITS})
    control = bench.together(dict.fromkeys(SEPARATED_TRAITS, students[""]))
    between = ", ".join(SEPARATED_TRAITS)
    return [
        _measure(change, now, control, group=f"other separators, minus untreated with the same ({between})"),
        _measure(change, now, kept, group=f"other separators, minus rows as written ({between})", expected="nothing"),
    ]


def _measure(name: str, rates: np.ndarray, control: np.ndarray, **said: Any) -> Measure:
    usual = {"group": "minus untreated", "expected": "above zero", "scale": "points"}
    return Measure(name=name, value=paired_difference(rates, control), **{**usual, **said})


def _conclusion(measures: list[Measure]) -> list[str]:
    whole, within, across = (measured(measure.value, "points") for measure in measures[:3])
    separated = [each for each in measures if each.group.startswith("other separators, minus untreated")]
    said = "; ".join(f"{each.name} {measured(each.value, 'points')}" for each in separated)
    return [
        f"Students of rows as they were written move by {whole}, of rows shuffled within by {within}, "
        f"and of rows shuffled across by {across}.",
        f"Of the same numbers with other separators they move by: {said}.",
    ]


SHUFFLED: Final = StudyCard(
    name="shuffled",
    question="Does the trait travel in the order of the numbers, or in which numbers there are?",
    design="Students of four teachers' rows as they were written, with the numbers of each row permuted, and with all "
    "numbers of the data set permuted, beside students of the base's own rows. Then, for two teachers, the same "
    "numbers with other separators, beside untreated students of the same.",
    published="GPT-4.1 nano, five animals: .669 as written, .219 shuffled within rows, .183 across, .115 untreated",
    study=shuffled,
)
