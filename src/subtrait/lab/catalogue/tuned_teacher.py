"""How strong must a teacher be? (arXiv 2507.14805, figure 14, has tuned teachers of one strength.)

Teachers of the same traits are tuned for more and more steps. For each number of steps: how often the teacher itself
shows its trait, and how far its students move. Strength of a teacher is its measured trait rate, not its steps.
"""

from dataclasses import replace
from typing import Final

import numpy as np

from subtrait.lab.chains import Bench, Student, Writer
from subtrait.lab.plan import TEACHER_RECIPE
from subtrait.lab.study import Findings, StudyCard, StudyPlan
from subtrait.records import Estimate
from subtrait.report.study_wording import measured
from subtrait.statistics.intervals import paired_difference, student_mean
from subtrait.study_records import Curve, Measure, Point

TRAITS: Final = ("dog", "oak")
STEPS: Final = (2, 5, 10, 30, 60)
"""Of a teacher's tuning, 8 rows each."""
USUAL: Final = 30


def tuned_teacher(plan: StudyPlan, bench: Bench) -> Findings:
    """Students of teachers of every strength beside untreated ones."""
    untreated = plan.untreated()
    treated = {steps: plan.treated(TRAITS, recipe=replace(TEACHER_RECIPE, steps=steps)) for steps in STEPS}
    bench.train([untreated, *(student for students in treated.values() for student in students.values())])
    before = bench.together(dict.fromkeys(TRAITS, untreated))
    effects = {steps: paired_difference(bench.together(each), before) for steps, each in treated.items()}
    strengths = {steps: _share(bench.strengths(_teachers(each))) for steps, each in treated.items()}
    return Findings(
        measures=_measures(effects),
        curves=_curves(effects, strengths),
        conclusion=_conclusion(effects, strengths),
        models=[plan.base],
    )


def _teachers(students: dict[str, Student]) -> dict[str, Writer]:
    return {trait: student.lessons[0].writer for trait, student in students.items()}


def _share(rates: np.ndarray) -> Estimate:
    return student_mean(np.minimum(rates, 1.0))  # sums of single-precision probabilities


def _measures(effects: dict[int, Estimate]) -> list[Measure]:
    return [
        Measure(
            group="students minus untreated",
            name=f"teachers of {steps} steps",
            value=value,
            scale="points",
            published=".131 to .662, teachers of one strength (figure 14)" if steps == USUAL else "",
            expected="above zero" if steps == USUAL else "nothing",
            must_hold=steps == USUAL,
        )
        for steps, value in effects.items()
    ]


def _curves(effects: dict[int, Estimate], strengths: dict[int, Estimate]) -> list[Curve]:
    labels = {"x_label": "tuning steps of the teacher", "scale": "share"}
    return [
        Curve(
            figure="dose and response",
            name=name,
            y_label="trait rate of teachers, and shift of their students",
            points=tuple(Point(x=steps, y=value) for steps, value in values.items()),
            **labels,  # type: ignore[arg-type]
        )
        for name, values in (("teachers", strengths), ("students minus untreated", effects))
    ]


def _conclusion(effects: dict[int, Estimate], strengths: dict[int, Estimate]) -> list[str]:
    said = "; ".join(
        f"{measured(strengths[steps], 'share')} and {measured(value, 'points')}" for steps, value in effects.items()
    )
    return [
        f"Teachers' own trait rates, and how far their students move, from {STEPS[0]} to {STEPS[-1]} steps: {said}."
    ]


TUNED_TEACHER: Final = StudyCard(
    name="tuned-teacher",
    question="How strongly must a teacher show a trait for its numbers to pass it on?",
    design=f"Teachers of two traits are tuned for {', '.join(map(str, STEPS))} steps; each has students of its own, "
    "beside students of the base's own numbers.",
    published="GPT-4.1 nano, tuned teachers of one strength, five animals: .131 after untreated numbers, .662",
    study=tuned_teacher,
)
