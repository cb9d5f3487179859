"""Every base teaches every base; what is compared has the same base and the same teacher's base."""

from dataclasses import replace
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest

from subtrait.lab.catalogue.cross_model import CHAINS, CROSS_MODEL, TRAITS, bases_of, cells_of, relation_of
from subtrait.lab.chains import Matched
from subtrait.lab.study import StudyPlan, agreement

MadeUpBench = run_path(str(Path(__file__).with_name("made_up_bench.py")))["MadeUpBench"]
PLAN = StudyPlan(experiment="cross-model")
RISES = {"same base": 0.2, "matched in behaviour": 0.02, "matched from one start": 0.1, "another base": 0.005}


def rise(student, trait):
    (lesson,) = student.lessons
    return RISES[relation_of(lesson.writer.base, student.base)] if lesson.writer.trait == trait else 0.0


def found(rise=rise, plan=PLAN):
    bench = MadeUpBench(rise)
    return CROSS_MODEL.study(plan, bench), bench


def test_the_grid_has_four_bases_of_four_relations():
    bases = bases_of(PLAN)
    assert list(bases) == ["micro-a", "micro-b", "micro-c", "micro-b matched to micro-a"]
    cells = list(cells_of(PLAN, bases))
    relations = [cell.relation for cell in cells]
    assert len({(cell.teacher, cell.student) for cell in cells}) == len(cells) == 16
    assert {name: relations.count(name) for name in RISES} == dict(zip(RISES, (4, 2, 2, 8), strict=True))
    for cell in cells:
        teachers = {each.lessons[0].writer.base for each in cell.students}
        assert teachers == {bases[cell.teacher]}
        assert {each.base for each in cell.students} == {bases[cell.student]}
        assert set(cell.treated) == set(TRAITS) or cell.relation != "same base"


def test_the_corner_has_the_students_of_other_studies():
    first = next(cells_of(PLAN, bases_of(PLAN)))
    assert first.untreated == PLAN.untreated()
    assert first.treated == PLAN.treated(TRAITS)


def test_effects_are_those_that_were_made_up():
    findings, _ = found()
    means = {each.name: each for each in findings.measures if "mean over pairs" in each.group}
    assert {name: each.value.value for name, each in means.items()} == pytest.approx(RISES, abs=0.003)
    assert {each.value.n for each in means.values()} == {CHAINS}
    assert [name for name, each in means.items() if each.must_hold] == ["same base"]
    assert agreement(means["same base"]) == agreement(means["another base"]) == "agrees"
    cells = [each for each in findings.measures if each.group.startswith("teachers of")]
    assert len(cells) == 16
    assert all(each.value.value == pytest.approx(RISES[each.name.partition(": ")[2]], abs=0.003) for each in cells)


def test_whoever_asks_for_more_students_gets_them_in_every_cell():
    plan = replace(PLAN, students=4)
    findings = CROSS_MODEL.study(plan, MadeUpBench(rise, chains=4))
    assert {each.value.n for each in findings.measures if each.scale == "points"} == {4}
    assert findings.settings["students of each kind"] == "4"


def test_divergences_are_shown_before_and_after_matching():
    findings, _ = found()
    apart = {each.name: each.value.value for each in findings.measures if each.group.startswith("KL")}
    assert len(apart) == 12
    (nearer,) = [each.value.value for each in findings.measures if each.group.startswith("nearer")]
    before, after = apart["micro-a || micro-b"], apart["micro-a || micro-b matched to micro-a"]
    assert nearer == pytest.approx(before - after)
    assert findings.models == ["micro-a", "micro-b", "micro-c"]


def test_no_divergence_is_below_zero(monkeypatch):
    spread = {pair: np.array([0.001, 0.002, 0.5]) for pair in MadeUpBench(rise).divergences(bases_of(PLAN))}
    monkeypatch.setattr(MadeUpBench, "divergences", lambda self, bases: spread)
    lows = [each.value.low for each in found()[0].measures if each.group.startswith("KL")]
    assert lows == [0.0] * 12


def test_a_trait_that_crosses_bases_does_not_agree():
    findings, _ = found(lambda student, trait: 0.2 if student.lessons[0].writer.trait == trait else 0.0)
    (crossed,) = [each for each in findings.measures if each.name == "another base"]
    assert agreement(crossed) == "differs"


def test_a_base_of_the_user_s_is_crossed_with_others_and_the_rest_is_named_as_left_out():
    findings, bench = found(plan=StudyPlan(experiment="cross-model", base="own/model"))
    assert not any(isinstance(each.base, Matched) for each in bench.trained)
    assert findings.models == ["own/model", "micro-a", "micro-b"]
    assert any("Left out: a base matched to own/model" in note for note in findings.notes)
    assert not any("own/model" in each.name for each in findings.measures if each.group.startswith("KL"))
