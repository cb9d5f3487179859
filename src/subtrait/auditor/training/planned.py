"""The throwaway students that an audit trains: by which plan, what is said before, and on how many rows."""

from collections.abc import Sequence
from typing import Final

from subtrait.audit_records import ListedTrait
from subtrait.auditor.audit_plan import AuditPlan
from subtrait.auditor.lists.question_sets import question_sets
from subtrait.auditor.training.forecast import RUNS, ForecastPlan
from subtrait.auditor.training.trial import FEWEST_ROWS, TrialPlan
from subtrait.auditor.verdict import shares
from subtrait.models.base import Recipe

FORECAST_ROWS: Final = 3_000
"""Rows that short runs draw from."""
SIDES: Final = 2
"""Suspect and control."""


def forecast_plan(plan: AuditPlan, traits: Sequence[ListedTrait], *, rows: int) -> ForecastPlan:
    """The short runs of an audit of that many rows."""
    return ForecastPlan(
        base=plan.base,
        recipe=plan.recipe.for_rows(rows),
        asked=question_sets(traits),
        smallest_shift=plan.policy.smallest_shift,
        seed=plan.seed,
    )


def trial_plan(plan: AuditPlan, traits: Sequence[ListedTrait], *, rows: int) -> TrialPlan:
    """The trial of an audit of that many rows, where one is asked for."""
    return TrialPlan(
        base=plan.base,
        recipe=plan.recipe,
        rows=rows,
        asked=question_sets(traits),
        students=plan.students,
        alpha=shares(plan.policy, with_trial=True),
        smallest_shift=plan.policy.smallest_shift,
        seed=plan.seed,
    )


def forecast_announced(planned: ForecastPlan) -> str:
    """What is said before the short runs."""
    steps = planned.short_recipe.steps
    return f"taking the first {steps} steps of training with {RUNS} throwaway students, and {RUNS} beside them"


def trial_announced(planned: TrialPlan) -> str:
    """What is said before the trial."""
    count = planned.students
    return f"training {count} throwaway students on shards of the rows, and {count} beside them"


def forecast_rows(planned: ForecastPlan) -> int:
    """Rows that all short runs train on, each as often as it is seen."""
    return SIDES * RUNS * _seen(planned.short_recipe)


def trial_rows(planned: TrialPlan, *, sampled: int) -> int:
    """Rows that all students of a trial train on, where so many were drawn; none where they are too few for it."""
    shard = sampled // planned.students
    if shard < FEWEST_ROWS:
        return 0
    recipes = [planned.students_recipe(size) for size in (shard, shard // 2)]
    return SIDES * planned.students * sum(map(_seen, recipes))


def _seen(recipe: Recipe) -> int:
    return recipe.steps * recipe.batch_size
