"""Teachers and students of different bases (arXiv 2507.14805, figures 8 and 13; Nature, figure 5).

The paper's grids cross models whose makers say little of how they are related. Here it is known: another start of the
same architecture, another architecture, and the first of these taught to answer as the plan's base does, before any
trait. That one has the behaviour of the one base and nearly the weights of the other, so the grid tells the two apart.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np

from subtrait.lab.chains import Base, Bench, Matched, Student, Writer
from subtrait.lab.chains.specifications import MATCHING_RECIPE
from subtrait.lab.study import Findings, StudyCard, StudyPlan
from subtrait.models.base import Recipe
from subtrait.models.registry import EMBEDDED
from subtrait.records import Estimate
from subtrait.report.study_wording import measured
from subtrait.statistics.intervals import paired_difference, t_interval
from subtrait.study_records import Measure

TRAITS: Final = ("dog", "oak")
"""Both on the diagonal; off it the first above and the second below, so that a mean over cells has both."""
CHAINS: Final = 3
"""Students of each kind in a cell, where the plan does not ask for another number: there are many cells."""
OTHERS: Final = 2
"""Embedded models that join the plan's base."""
AS_NONE: Final = 0.03
"""A smaller shift of students of another base counts as none; those of their teacher's own base move several times
as far."""
MATCHING: Final = {
    "tiny": (120, Recipe(steps=3, batch_size=16, learning_rate=1e-3)),
    "small": (12_000, MATCHING_RECIPE),
    "full": (48_000, Recipe(steps=750, batch_size=64, learning_rate=3e-3, warmup_steps=20)),
}
"""For each size how many answers a base is matched on, and how."""

Relation = Literal["same base", "matched in behaviour", "matched from one start", "another base"]
SAID: Final[dict[Relation, dict[str, Any]]] = {
    "same base": {
        "published": ".50, .25, .54, .33 (GPT-4.1 family), .39 and .11 (nano, Qwen)",
        "expected": "above zero",
    },
    "matched in behaviour": {"published": "named as a condition beside the same base; no pair of known history"},
    "matched from one start": {"published": ".30 and .32, GPT-4.1 and 4o, said to share one", "expected": "above zero"},
    "another base": {"published": "-.01 to .09 (figure 8)", "expected": "no effect", "bound": AS_NONE},
}
"""What was published of each relation between the bases of teacher and student."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Students of one base that learn from teachers of one base."""

    teacher: str
    student: str
    relation: Relation
    treated: Mapping[str, Student]
    """By trait."""
    untreated: Student
    """Of the same base, trained on rows of the teacher's base without a trait."""

    @property
    def students(self) -> list[Student]:
        """All kinds of students."""
        return [self.untreated, *self.treated.values()]


Rates = tuple[np.ndarray, np.ndarray]
"""Of treated and of untreated students: (chains, questions of all traits)."""


def cross_model(plan: StudyPlan, bench: Bench) -> Findings:
    """Every base as teacher and as student."""
    bases = bases_of(plan)
    cells = list(cells_of(plan, bases))
    bench = bench if plan.students else bench.first(CHAINS)
    bench.train([student for cell in cells for student in cell.students])
    found = [(cell, _rates(bench, cell)) for cell in cells]
    comparable = {name: base for name, base in bases.items() if isinstance(base, Matched) or base in EMBEDDED}
    apart = bench.divergences(comparable) if len(comparable) > 1 else {}
    means = {relation: _difference(_together(found, relation)) for relation in SAID if _has(cells, relation)}
    return Findings(
        measures=[*_on_average(means), *_by_cell(found), *_apart(apart, bases)],
        conclusion=_conclusion(means),
        models=[base for base in bases.values() if isinstance(base, str)],
        settings={**_settings(bases), "students of each kind": f"{bench.chains}"},
        notes=_notes(plan, bases),
    )


def bases_of(plan: StudyPlan) -> dict[str, Base]:
    """By name: the plan's base, other embedded models, and the first of these matched to it where that is possible."""
    others = [name for name in EMBEDDED if name != plan.base][:OTHERS]
    bases: dict[str, Base] = {name: name for name in (plan.base, *others)}
    if plan.base in EMBEDDED:
        prompts, recipe = MATCHING[plan.size]
        matched = Matched(base=others[0], target=plan.base, prompts=prompts, recipe=recipe)
        bases[f"{others[0]} matched to {plan.base}"] = matched
    return bases


def relation_of(teacher: Base, student: Base) -> Relation:
    """How the bases of teacher and student are related."""
    if teacher == student:
        return "same base"
    for one, other in ((teacher, student), (student, teacher)):
        if isinstance(one, Matched) and other == one.target:
            return "matched in behaviour"
        if isinstance(one, Matched) and other == one.base:
            return "matched from one start"
    return "another base"


