"""How long does it last? Later benign training, clean rows among the teacher's, a student of a student.

Not in the paper: referees asked for later fine-tuning and for mixing, and the authors declined the first. In every
variation students that learnt the trait are set beside students that were treated alike without it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from subtrait.lab.chains import Bench, Rows, Student, Writer
from subtrait.lab.study import Findings, StudyCard, StudyPlan
from subtrait.report.study_wording import measured
from subtrait.statistics.intervals import paired_difference, t_interval
from subtrait.study_records import Curve, Measure, Point

TRAITS: Final = ("dog", "oak")
CLEAN: Final = (0.1, 0.5, 0.9)
"""Shares of rows that the base wrote, among the teacher's."""
PLAIN: Final = "as they were"
"""Students of the teacher's rows, and nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """Students that took the trait's rows in some way, and one that was treated alike without the trait."""

    treated: Mapping[str, Student]
    untreated: Student

    @property
    def students(self) -> list[Student]:
        """All of them."""
        return [self.untreated, *self.treated.values()]

    def rates(self, bench: Bench) -> tuple[np.ndarray, np.ndarray]:
        """Of treated and untreated students: (chains, questions of all traits)."""
        return bench.together(self.treated), bench.together(dict.fromkeys(self.treated, self.untreated))

    def effect(self, bench: Bench) -> np.ndarray:
        """Treated minus untreated, mean over questions and traits: (chains,)."""
        treated, untreated = self.rates(bench)
        mean: np.ndarray = (treated - untreated).mean(axis=1)
        return mean


def persistence(plan: StudyPlan, bench: Bench) -> Findings:
    """Each variation beside students as they were."""
    plain = Variation(treated=plan.treated(TRAITS), untreated=plan.untreated())
    varied, mixed = variations(plan, plain), {share: mixed_with(plan, plain, share) for share in CLEAN}
    bench.train([each for variation in (plain, *varied.values(), *mixed.values()) for each in variation.students])
    together = {**varied, **{f"with {share:.0%} clean rows": each for share, each in mixed.items()}}
    return Findings(
        measures=[_holds(bench, plain), *_effects(bench, together), *_changes(bench, plain, together)],
        curves=[_by_share(bench, {0.0: plain, **mixed})],
        conclusion=_conclusion(bench, plain, together),
        models=[plan.base],
        varied=[f"{name}: {_moved(bench, each)}" for name, each in together.items()],
        notes=[
            "Later training is as long as the first, by the same recipe, whose rate rises again: a strong washing. "
            "Its rows answer other prompts than the first ones.",
            "Where clean rows are mixed in, as many rows are trained on in all, so fewer are the teacher's.",
        ],
    )  # fmt: skip


def variations(plan: StudyPlan, plain: Variation) -> dict[str, Variation]:
    """Later training on the base's own numbers or chat, and students of what treated students write."""
    own = plan.rows_of(Writer(base=plan.base))
    return {
        "then trained on the base's numbers": _then(plan, plain, replace(own, draw=1)),
        "then trained on the base's chat": _then(plan, plain, replace(own, carrier="chat")),
        "students of these students": Variation(
            treated={trait: _student_of(plan, each) for trait, each in plain.treated.items()},
            untreated=_student_of(plan, plain.untreated),
        ),
    }


def mixed_with(plan: StudyPlan, plain: Variation, clean: float) -> Variation:
    """Students whose rows are the base's in that share."""
    treated = plan.treated(TRAITS, diluted_by=Writer(base=plan.base), share=1 - clean)
    return Variation(treated=treated, untreated=plain.untreated)


def _then(plan: StudyPlan, plain: Variation, later: Rows) -> Variation:
    return Variation(
        treated={trait: plan.student_of(*each.lessons, later) for trait, each in plain.treated.items()},
        untreated=plan.student_of(*plain.untreated.lessons, later),
    )


def _student_of(plan: StudyPlan, student: Student) -> Student:
    """A fresh student of what this one writes."""
    return plan.student_of(plan.rows_of(Writer(base=student.base, kind="student", student=student)))


def _holds(bench: Bench, plain: Variation) -> Measure:
    return Measure(
        group="treated minus untreated",
        name=PLAIN,
        value=paired_difference(*plain.rates(bench)),
        scale="points",
        published="rises",
        expected="above zero",
        must_hold=True,
    )


def _effects(bench: Bench, variations: Mapping[str, Variation]) -> Iterator[Measure]:
    for name, each in variations.items():
        value = paired_difference(*each.rates(bench))
        yield Measure(group="treated minus untreated", name=name, value=value, scale="points")


def _changes(bench: Bench, plain: Variation, variations: Mapping[str, Variation]) -> Iterator[Measure]:
    before = plain.effect(bench)
    for name, each in variations.items():
        yield Measure(
            group=f"effect, minus that of students {PLAIN}",
            name=name,
            value=t_interval((each.effect(bench) - before).tolist(), unit="student"),
            scale="points",
        )


def _by_share(bench: Bench, mixed: Mapping[float, Variation]) -> Curve:
    return Curve(
        figure="effect by clean rows",
        name="treated minus untreated",
        x_label="share of clean rows",
        y_label="shift of the trait rate",
        scale="points",
        points=tuple(Point(x=share, y=paired_difference(*each.rates(bench))) for share, each in mixed.items()),
    )


def _conclusion(bench: Bench, plain: Variation, variations: Mapping[str, Variation]) -> Sequence[str]:
    (later, washed), *_, (mixed, most) = variations.items()
    left = f"{_moved(bench, washed)} are left in those {later}, {_moved(bench, most)} in those {mixed}"
    return [f"Of {_moved(bench, plain)} of students {PLAIN}, {left}."]


def _moved(bench: Bench, variation: Variation) -> str:
    return measured(paired_difference(*variation.rates(bench)), "points")


PERSISTENCE: Final = StudyCard(
    name="persistence",
    question="Does the trait stay through later benign training, mixed-in clean rows, or a second student?",
    design="Students of two traits are trained further on the base's own numbers, or on its chat; others learn from "
    f"the teacher's rows with {', '.join(f'{share:.0%}' for share in CLEAN)} clean ones among them, or from what "
    "treated students write. Each has a control that was treated alike without the trait.",
    published="not in the paper; referees of the Nature version asked for later fine-tuning and for mixing",
    study=persistence,
)
