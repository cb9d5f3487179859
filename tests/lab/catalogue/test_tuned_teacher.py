"""A stronger teacher moves its students further: strengths and shifts by tuning steps, beside the untreated."""

from pathlib import Path
from runpy import run_path

import pytest

from subtrait.lab.catalogue.tuned_teacher import STEPS, TRAITS, TUNED_TEACHER, USUAL
from subtrait.lab.study import StudyPlan, agreement

MadeUpBench = run_path(str(Path(__file__).with_name("made_up_bench.py")))["MadeUpBench"]


def rise(student, trait):
    (lesson,) = student.lessons
    return 0.004 * lesson.writer.recipe.steps if lesson.writer.trait == trait else 0.0


@pytest.fixture
def found():
    bench = MadeUpBench(rise)
    return TUNED_TEACHER.study(StudyPlan(experiment="tuned-teacher"), bench), bench


def test_each_strength_has_students_of_each_trait_and_all_share_the_untreated(found):
    _, bench = found
    assert len(bench.trained) == len(set(bench.trained)) == 1 + len(STEPS) * len(TRAITS)


def test_shifts_and_strengths_are_those_that_were_made_up(found):
    findings, _ = found
    curves = {curve.name: {point.x: point.y.value for point in curve.points} for curve in findings.curves}
    assert curves["students minus untreated"] == pytest.approx({steps: 0.004 * steps for steps in STEPS}, abs=0.004)
    mean = sum(1 / (61 + index) for index in range(5)) / 5
    assert curves["teachers"] == pytest.approx({steps: mean * steps for steps in STEPS})


def test_only_the_strength_that_was_published_is_compared(found):
    findings, _ = found
    compared = [each for each in findings.measures if agreement(each) != "not compared"]
    assert [each.name for each in compared] == [f"teachers of {USUAL} steps"]
    assert agreement(compared[0]) == "agrees"
