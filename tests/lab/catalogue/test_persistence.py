"""Every variation has a control that was treated alike, and what is left of the effect is what was made up."""

from pathlib import Path
from runpy import run_path

import pytest

from subtrait.lab.catalogue.persistence import CLEAN, PERSISTENCE, TRAITS
from subtrait.lab.study import StudyPlan, agreement

MadeUpBench = run_path(str(Path(__file__).with_name("made_up_bench.py")))["MadeUpBench"]
LATER = {"numbers": 0.12, "chat": 0.15}


def rise(student, trait):
    """0.2 for a teacher's rows, by their share; less after a later lesson, and a tenth of it in a second student."""
    first, *later = student.lessons
    if first.writer.student is not None:
        return 0.1 * rise(first.writer.student, trait)
    if first.writer.trait != trait:
        return 0.0
    return LATER[later[0].carrier] if later else 0.2 * first.share


def found(rise=rise):
    bench = MadeUpBench(rise)
    return PERSISTENCE.study(StudyPlan(experiment="persistence"), bench), bench


def test_effects_are_those_that_were_made_up():
    findings, _ = found()
    values = {each.name: each.value.value for each in findings.measures if each.group == "treated minus untreated"}
    assert values == pytest.approx(
        {
            "as they were": 0.2,
            "then trained on the base's numbers": 0.12,
            "then trained on the base's chat": 0.15,
            "students of these students": 0.02,
            **{f"with {share:.0%} clean rows": 0.2 * (1 - share) for share in CLEAN},
        },
        abs=0.003,
    )
    changes = {each.name: each.value for each in findings.measures if each.group != "treated minus untreated"}
    assert changes["students of these students"].value == pytest.approx(-0.18, abs=0.003)
    assert changes["then trained on the base's chat"].high < 0
    (curve,) = findings.curves
    assert [point.x for point in curve.points] == [0.0, *CLEAN]
    assert len(findings.varied) >= 3
    assert f"{100 * values['students of these students']:+.1f} points" in findings.varied[2]


def test_controls_are_treated_alike_without_the_trait():
    _, bench = found()
    assert len(set(bench.trained)) == len(bench.trained) - len(CLEAN)  # mixtures share the untreated students
    for student in bench.trained:
        if len(student.lessons) == 2:
            alone = [other for other in bench.trained if other.lessons[1:] == student.lessons[1:]]
            assert len(alone) == len(TRAITS) + 1
            assert sum(other.lessons[0].writer.kind == "base" for other in alone) == 1
    hops = [each.lessons[0].writer.student for each in bench.trained if each.lessons[0].writer.student]
    assert sorted(each.lessons[0].writer.trait for each in hops) == ["", *TRAITS]
    assert set(hops) <= set(bench.trained)


def test_it_fails_where_there_is_no_effect_to_last():
    findings, _ = found(lambda student, trait: 0.0)
    assert [agreement(each) for each in findings.measures if each.must_hold] == ["not shown"]
