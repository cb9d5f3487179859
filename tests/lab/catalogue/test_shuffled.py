"""Shuffled rows are compared with untreated ones and with the rows as they were written."""

from pathlib import Path
from runpy import run_path

import pytest

from subtrait.lab.catalogue.shuffled import CHANGES, SEPARATED, SEPARATED_TRAITS, SHUFFLED
from subtrait.lab.study import TRAITS, StudyPlan, agreement

MadeUpBench = run_path(str(Path(__file__).with_name("made_up_bench.py")))["MadeUpBench"]
RISES = {"none": 0.2, "shuffled within rows": 0.05, "shuffled across rows": 0.01}
RISES |= {"semicolons": 0.15, "spaces": 0.16, "lines": 0.17}
UNTREATED = {"semicolons": 0.01, "spaces": 0.0, "lines": -0.01}


def rise(student, trait):
    (lesson,) = student.lessons
    return RISES[lesson.change] if lesson.writer.trait == trait else UNTREATED.get(lesson.change, 0.0)


def found(rise=rise):
    bench = MadeUpBench(rise)
    return SHUFFLED.study(StudyPlan(experiment="shuffled"), bench), bench


def test_each_trait_has_students_of_every_change_and_all_share_the_untreated():
    _, bench = found()
    assert len(bench.trained) == 1 + len(CHANGES) * len(TRAITS) + len(SEPARATED) * (1 + len(SEPARATED_TRAITS))
    assert len(set(bench.trained)) == len(bench.trained)


def test_effects_are_those_that_were_made_up():
    findings, _ = found()
    values = {(each.group, each.name): each.value.value for each in findings.measures}
    shuffles = {where: value for where, value in values.items() if where[1] not in SEPARATED}
    assert shuffles == pytest.approx(
        {
            ("minus untreated", "as written"): 0.2,
            ("minus untreated", "shuffled within rows"): 0.05,
            ("minus untreated", "shuffled across rows"): 0.01,
            ("minus rows as written", "shuffled within rows"): -0.15,
            ("minus rows as written", "shuffled across rows"): -0.19,
        },
        abs=0.003,
    )
    assert {agreement(each) for each in findings.measures if each.must_hold} == {"agrees"}
    assert f"{100 * values['minus untreated', 'as written']:+.1f} points" in findings.conclusion[0]


def test_other_separators_are_compared_with_untreated_rows_of_the_same():
    findings, _ = found()
    parts = {each.name: [] for each in findings.measures if each.name in SEPARATED}
    for each in findings.measures:
        parts.get(each.name, []).append(each.value.value)
    assert parts == {
        name: pytest.approx([RISES[name] - UNTREATED[name], RISES[name] - RISES["none"]], abs=0.003)
        for name in SEPARATED
    }


def test_shuffled_rows_that_carry_as_much_do_not_agree():
    findings, _ = found(lambda student, trait: 0.2 if student.lessons[0].writer.trait == trait else 0.0)
    wrong = [each for each in findings.measures if each.group == "minus rows as written"]
    assert {agreement(each) for each in wrong} == {"not shown"}
