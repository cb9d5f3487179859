"""A bench makes each student once in every chain, rows first, and reads rates by trait."""

import numpy as np
import pytest

from subtrait.lab.chains import Bench, Rows, Student, Writer
from subtrait.lab.chains.making import read
from subtrait.lab.team import Alone
from subtrait.lab.traits import find_trait
from subtrait.models.base import Recipe
from subtrait.runs.folder import RunFolder

BRIEF = Recipe(steps=1, batch_size=8, learning_rate=1e-2, epsilon=1e-3)
ROWS = Rows(writer=Writer(base="micro-a"), prompts=16, rows=8)
FIRST = Student(base="micro-a", lessons=(ROWS,), recipe=BRIEF)
SECOND = Student(base="micro-b", lessons=(ROWS,), recipe=BRIEF)
HOP = Student(base="micro-a", lessons=(Rows(writer=Writer(base="micro-a", kind="student", student=FIRST)),))


class Noting(Alone):
    """A team that notes what it is asked to do, and does nothing."""

    def __init__(self):
        self.asked = []

    def each(self, name, stage, tasks):
        self.asked.append((name, list(tasks)))
        return []


@pytest.fixture
def bench(tmp_path):
    return Bench(RunFolder(tmp_path), Alone(), 3, 2)


def test_rows_come_before_students_and_each_is_made_once_in_every_chain(tmp_path):
    team = Noting()
    Bench(RunFolder(tmp_path), team, 3, 2).train([FIRST, SECOND, FIRST])
    (rows, written), (students, trained) = team.asked
    assert (rows, students) == ("teachers write", "students train")
    assert [(task.chain.index, task.rows) for task in written] == [(0, ROWS.written[0]), (1, ROWS.written[0])]
    assert [(task.chain.index, task.student) for task in trained] == [(0, FIRST), (0, SECOND), (1, FIRST), (1, SECOND)]


def test_what_a_student_writes_waits_for_the_student(tmp_path):
    team = Noting()
    Bench(RunFolder(tmp_path), team, 3, 1).train([FIRST, HOP])
    assert [task.rows.writer.kind for task in team.asked[0][1]] == ["base"]


def test_rates_are_those_of_the_trait_by_chain_and_question(bench):
    bench.train([FIRST])
    owls = bench.rates(FIRST, "owl")
    answers = find_trait("owl").answers
    for index in range(2):
        assert np.array_equal(
            owls[index], read(bench.chain(index), FIRST, "favourites")["animal"][:, answers.index("owl")]
        )
    both = bench.together({"owl": FIRST, "oak": FIRST})
    assert both.shape == (2, 48)
    assert np.array_equal(both[:, :24], owls)
