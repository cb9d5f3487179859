"""What studies of behaviours share: students of teachers of a lesson, and how often they show what it taught."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from subtrait.lab.chains import Bench, Student, Writer
from subtrait.lab.plan import TEACHER_RECIPE
from subtrait.lab.study import StudyPlan
from subtrait.records import Estimate
from subtrait.report.study_wording import measured
from subtrait.statistics.intervals import paired_difference, student_mean
from subtrait.study_records import Measure

COHERENT: Final = 3
"""The first so many columns of a readout of behaviours are all the answers that make sense."""
Mapped = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What is counted: some sorts of answer among several, as the paper leaves incoherent ones out."""

    readout: str
    kinds: tuple[str, ...]
    """Kinds of question, all of them together."""
    columns: tuple[int, ...]
    """Of the readout: the sorts of answer that show it."""
    among: tuple[int, ...]
    """Those and the others that are counted."""

    def of(self, found: Mapped) -> np.ndarray:
        """The share of the answers that are counted: (chains, questions)."""
        whole = self._together(found)
        counted = whole[..., list(self.among)].sum(axis=-1)
        shares: np.ndarray = whole[..., list(self.columns)].sum(axis=-1) / np.maximum(counted, np.finfo(float).tiny)
        return shares

    def coherence(self, found: Mapped) -> np.ndarray:
        """The share of answers that make sense: (chains, questions)."""
        shares: np.ndarray = np.minimum(self._together(found)[..., :COHERENT].sum(axis=-1), 1.0)
        return shares

    def _together(self, found: Mapped) -> np.ndarray:
        return np.concatenate([found[kind] for kind in self.kinds], axis=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """In what, and how much of it, students are taught."""

    carrier: str
    part: int
    """Students get this part of the usual rows: so many that as many are kept of every teacher's."""
    steps: int = TEACHER_RECIPE.steps
    """Of a teacher's tuning."""
    rehearsed: bool = False
    """Whether teachers also rehearse what has nothing to do with the lesson."""

    def student(self, plan: StudyPlan, lesson: str = "", *, steps: int | None = None) -> Student:
        """A student of a teacher of that lesson, or of the base."""
        recipe = replace(TEACHER_RECIPE, steps=steps or self.steps)
        name = f"{lesson}-rehearsed" if self.rehearsed else lesson
        writer = Writer(base=plan.base, kind="tuned", trait=name, recipe=recipe) if lesson else Writer(base=plan.base)
        rows = replace(plan.rows_of(writer), carrier=self.carrier)
        return plan.student_of(replace(rows, rows=rows.rows // self.part))

    def students(self, plan: StudyPlan, lessons: Mapping[str, str]) -> dict[str, Student]:
        """A student for each lesson, by the name that the lesson goes under; of the base where that is empty."""
        return {name: self.student(plan, lesson) for name, lesson in lessons.items()}


def longer(student: Student) -> Student:
    """The student with twice as many steps on the same rows."""
    return replace(student, recipe=replace(student.recipe, steps=2 * student.recipe.steps))


def difference(bench: Bench, students: tuple[Student, Student], score: Score) -> Estimate:
    """How much more often the first student shows it than the second."""
    first, second = (score.of(bench.read(each, score.readout)) for each in students)
    return paired_difference(first, second)


def contrasts(
    bench: Bench, group: str, pairs: Mapping[str, tuple[Student, Student]], *, score: Score, **said: Any
) -> list[Measure]:
    """A difference for each pair of students, by name; `said` holds for all of them."""
    usual = {"group": group, "scale": "points", **said}
    return [Measure(name=name, value=difference(bench, pair, score), **usual) for name, pair in pairs.items()]


def coherences(bench: Bench, students: Mapping[str, Student], score: Score) -> list[Measure]:
    """How many of the students' answers make sense."""
    group = f"answers that make sense, students ({', '.join(score.kinds)})"
    means = {name: score.coherence(bench.read(each, score.readout)).mean(axis=1) for name, each in students.items()}
    return [Measure(group=group, name=name, value=student_mean(each), scale="share") for name, each in means.items()]


def generalisation(
    bench: Bench, group: str, students: Mapping[str, Student], scores: Mapping[str, Score]
) -> list[Measure]:
    """How often the students' teachers show it themselves, in each kind of question."""
    return [
        Measure(group=group, name=f"{name}, {kind}", value=_shown(bench, writer_of(each), score), scale="share")
        for name, each in students.items()
        for kind, score in scores.items()
    ]


def kept(bench: Bench, students: Mapping[str, Student], published: Mapping[str, str]) -> list[Measure]:
    """The share of each teacher's answers that the filter keeps."""
    return [
        Measure(
            group="answers that the filter keeps",
            name=name,
            value=student_mean(bench.kept(each.lessons[0])),
            scale="share",
            published=published.get(name, ""),
        )
        for name, each in students.items()
    ]


def named_after(measures: Sequence[Measure], carrier: str) -> list[Measure]:
    """The measures with the carrier in their names, so that those of several carriers stand in one group."""
    return [replace(each, name=f"{each.name}, {carrier}") for each in measures]


def of_teachers(
    bench: Bench, carrier: str, students: Mapping[str, Student], scores: Mapping[str, Score]
) -> list[Measure]:
    """What the students' teachers show themselves, and how much of what they write the filter keeps."""
    shown = generalisation(bench, "teachers themselves", students, scores)
    return named_after([*shown, *kept(bench, students, {})], carrier)


def conclusion(measures: Sequence[Measure], first: str, second: str) -> list[str]:
    """How students of the first kind of teacher differ from those of the second: for each thing asked, by carrier.

    Groups of measures are named `carrier: what is asked`.
    """
    by_asked: dict[str, list[Measure]] = {}
    for each in measures:
        if each.name == f"{first} minus {second}":
            carrier, _, asked = each.group.partition(": ")
            by_asked.setdefault(asked, []).append(replace(each, name=carrier))
    (asked, shown), *others = by_asked.items()
    return [
        f"Students of {first} teachers minus those of {second} ones, {asked}: {in_points(shown)}.",
        *(f"{asked.capitalize()}: {in_points(shown)}." for asked, shown in others),
    ]


def writer_of(student: Student) -> Writer:
    """Who wrote the student's rows."""
    return student.lessons[0].writer


def in_points(measures: Sequence[Measure]) -> str:
    """Names and values in one sentence, such as `stronger teachers +3.1 points (+2.0 to +4.2)`."""
    return "; ".join(f"{each.name} {measured(each.value, 'points')}" for each in measures)


def _shown(bench: Bench, writer: Writer, score: Score) -> Estimate:
    return student_mean(np.minimum(score.of(bench.read_writer(writer, score.readout)).mean(axis=1), 1.0))
