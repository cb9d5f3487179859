"""What a study would cost: its students are counted by a bench that trains none, and a few steps of one are timed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from subtrait.errors import UsageError
from subtrait.lab.chains import Bench, Student, Writer
from subtrait.lab.cost import START_UP_SECONDS, Cost, estimate
from subtrait.lab.plan import Plan
from subtrait.lab.study import StudyCard, StudyPlan
from subtrait.lab.team import Alone
from subtrait.lab.traits import find_trait
from subtrait.records import Store


@dataclass(frozen=True, slots=True)
class CountingBench(Bench):
    """A bench that notes whom it should train, and trains nobody."""

    wanted: set[Student] = field(default_factory=set)

    def train(self, students: Sequence[Student]) -> None:
        """Note them."""
        self.wanted.update(students)

    def rates(self, student: Student, trait: str) -> np.ndarray:  # noqa: ARG002 - as the bench's
        """As if no student ever said the trait: (chains, questions)."""
        return np.zeros((self.chains, len(find_trait(trait).questions)))

    def strengths(self, writers: Mapping[str, Writer]) -> np.ndarray:  # noqa: ARG002 - as the bench's
        """As if no teacher did: (chains,)."""
        return np.zeros(self.chains)


def students_of(card: StudyCard, plan: StudyPlan, store: Store) -> int:
    """How many students the study trains, all chains together. Nothing is put into `store`.

    Raises:
        UsageError: the study trains none.
    """
    if not card.trains:
        raise UsageError(f"{card.name} trains no student of a language model: it takes a minute or two, so just run it")
    bench = CountingBench(store, Alone(), plan.seed, plan.work.students)
    card.study(plan, bench)
    return len(bench.wanted) * plan.work.students


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
