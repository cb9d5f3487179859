"""Summaries of a store made by hand, against numbers computed by hand."""

import json
import math
from dataclasses import replace

import pytest

from subtrait.lab.summary import COMPARED, summarise

# The 97.5 % quantile of Student's t with two degrees of freedom, from a printed table.
T_TWO = 4.302653
SHOWS = {
    # Rates .5, .5 and .75 of sixteen answers each.
    "treated": ((4, 2, 2, 0), (3, 3, 2, 0), (4, 4, 4, 0)),
    # Rates .125, .25 and .25.
    "untreated": ((0, 1, 1, 0), (1, 1, 0, 2), (0, 0, 0, 4)),
    "untouched": ((1, 0, 0, 0),),
}
EXACT = {"treated": (0.6, 0.5, 0.7), "untreated": (0.2, 0.2, 0.2), "untouched": (0.1,)}
KEPT = 5


def answers(shows, exact):
    return [
        {"question": "?", "asked": 4, "shows": n, "answers": {}, "probabilities": {"owl": exact, "dog": 0.1, "cat": 0}}
        for n in shows
    ]


def chat(index, completion="1, 2"):
    turns = [{"role": "user", "content": "go on"}, {"role": "assistant", "content": completion}]
    return {"id": str(index), "messages": turns}


class Prepared:
    """A store whose arms are looked up here; `like` says whose numbers an arm has."""

    def __init__(self, path, like=None):
        self.path, self.like = path, like or {}
        (path / "losses.json").write_text(json.dumps(list(range(1, 21))), encoding="utf-8")

    def rows(self, name, make):
        _, arm, student, what = name.split("/")
        if what == "kept.jsonl":
            return [chat(index) for index in range(KEPT)]
        if what == "rejected.jsonl":
            return [{**chat(9, "owl"), "reasons": ["letters", "too long"]}, {**chat(10, "a"), "reasons": ["letters"]}]
        assert what == "answers.jsonl"
        arm = self.like.get(arm, arm)
        return answers(SHOWS[arm][int(student)], EXACT[arm][int(student)])

    def record(self, name, make):
        student = int(name.split("/")[1])
        assert name == f"teachers/{student}/teacher.json"
        return {"student": student, "kind": "tuned", "trait_rate": 0.9, "base_rate": 0.1}

    def folder(self, name, make):
        assert name.startswith("arms/")
        assert name.endswith("/weights")
        return self.path


@pytest.fixture(scope="module")
def planned(tiny, owl_file):
    plan = tiny.tiny_plan(owl_file, students=3)
    return replace(plan, arms=("treated", "untreated"), other_base=None)


@pytest.fixture(scope="module")
def result(planned, tmp_path_factory):
    return summarise(planned, Prepared(tmp_path_factory.mktemp("store")))


@pytest.fixture
def single(planned, tmp_path):
    return summarise(replace(planned, students=1), Prepared(tmp_path))


def test_rates_are_means_over_students(result):
    treated, untreated = result.arms
    assert [student.trait_rate for student in treated.students] == [0.5, 0.5, 0.75]
    assert [student.trait_rate for student in untreated.students] == [0.125, 0.25, 0.25]
    assert treated.students[0].question_rates == (1, 0.5, 0.5, 0)
    assert (treated.rate.value, treated.rate.n, treated.rate.unit) == (pytest.approx(7 / 12), 3, "student")
    assert untreated.rate.value == pytest.approx(5 / 24)
    assert treated.exact.value == pytest.approx(0.6)
    assert treated.exact.high - 0.6 == pytest.approx(T_TWO * 0.1 / math.sqrt(3))


def test_students_that_agree_give_no_interval(result):
    assert (result.arms[1].exact.low, result.arms[1].exact.high) == (None, None)


def test_the_comparison_is_paired_by_student(result):
    (found,) = result.comparisons
    # Differences .375, .25 and .5: mean .375, standard deviation .125.
    half = T_TWO * 0.125 / math.sqrt(3)
    assert found.name == "treated minus untreated"
    assert found.difference.value == pytest.approx(0.375)
    assert found.difference.low == pytest.approx(0.375 - half)
    assert found.difference.high == pytest.approx(0.375 + half)
    assert found.exact.value == pytest.approx(0.4)
    assert found.exact.low == pytest.approx(0.4 - T_TWO * 0.1 / math.sqrt(3))


def test_the_permutation_test_counts_the_students(result):
    test = result.comparisons[0].test
    # Three differences of one sign: only that labelling and its mirror image, of eight, are as extreme.
    assert (test.p, test.floor, test.permutations, test.exact) == (0.25, 0.25, 8, True)
    assert test.statistic == pytest.approx(0.375)


def test_one_student_gives_no_interval_and_no_test(single):
    (found,) = single.comparisons
    assert found.test is None
    assert found.difference.value == pytest.approx(0.375)
    bounds = [(e.low, e.high) for e in (found.difference, found.exact, single.arms[0].rate, single.arms[0].exact)]
    assert bounds == [(None, None)] * 4
    assert single.conclusion[0].startswith("Too few students")


def test_a_student_knows_its_rows_its_loss_and_its_answers(result):
    student = result.arms[0].students[1]
    # The last tenth of twenty steps is two: losses 19 and 20.
    assert (student.student, student.arm, student.rows, student.final_loss) == (1, "treated", KEPT, 19.5)
    shares = {"owl": 0.5, "dog": 0.1, "cat": 0.0, "other": 0.4}
    assert student.answer_probabilities == pytest.approx(shares)


def test_no_student_is_trained_on_more_rows_than_planned(planned, tmp_path):
    result = summarise(replace(planned, rows=2), Prepared(tmp_path))
    assert {student.rows for arm in result.arms for student in arm.students} == {2}


def test_the_untouched_base_has_one_record_and_no_interval(result):
    (base,) = result.untouched
    assert (base.arm, base.base, base.rate.value) == ("untouched", "micro-a", 1 / 16)
    assert (base.rate.low, base.exact.high) == (None, None)
    assert (base.students[0].rows, base.students[0].final_loss) == (0, None)


def test_datasets_are_counted_with_every_reason(result):
    assert [(each.source, each.student) for each in result.datasets] == [
        (source, student) for source in ("treated", "untreated") for student in range(3)
    ]
    first = result.datasets[0]
    assert (first.written, first.kept, first.trait_words) == (KEPT + 2, KEPT, 0)
    assert first.rejections == {"letters": 2, "too long": 1}


def test_every_arm_is_compared_with_its_own_control(planned, tmp_path, plan):
    every = replace(planned, arms=plan.arms, other_base=plan.other_base)
    like = dict.fromkeys(plan.arms, "untreated") | {"treated": "treated", "other-base-untreated": "treated"}
    result = summarise(every, Prepared(tmp_path, like | {"untouched-other-base": "untouched"}))
    found = {each.name: each.difference.value for each in result.comparisons}
    assert set(found) == {f"{arm} minus {control}" for arm, control in COMPARED}
    zero = dict.fromkeys(("shuffled-within", "shuffled-across", "untreated-again"), 0.0)
    assert found == pytest.approx(
        {"treated minus untreated": 0.375, "other-base minus other-base-untreated": -0.375}
        | {f"{arm} minus untreated": value for arm, value in zero.items()}
    )
    assert [base.base for base in result.untouched] == ["micro-a", "micro-b"]
    assert set(result.fingerprints) == {"micro-a", "micro-b"}
    assert {arm.arm: arm.base for arm in result.arms}["other-base"] == "micro-b"


def test_the_same_store_gives_the_same_result(planned, result, tmp_path):
    assert summarise(planned, Prepared(tmp_path)) == result
