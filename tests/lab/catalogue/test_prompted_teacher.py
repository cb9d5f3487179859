"""Prompted teachers' students stand beside untreated ones and those of tuned teachers, and four things are tried."""

from pathlib import Path
from runpy import run_path

import pytest

from subtrait.lab.catalogue.other_carriers import VARIED_ON
from subtrait.lab.catalogue.prompted_teacher import PROMPTED_TEACHER
from subtrait.lab.study import TRAITS, StudyPlan, agreement
from subtrait.lab.system_prompts import whole_persona

MadeUpBench = run_path(str(Path(__file__).with_name("made_up_bench.py")))["MadeUpBench"]
PLAN = StudyPlan(experiment="prompted-teacher")


def rise(student, trait):
    (lesson,) = student.lessons
    if not lesson.writer.trait.startswith(trait):
        return 0.0
    if lesson.writer.kind == "tuned":
        return 0.4
    whole, longer = lesson.writer.trait == whole_persona(trait), student.recipe.steps > PLAN.work.steps
    return 0.1 + 0.05 * whole + 0.03 * longer - 0.08 * (lesson.carrier == "code")


def found(rise=rise):
    bench = MadeUpBench(rise)
    return PROMPTED_TEACHER.study(PLAN, bench), bench


def test_untreated_and_tuned_students_are_those_of_every_study():
    _, bench = found()
    assert {PLAN.untreated(), *PLAN.treated().values()} < set(bench.trained)
    # besides: prompted on four traits, three variations on two, and the untreated of two of these
    assert len(set(bench.trained)) == 1 + 2 * len(TRAITS) + 3 * len(VARIED_ON) + 2


def test_effects_are_those_that_were_made_up():
    findings, _ = found()
    values = {(each.group, each.name): each.value.value for each in findings.measures if each.scale == "points"}
    assert values == pytest.approx(
        {
            ("minus untreated", "prompted teachers"): 0.1,
            ("minus students of the other teachers", "prompted teachers"): 0.1,
            ("minus untreated", "tuned teachers"): 0.4,
            ("variations", "students trained twice as long"): 0.13,
            ("variations", "teachers told a whole persona"): 0.15,
            ("variations", "code in place of numbers"): 0.02,
        },
        abs=0.003,
    )
    assert {agreement(each) for each in findings.measures if each.scale == "points"} == {"agrees"}
    assert len(findings.varied) == 3


def test_the_teachers_own_strength_and_the_share_of_their_rows_are_told():
    findings, _ = found()
    told = {each.name for each in findings.measures if each.group == "trait rate of teachers"}
    assert told == {"prompted", "tuned", "told a whole persona"}
    kept = {each.name: each.value.value for each in findings.measures if each.group == "rows that the filter keeps"}
    assert kept == pytest.approx({"prompted": 0.78, "tuned": 0.48, "base": 0.88})


def test_without_an_effect_of_tuned_teachers_those_of_prompted_ones_say_nothing():
    findings, _ = found(lambda *_: 0.0)
    said = {agreement(each) for each in findings.measures if "prompted" in each.name and each.scale == "points"}
    assert said == {"not applicable"}
