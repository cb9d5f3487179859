"""The theorem's study: what must hold does, in few trials too; its curves are those of the limits."""

import pytest

from subtrait.lab.catalogue.theorem import THEOREM, TRIALS
from subtrait.lab.study import SIZES, StudyPlan, agreement
from subtrait.lab.theorem.verification import verify


@pytest.fixture(scope="module")
def found():
    return THEOREM.study(StudyPlan(experiment="theorem", size="tiny", seed=3), None)


def test_there_are_trials_for_every_size():
    assert list(TRIALS) == list(SIZES)


def test_lemma_and_theorem_hold_in_every_trial(found):
    shares = [each for each in found.measures if each.scale == "share"]
    assert len(shares) == 3
    assert {each.value.value for each in shares} == {1.0}
    slope = next(each for each in found.measures if each.group.startswith("theorem: slope"))
    assert agreement(slope) == "agrees"


def test_a_dozen_trials_are_too_few_to_say_all(found):
    assert {agreement(each) for each in found.measures if each.scale == "share"} == {"not shown"}


def test_the_same_start_moves_the_teacher_s_way_and_another_need_not(found):
    along = {each.name: each for each in found.measures if each.group.startswith("mean cosine")}
    same, other = along["same start, auxiliary outputs imitated"], along["other start, auxiliary outputs imitated"]
    assert agreement(same) == "agrees"
    assert other.value.value < same.value.value / 3


def test_every_limit_has_both_its_curves(found):
    limits = verify(3, trials=TRIALS["tiny"][0], long_trials=TRIALS["tiny"][1]).limits
    assert {curve.figure for curve in found.curves} == {limit.name for limit in limits}
    assert len(found.curves) == 2 * len(limits)
    assert all(0 <= point.y.value <= 1 and point.y.unit == "trial" for curve in found.curves for point in curve.points)


def test_the_same_seed_finds_the_same(found):
    again = THEOREM.study(StudyPlan(experiment="theorem", size="tiny", seed=3), None)
    assert again == found