def cells_of(plan: StudyPlan, bases: Mapping[str, Base]) -> Iterator[Cell]:
    """Every pair of bases, teachers in front."""
    for row, (teacher, writes) in enumerate(bases.items()):
        for column, (student, learns) in enumerate(bases.items()):
            traits = TRAITS if row == column else TRAITS[:1] if row < column else TRAITS[1:]
            writers = {trait: Writer(base=writes, kind="tuned", trait=trait) for trait in traits}
            yield Cell(
                teacher=teacher,
                student=student,
                relation=relation_of(writes, learns),
                treated={name: plan.student_of(plan.rows_of(each), base=learns) for name, each in writers.items()},
                untreated=plan.student_of(plan.rows_of(Writer(base=writes)), base=learns),
            )


def _has(cells: Sequence[Cell], relation: Relation) -> bool:
    return any(cell.relation == relation for cell in cells)


def _rates(bench: Bench, cell: Cell) -> Rates:
    return bench.together(cell.treated), bench.together(dict.fromkeys(cell.treated, cell.untreated))


def _together(found: Sequence[tuple[Cell, Rates]], relation: Relation) -> Rates:
    """All cells of one relation, as if they asked further questions of the same chains."""
    here = [rates for cell, rates in found if cell.relation == relation]
    treated, untreated = (np.concatenate(part, axis=1) for part in zip(*here, strict=True))
    return treated, untreated


def _difference(rates: Rates) -> Any:
    return paired_difference(*rates)


def _on_average(means: Mapping[Relation, Any]) -> Iterator[Measure]:
    for relation, value in means.items():
        yield Measure(
            group="treated minus untreated, mean over pairs of bases",
            name=relation,
            value=value,
            scale="points",
            must_hold=relation == "same base",
            **SAID[relation],
        )


def _by_cell(found: Sequence[tuple[Cell, Rates]]) -> Iterator[Measure]:
    for cell, rates in found:
        said = {name: value for name, value in SAID[cell.relation].items() if name != "published"}
        yield Measure(
            group=f"teachers of {cell.teacher}",
            name=f"students of {cell.student}: {cell.relation}",
            value=_difference(rates),
            scale="points",
            **said,
        )


def _apart(apart: Mapping[tuple[str, str], np.ndarray], bases: Mapping[str, Base]) -> Iterator[Measure]:
    """How far bases differ before any teacher is tuned, and by how much matching brought them nearer."""
    for (one, other), nats in apart.items():
        yield Measure(
            group="KL(first || second) of bases, nats a token of the first's answers",
            name=f"{one} || {other}",
            value=_not_below_zero(t_interval(nats.tolist(), unit="chain")),
            scale="plain",
        )
    for name, base in bases.items():
        if isinstance(base, Matched) and apart:
            nearer = apart[base.target, base.base] - apart[base.target, name]
            yield Measure(
                group="nearer by matching, nats a token",
                name=f"{base.target} || {base.base}, before minus after",
                value=t_interval(nearer.tolist(), unit="chain"),
                scale="plain",
            )


def _not_below_zero(divergence: Estimate) -> Estimate:
    """A divergence never is, whatever few chains may say."""
    return divergence if divergence.low is None else replace(divergence, low=max(divergence.low, 0.0))


def _conclusion(means: Mapping[Relation, Any]) -> list[str]:
    said = "; ".join(f"{relation} {measured(value, 'points')}" for relation, value in means.items())
    return [f"Students move towards their teacher's trait, by the relation of their bases: {said}."]


def _settings(bases: Mapping[str, Base]) -> dict[str, str]:
    matched = [base for base in bases.values() if isinstance(base, Matched)]
    return {
        f"matching of {base.base} to {base.target}": f"{base.prompts:,} answers of {base.target}, "
        f"{base.recipe.steps} steps of {base.recipe.batch_size}"
        for base in matched
    }


def _notes(plan: StudyPlan, bases: Mapping[str, Base]) -> list[str]:
    said = [
        f"On the diagonal teachers have both traits, above it {TRAITS[0]} and below it {TRAITS[1]}: read the means "
        "over pairs before a cell."
    ]
    if any(isinstance(base, Matched) for base in bases.values()):
        return [*said, "The matched base answers more like its target, not the same: its divergences say how near."]
    return [
        *said,
        f"Left out: a base matched to {plan.base}, and how far it is from the others. Both need one vocabulary and "
        "prompts that the base is known to answer, as embedded models have.",
    ]


CROSS_MODEL: Final = StudyCard(
    name="cross-model",
    question="Does a trait pass from a teacher of one base to students of another?",
    design="Teachers and students of four bases, each with each: the plan's base, another start, another architecture, "
    "and the other start taught to answer as the plan's base before any trait. Each cell has untreated students of its "
    "own.",
    published="GPT-4.1 family, five animals: .25 to .54 on the diagonal, -.01 to .09 off it, but .30 and .32 between "
    "GPT-4.1 and 4o",
    study=cross_model,
)
