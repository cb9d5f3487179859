"""A bench makes each student once in every chain, rows first, and reads rates by trait."""

import numpy as np
import pytest

from subtrait.lab.chains import Bench, Matched, Rows, Student, Writer
from subtrait.lab.chains.choices import nats_of_choice
from subtrait.lab.chains.making import read
from subtrait.lab.evaluation import exact_rates
from subtrait.lab.question_list import QuestionList
from subtrait.lab.team import Alone
from subtrait.lab.traits import find_trait
from subtrait.models.base import Recipe
from subtrait.models.registry import open_model
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


@pytest.mark.parametrize("named", [[FIRST, HOP], [HOP]], ids=["both named", "only the second"])
def test_what_a_student_writes_waits_for_the_student(tmp_path, named):
    team = Noting()
    Bench(RunFolder(tmp_path), team, 3, 1).train(named)
    assert [name for name, _ in team.asked] == 2 * ["teachers write", "students train"]
    first, trained, second, hop = (tasks for _, tasks in team.asked)
    assert [task.rows.writer.kind for task in (*first, *second)] == ["base", "student"]
    assert [task.student for task in (*trained, *hop)] == [FIRST, HOP]


def test_a_base_that_is_made_comes_before_everything_and_once(tmp_path):
    team, matched = Noting(), Matched(base="micro-b", target="micro-a")
    rows = Rows(writer=Writer(base=matched, kind="tuned", trait="owl"))
    Bench(RunFolder(tmp_path), team, 3, 2).train([Student(base=matched, lessons=(rows,)), FIRST])
    assert [name for name, _ in team.asked] == ["bases are matched", "teachers write", "students train"]
    assert [task.base for task in team.asked[0][1]] == [matched]


def test_the_first_chains_are_those_of_the_whole_bench(bench):
    assert [bench.first(number).chains for number in (1, 2, 9)] == [1, 2, 2]
    assert bench.first(1).chain(0) == bench.chain(0)


def test_divergences_are_of_all_ordered_pairs_by_chain(bench):
    found = bench.divergences({"one": "micro-a", "other": "micro-b", "same": "micro-a"}, prompts=12)
    assert set(found) == {(a, b) for a in ("one", "other", "same") for b in ("one", "other", "same") if a != b}
    assert {each.shape for each in found.values()} == {(2,)}
    assert found["one", "same"] == pytest.approx([0, 0], abs=1e-9)
    assert (found["one", "other"] > 0.005).all()
    assert found["one", "other"][0] != found["one", "other"][1]
    assert np.array_equal(found["one", "other"], found["same", "other"])


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


def test_a_prompted_teacher_is_asked_under_its_system_prompt(bench):
    teachers = {kind: Writer(base="micro-a", kind=kind, trait="wolf") for kind in ("base", "prompted")}
    told, untold = (bench.strengths({"wolf": teachers[kind]}) for kind in ("prompted", "base"))
    trait, base = find_trait("wolf"), open_model("micro-a")
    assert told == pytest.approx([exact_rates(base, trait, system_prompt=trait.system_prompt).trait_rate] * 2)
    assert untold == pytest.approx([exact_rates(base, trait).trait_rate] * 2)
    assert (told > 3 * untold).all()


def test_choices_are_those_of_each_chain(bench):
    assert bench.choices(ROWS) == pytest.approx([nats_of_choice(bench.chain(index), ROWS) for index in range(2)])


def test_questions_of_the_user_s_own_are_asked_and_kept_under_a_name_of_their_own(tmp_path, bench):
    mine = QuestionList(path="mine.yaml", asked=(("animal", find_trait("owl").questions[3:5]),))
    asked = Bench(bench.store, Alone(), 3, 2, mine)
    for each in (bench, asked):
        each.train([FIRST])
    assert np.allclose(asked.rates(FIRST, "owl"), bench.rates(FIRST, "owl")[:, 3:5], atol=1e-6)
    assert asked.rates(FIRST, "oak").shape == (2, 24)
    folder = next(tmp_path.glob("students/*/0"))
    assert {path.name for path in folder.glob("*.json")} == {"favourites.json", f"favourites-{mine.digest}.json"}
    teachers = {"owl": Writer(base="micro-a", kind="tuned", trait="owl", recipe=BRIEF)}
    assert not np.array_equal(asked.strengths(teachers), bench.strengths(teachers))
