"""The estimate: real work on a small scale, scaled by the plan, leaving nothing behind.

Seconds come of a clock that advances one second whenever it is read, so the tests depend on no machine's speed.
"""

import tempfile
from dataclasses import replace
from itertools import count
from types import SimpleNamespace

import pytest

import subtrait
from subtrait.lab import cost
from subtrait.lab.arms import ARMS
from subtrait.lab.traits import find_trait
from subtrait.models.registry import open_model

QUESTIONS = len(find_trait("owl").questions)


@pytest.fixture(autouse=True)
def small_and_clocked(monkeypatch):
    """Four completions and two steps are tried: one second for all of either."""
    ticks = count()
    monkeypatch.setattr(cost, "TRIED_PROMPTS", 4)
    monkeypatch.setattr(cost, "TRIED_STEPS", 2)
    monkeypatch.setattr(cost, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    monkeypatch.setattr(cost, "peak_memory", lambda: 1000)


@pytest.fixture(scope="module")
def planned():
    plan = subtrait.plan_run("owl-numbers", size="tiny")
    return replace(plan, arms=("treated", "untreated"))


def work(plan, workers=1):
    return cost.estimate(plan, workers=workers).seconds - cost.START_UP_SECONDS


def test_seconds_are_those_of_the_tried_work_scaled_up(planned):
    # 1/4 s a completion and 1/2 s a step. A student takes 30 steps, and its short answers a quarter of a completion
    # each; a chain takes a teacher of 30 half steps and 400 rows from each of two sources.
    student = 30 / 2 + QUESTIONS * 20 / 4 / 4
    chain = 30 / 4 + 2 * 400 / 4
    found = cost.estimate(planned, workers=1)
    assert found.seconds_per_student == pytest.approx(student)
    assert found.seconds == pytest.approx(cost.START_UP_SECONDS + 2 * 2 * student + 2 * chain)


def test_more_workers_take_less_time_and_more_memory(planned):
    one, two, four = (cost.estimate(planned, workers=workers) for workers in (1, 2, 4))
    assert work(planned, 2) == pytest.approx(work(planned) / 2)
    assert one.seconds > two.seconds > four.seconds
    # The parent holds a model too.
    assert [found.bytes_of_memory for found in (one, two, four)] == [1000, 3000, 5000]
    assert one.bytes_of_disk == four.bytes_of_disk


def test_twice_the_students_cost_twice_the_time_and_disk(planned):
    few, many = planned, replace(planned, students=4)
    assert work(many) == pytest.approx(2 * work(few))
    assert cost.estimate(many, workers=1).bytes_of_disk == 2 * cost.estimate(few, workers=1).bytes_of_disk


def test_every_arm_that_runs_costs_and_no_other(planned):
    every = replace(planned, arms=tuple(ARMS))
    own = replace(every, other_base=None)
    student = cost.estimate(planned, workers=1).seconds_per_student
    # Two students in each of the two arms across bases.
    assert work(every) - work(own) == pytest.approx(4 * student)
    # The repeated control has rows of its own: 400 of them for each of two chains.
    without = replace(every, arms=tuple(arm for arm in ARMS if arm != "untreated-again"))
    assert work(every) - work(without) == pytest.approx(2 * student + 2 * 400 / 4)


def test_the_weights_of_every_student_are_on_the_disk(planned):
    weights = sum(file.stat().st_size for file in open_weights("micro-a"))
    assert cost.estimate(planned, workers=1).bytes_of_disk > 4 * weights


def open_weights(name):
    from subtrait.models.registry import EMBEDDED

    return list(EMBEDDED[name].glob("*.safetensors"))


def test_estimating_leaves_no_file_and_no_model_changed(planned, tmp_path, monkeypatch):
    work_folder, temporary = tmp_path / "work", tmp_path / "temporary"
    for folder in (work_folder, temporary):
        folder.mkdir()
    monkeypatch.chdir(work_folder)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    before = open_model("micro-a").fingerprint()
    cost.estimate(planned, workers=1)
    assert list(work_folder.iterdir()) == list(temporary.iterdir()) == []
    assert open_model("micro-a").fingerprint() == before


def test_an_estimate_by_the_real_clock_is_positive(planned, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(cost, "TRIED_PROMPTS", 4)
    monkeypatch.setattr(cost, "TRIED_STEPS", 1)
    found = cost.estimate(planned, workers=2)
    assert found.seconds > cost.START_UP_SECONDS
    assert found.seconds_per_student > 0
    # A process that has loaded torch holds more than 64 MiB and, on any machine of today, less than 64 GiB.
    assert 2**26 < found.bytes_of_memory / 3 < 2**36
