"""What a study would cost: what it makes is counted by a bench that makes nothing, and a few steps of it are timed."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from subtrait.errors import UsageError
from subtrait.lab.chains import Bench, Rows, Student, Writer
from subtrait.lab.cost import ROW_BYTES, START_UP_SECONDS, Cost, estimate, pace_of
from subtrait.lab.plan import Plan
from subtrait.lab.reckoning import Pace
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
    data_sets: set[Rows] = field(default_factory=set)
    """Those that are wanted for themselves, and not for a student."""

    def train(self, students: Sequence[Student], readouts: Sequence[str] = ()) -> None:  # noqa: ARG002 - as the bench's
        """Note them."""
        self.wanted.update((each, index) for each in students for index in range(self.chains))

    def write(self, rows: Sequence[Rows]) -> None:
        """Note them."""
        self.data_sets.update(part for each in rows for part in each.written)

    def each(self, name: str, stage: Stage, tasks: Sequence[Any]) -> list[Any]:  # noqa: ARG002 - as the bench's
        """Stop the study."""
        raise _AllNamed

    def read(self, student: Student, readout: str) -> dict[str, np.ndarray]:  # noqa: ARG002 - as the bench's
        """Stop the study."""
        raise _AllNamed

    def strengths(self, writers: Mapping[str, Writer]) -> np.ndarray:  # noqa: ARG002 - as the bench's
        """Stop the study."""
        raise _AllNamed


def made_by(card: StudyCard, plan: StudyPlan, store: Store) -> tuple[int, int]:
    """How many students the study trains, and how many data sets it reads without any, all chains together.

    Nothing is put into `store`.

    Raises:
        UsageError: the study needs no language model.
    """
    if not card.trains:
        raise UsageError(f"{card.name} trains no student of a language model: it takes a minute or two, so just run it")
    return made_by_each([(card, plan)], store)[0]


def made_by_each(studies: Sequence[tuple[StudyCard, StudyPlan]], store: Store) -> list[tuple[int, int]]:
    """The same for each of several studies in one folder, which make only what none before them made.

    Those without language models count 0.
    """
    made: tuple[set[Any], set[Any]] = set(), set()
    found = []
    for card, plan in studies:
        before = len(made[0]), len(made[1])
        if card.trains:
            bench = named_by(card, plan, store)
            made[0].update(each for each in bench.wanted if each[0].lessons)
            made[1].update((rows, chain) for rows in bench.data_sets for chain in range(bench.chains))
        found.append((len(made[0]) - before[0], len(made[1]) - before[1]))
    return found


def named_by(card: StudyCard, plan: StudyPlan, store: Store) -> CountingBench:
    """The bench on which the study named its students and data sets. Nothing is put into `store`."""
    bench = CountingBench(store, Alone(), plan.seed, plan.work.students, plan.questions)
    with suppress(_AllNamed):
        card.study(plan, bench)
    return bench


def study_cost(plan: StudyPlan, students: int, *, data_sets: int = 0, workers: int, pace: Pace | None = None) -> Cost:
    """What so many students cost with their rows, and so many data sets besides, at a pace that `study_pace` found."""
    one = estimate(_chain(plan), workers=1, pace=pace)
    each = (one.seconds - START_UP_SECONDS) / 2  # a chain has two students, each with rows of its own
    alone = students * each + data_sets * (each - one.seconds_per_student)
    return Cost(
        seconds=START_UP_SECONDS + alone / workers,
        bytes_of_memory=one.bytes_of_memory * (workers + (workers > 1)),
        bytes_of_disk=one.bytes_of_disk * students // 2 + data_sets * plan.work.prompts * ROW_BYTES,
        seconds_per_student=each,
        from_sizes=one.from_sizes,
    )


def study_pace(plan: StudyPlan) -> Pace:
    """How fast the base of a study works here; studies of one size and base have the same."""
    return pace_of(_chain(plan))


def _chain(plan: StudyPlan) -> Plan:
    """A teacher, and two students that such a study could make."""
    work = plan.work
    return Plan(
        experiment=plan.experiment,
        trait="owl",
        base=plan.base,
        other_base=None,
        students=1,
        prompts=work.prompts,
        rows=work.rows,
        answers_per_question=(plan.questions.samples if plan.questions else 0) or 1,
        teacher="prompted" if plan.preset else "tuned",
        sampling=plan.sampling,
        arms=("treated", "untreated"),
        student_recipe=plan.student_of().recipe,
    )


def summed(costs: Sequence[Cost], students: Sequence[int]) -> Cost:
    """What several studies cost one after the other, each with so many students."""
    shares = [each.seconds_per_student * count for each, count in zip(costs, students, strict=True)]
    return Cost(
        seconds=sum(each.seconds for each in costs),
        bytes_of_memory=max(each.bytes_of_memory for each in costs),
        bytes_of_disk=sum(each.bytes_of_disk for each in costs),
        seconds_per_student=sum(shares) / max(1, sum(students)),
        from_sizes=any(each.from_sizes for each in costs),
    )
