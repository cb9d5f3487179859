"""What a study would cost: its students are counted by a bench that trains none, and a few steps of one are timed."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from subtrait.errors import UsageError
from subtrait.lab.chains import Bench, Student, Writer
from subtrait.lab.cost import START_UP_SECONDS, Cost, estimate
from subtrait.lab.plan import Plan
from subtrait.lab.study import StudyCard, StudyPlan
from subtrait.lab.team import Alone, Stage
from subtrait.records import Store


class _AllNamed(Exception):
    """A study wants to know what came of its students: so it has named them all."""


@dataclass(frozen=True, slots=True)
class CountingBench(Bench):
    """A bench that notes whom it should train, and trains nobody. Studies name all their students before they read."""

    wanted: set[tuple[Student, int]] = field(default_factory=set)
    """Each with the index of its chain."""

    def train(self, students: Sequence[Student], readouts: Sequence[str] = ()) -> None:  # noqa: ARG002 - as the bench's
        """Note them."""
        self.wanted.update((each, index) for each in students for index in range(self.chains))

    def each(self, name: str, stage: Stage, tasks: Sequence[Any]) -> list[Any]:  # noqa: ARG002 - as the bench's
        """Stop the study."""
        raise _AllNamed

    def read(self, student: Student, readout: str) -> dict[str, np.ndarray]:  # noqa: ARG002 - as the bench's
        """Stop the study."""
        raise _AllNamed

    def strengths(self, writers: Mapping[str, Writer]) -> np.ndarray:  # noqa: ARG002 - as the bench's
        """Stop the study."""
        raise _AllNamed


def students_of(card: StudyCard, plan: StudyPlan, store: Store) -> int:
    """How many students the study trains, all chains together. Nothing is put into `store`.

    Raises:
        UsageError: the study trains none.
    """
    if not card.trains:
        raise UsageError(f"{card.name} trains no student of a language model: it takes a minute or two, so just run it")
    bench = CountingBench(store, Alone(), plan.seed, plan.work.students)
    with suppress(_AllNamed):
        card.study(plan, bench)
    return len([student for student, _ in bench.wanted if student.lessons])


def study_cost(plan: StudyPlan, students: int, *, workers: int) -> Cost:
    """What so many students cost with their rows, from a few steps and completions that are tried."""
    work = plan.work
    chain = Plan(
        experiment=plan.experiment,
        trait="owl",
        base=plan.base,
        other_base=None,
        students=1,
        prompts=work.prompts,
        rows=work.rows,
        answers_per_question=1,
        arms=("treated", "untreated"),
        student_recipe=plan.student_of().recipe,
    )
    one = estimate(chain, workers=1)
    each = (one.seconds - START_UP_SECONDS) / 2  # a chain has two students, each with rows of its own
    return Cost(
        seconds=START_UP_SECONDS + students * each / workers,
        bytes_of_memory=one.bytes_of_memory * (workers + (workers > 1)),
        bytes_of_disk=one.bytes_of_disk * students // 2,
        seconds_per_student=each,
    )
