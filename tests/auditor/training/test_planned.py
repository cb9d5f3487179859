"""What is said of throwaway students before they train, and how many rows they train on."""

from dataclasses import replace

import pytest

from subtrait import audits
from subtrait.auditor.lists.trait_lists import load_trait_list
from subtrait.auditor.training import planned
from subtrait.auditor.training.recipe import TrainingRecipe

TRAITS = load_trait_list("embedded").traits
RECIPE = TrainingRecipe(steps=40, batch_size=10, warmup_steps=5)


@pytest.fixture
def plan():
    return replace(audits.plan_audit("x.jsonl", "micro-a", seed=3), recipe=RECIPE, students=6)


def test_short_runs_see_a_thousand_rows_or_the_whole_training(plan):
    runs = planned.forecast_plan(plan, TRAITS, rows=5_000)
    assert (runs.base, runs.seed, runs.recipe.steps) == ("micro-a", 3, 40)
    assert planned.forecast_rows(runs) == 2 * 6 * 40 * 10
    longer = planned.forecast_plan(replace(plan, recipe=replace(RECIPE, steps=900)), TRAITS, rows=5_000)
    assert planned.forecast_rows(longer) == 2 * 6 * 1_000
    assert planned.forecast_announced(longer).startswith("taking the first 100 steps of training with 6 throwaway")


def test_students_of_a_trial_train_on_shards_and_on_halves_of_them(plan):
    students = planned.trial_plan(plan, TRAITS, rows=5_000)
    assert (students.students, students.rows, students.alpha) == (6, 5_000, plan.policy.alpha / 2)
    # By hand: shards of 400 rows, two passes of which are 80 steps, and half of it: the recipe has 40
    assert planned.trial_rows(students, sampled=2_400) == 2 * 6 * (40 + 40) * 10
    assert planned.trial_rows(students, sampled=6 * 299) == 0
    assert planned.trial_announced(students) == (
        "training 6 throwaway students on shards of the rows, and 6 beside them"
    )
