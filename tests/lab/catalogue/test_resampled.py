"""Draws of one teacher are compared with each other and with other teachers; trajectories end at the usual students."""

from pathlib import Path
from runpy import run_path

import numpy as np
import pytest

from subtrait.lab.catalogue.resampled import DRAWS, RESAMPLED, TRAITS
from subtrait.lab.study import StudyPlan, agreement

MadeUpBench = run_path(str(Path(__file__).with_name("made_up_bench.py")))["MadeUpBench"]
PLAN = StudyPlan(experiment="resampled")
OF_DRAW = (0.20, 0.22, 0.18, 0.20)


def rise(student, trait):
    """By draw, in proportion to steps and rows."""
    (lesson,) = student.lessons
    if lesson.writer.trait != trait:
        return 0.0
    return OF_DRAW[lesson.draw] * student.recipe.steps / PLAN.work.steps * lesson.rows / PLAN.work.rows


def found(rise=rise, **settings):
    bench = MadeUpBench(rise, **settings)
    return RESAMPLED.study(PLAN, bench), bench


def test_every_draw_has_its_own_rows_and_control():
    _, bench = found()
    usual = [
        each
        for each in bench.trained
        if each.recipe.steps == PLAN.work.steps and each.lessons[0].rows == PLAN.work.rows
    ]
    assert len(set(usual)) == DRAWS * (len(TRAITS) + 1)
    assert {each.lessons[0].draw for each in usual} == set(range(DRAWS))
    assert PLAN.untreated() in usual
    assert len(set(bench.trained)) == len(bench.trained)


def test_effects_and_spreads_are_those_that_were_made_up():
    findings, _ = found()
    by_draw = [each for each in findings.measures if each.must_hold]
    assert [each.value.value for each in by_draw] == pytest.approx(OF_DRAW, abs=0.003)
    assert {agreement(each) for each in by_draw} == {"agrees"}
    within, between, share = findings.measures[DRAWS:]
    assert within.value.value == pytest.approx(np.std(OF_DRAW, ddof=1), rel=0.05)
    assert between.value.value < 0.005
    assert (share.value.n, share.value.unit) == (5, "chain")
    assert share.value.value < 0.3


def test_trajectories_grow_to_the_usual_students():
    findings, _ = found()
    for curve, whole in zip(findings.curves, (PLAN.work.steps, PLAN.work.rows), strict=True):
        values = [(point.x, point.y.value) for point in curve.points]
        assert values == sorted(values)
        assert values[-1] == pytest.approx((whole, 0.2), abs=0.003)
        for x, y in values:
            assert y == pytest.approx(0.2 * x / whole, abs=0.003)


def test_one_chain_has_no_spread_and_a_draw_without_effect_does_not_agree():
    findings, _ = found(chains=1)
    assert len(findings.measures) == DRAWS
    findings, _ = found(lambda student, trait: 0.0 if student.lessons[0].draw == 2 else rise(student, trait))
    held = [agreement(each) for each in findings.measures if each.must_hold]
    assert held == ["agrees", "agrees", "not shown", "agrees"]
