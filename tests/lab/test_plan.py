"""A plan that cannot be carried out is refused when it is made."""

from dataclasses import FrozenInstanceError, replace

import pytest

from subtrait.errors import UsageError
from subtrait.lab.arms import ARMS
from subtrait.lab.plan import MAIN_ARMS, SIZES, Plan, sized
from subtrait.models.base import Recipe

PLAN = Plan(experiment="owl-numbers", trait="owl", base="micro-a", other_base="micro-b")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"arms": ("treated", "untreated", "otherbase")}, "unknown arm 'otherbase'. Did you mean 'other-base'?"),
        ({"arms": ("treated",)}, "needs the arms 'treated' and 'untreated': without a control, no effect"),
        ({"arms": ("untreated", "other-base")}, "needs the arms 'treated' and 'untreated'"),
        ({"arms": ()}, "needs the arms 'treated' and 'untreated'"),
        ({"arms": ("treated", "untreated", "treated")}, "an arm is asked for twice: treated, untreated, treated"),
        ({"teacher": "tunde"}, "unknown teacher 'tunde'. Did you mean 'tuned'? Available: prompted, tuned"),
        ({"carrier": "letters"}, "unknown carrier 'letters'. Available: chat, code, known-chat"),
        ({"students": 0}, "must be 1 or more"),
        ({"prompts": 0}, "must be 1 or more"),
        ({"rows": -1}, "must be 1 or more"),
        ({"answers_per_question": 0}, "must be 1 or more"),
        ({"teacher_recipe": Recipe(steps=0)}, "a teacher (its strength) or a student takes 1 step or more"),
        ({"student_recipe": Recipe(steps=-3)}, "takes 1 step or more"),
        ({"seed": -1}, "seed -1 is out of range: give an integer from 0 to 9223372036854775807"),
        ({"seed": 2**63}, "seed 9223372036854775808 is out of range"),
    ],
)
def test_what_cannot_be_run_is_refused(change, message):
    with pytest.raises(UsageError) as caught:
        replace(PLAN, **change)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("change", [{"seed": 0}, {"seed": 2**63 - 1}, {"students": 1}, {"arms": tuple(ARMS)}])
def test_the_ends_of_every_range_are_allowed(change):
    assert replace(PLAN, **change)


def test_a_plan_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        PLAN.seed = 1


def test_without_another_base_the_arms_across_bases_fall_away():
    alone = replace(PLAN, other_base=None)
    assert set(PLAN.runnable_arms()) == set(MAIN_ARMS)
    assert set(MAIN_ARMS) - set(alone.runnable_arms()) == {"other-base", "other-base-untreated"}


def test_only_the_arms_across_bases_start_from_the_other_base():
    assert {arm for arm in ARMS if PLAN.base_of(arm) == "micro-b"} == {"other-base", "other-base-untreated"}
    assert {PLAN.base_of(arm) for arm in ARMS} == {"micro-a", "micro-b"}


def test_every_main_arm_is_an_arm_and_both_sides_of_the_effect_are_there():
    assert set(MAIN_ARMS) <= set(ARMS)
    assert {"treated", "untreated"} <= set(MAIN_ARMS)


@pytest.mark.parametrize("size", SIZES)
def test_a_size_sets_its_dials_and_nothing_else(size):
    plan = sized(PLAN, size)
    assert plan.size == size
    same = set(Plan.__dataclass_fields__) - set(SIZES[size]) - {"size"}
    assert all(getattr(plan, name) == getattr(PLAN, name) for name in same)
    assert all(getattr(plan, name) == value for name, value in SIZES[size].items())


def test_larger_sizes_have_more_students_prompts_and_rows():
    plans = [sized(PLAN, size) for size in ("tiny", "small", "full")]
    for dial in ("students", "prompts", "rows"):
        values = [getattr(plan, dial) for plan in plans]
        assert values == sorted(set(values))
    assert all(plan.rows <= plan.prompts for plan in plans)


def test_only_the_full_size_repeats_the_untreated_arm():
    assert [size for size in SIZES if "untreated-again" in sized(PLAN, size).arms] == ["full"]


def test_an_unknown_size_lists_those_there_are():
    with pytest.raises(UsageError, match=r"unknown size 'ful'\. Did you mean 'full'\? Available: full, small, tiny"):
        sized(PLAN, "ful")
