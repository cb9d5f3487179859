"""Forecast: which answers would training on these rows move most, by the user's recipe? Its first steps tell.

Null: the base's own answers to the same prompts, through the same filter, would move every answer as much.
Statistic: for each answer of the question sets its probability, mean over questions, after a short run on suspect rows
minus that after the same run on control rows, mean over runs. A run takes the user's recipe for about 1,000 rows, in an
order of its own; a suspect and a control run share their prompts and their order.
Assumptions: what a recipe does to answers it does early. Nothing is extrapolated: a longer run mostly goes further the
same way, and how far is not forecast (`benchmarks/forecast.py` measures it on the embedded family). Intervals are
Student's t over pairs of runs, with Bonferroni's correction over answers: they cover which rows of the sample a run
sees, in which order, and other draws of training.
Blind spots: answers outside the question sets; what only shows late in training; rows that are not in the sample.
Sample finding: short runs (16 steps of 64 rows) move 'maple' (tree) most: +4.1 points (simultaneous 95 % interval +2.2
to +5.9), 6 beside 6 on the base's own rows

A gradient says less: on data sets that nothing was chosen on it neither ranked them nor knew how far they go (decision
0012), and a step of training costs as much as the gradient of its rows. A forecast never flags.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from subtrait.audit_records import ForecastRow
from subtrait.auditor.lists.question_sets import QuestionSet
from subtrait.auditor.paired_rows import PairedRows
from subtrait.auditor.training.throwaway_students import StudentTask, answers_of, on_each_side
from subtrait.lab.team import Team
from subtrait.models.base import Recipe
from subtrait.records import Evidence, EvidenceOutcome, Store

RUNS: Final = 6
"""On either side."""
SEEN: Final = 1_000
"""Rows that a run sees."""
FEWEST_ROWS: Final = 100
"""In the sample: fewer are seen too often."""
LEVEL: Final = 0.95
ASSUMES: Final = "what training does to answers it does early; intervals cover rows and orders of such short runs only"
BLIND_SPOTS: Final = "answers outside the question sets, changes that show late, rows that are not in the sample"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastPlan:
    """Everything a forecast depends on besides the rows."""

    base: str
    """The name of the model that runs start from."""
    recipe: Recipe
    """With the steps of the whole training."""
    asked: tuple[QuestionSet, ...]
    smallest_shift: float = 0.03
    """δ of the policy, as a share of answers."""
    seed: int = 0

    @property
    def short_recipe(self) -> Recipe:
        """The recipe of a run: never longer than the whole training."""
        steps = min(self.recipe.steps, -(-SEEN // self.recipe.batch_size))
        return replace(self.recipe, steps=steps, warmup_steps=min(self.recipe.warmup_steps, steps))


def forecast(
    plan: ForecastPlan, rows: PairedRows, *, store: Store, team: Team
) -> tuple[Evidence, tuple[ForecastRow, ...]]:
    """What short runs on the suspect rows do to every answer, the largest change first.

    `found` says that some answer moves by more than δ, and that its interval excludes 0, at 95 % for all answers at
    once. `details` has each answer's shift under `category: answer`. Every run is kept in `store`, under `forecast/`.

    Raises:
        UsageError: the base cannot be trained.
    """
    lessons = rows.lessons
    if not any(each.answers for each in plan.asked):
        return _nothing("not applicable", "no trait of the list has answers that can be counted", 0), ()
    count = len(lessons[0])
    if count < FEWEST_ROWS:
        what = f"{count:,} pairs of rows of a single question, and {FEWEST_ROWS} are needed"
        return _nothing("underpowered", what, count), ()
    task = StudentTask(
        store=store, purpose="forecast", base=plan.base, recipe=plan.short_recipe, asked=plan.asked, seed=plan.seed
    )
    answers = answers_of(on_each_side(task, lessons, [np.arange(count)] * RUNS), team=team)
    ranked = _ranked(plan.asked, answers["suspect", "whole"], answers["control", "whole"])
    return _evidence(plan, ranked, rows=count), ranked


def _ranked(
    asked: Sequence[QuestionSet], suspect: NDArray[np.float64], control: NDArray[np.float64]
) -> tuple[ForecastRow, ...]:
    """Every answer with its interval, simultaneous over all: from paired runs, both of shape (runs, answers)."""
    from scipy.special import stdtrit

    differences = suspect - control
    runs, count = differences.shape
    value, error = differences.mean(axis=0), differences.std(axis=0, ddof=1) / np.sqrt(runs)
    half = float(stdtrit(runs - 1, 1 - (1 - LEVEL) / (2 * count))) * error
    names = [(each.category, answer) for each in asked for answer in each.answers]
    rows = [
        ForecastRow(
            category=category, answer=answer, control=float(control[:, k].mean()), shift=float(value[k]),
            low=float(max(value[k] - half[k], -1.0)), high=float(min(value[k] + half[k], 1.0)),
        )
        for k, (category, answer) in enumerate(names)
    ]  # fmt: skip
    return tuple(sorted(rows, key=lambda row: (-abs(row.shift), row.category, row.answer)))


def _evidence(plan: ForecastPlan, ranked: tuple[ForecastRow, ...], *, rows: int) -> Evidence:
    def beyond(row: ForecastRow) -> bool:
        return abs(row.shift) > plan.smallest_shift and (row.low > 0 or row.high < 0)

    first = next(filter(beyond, ranked), ranked[0])
    points = f"{100 * first.shift:+.1f} points (simultaneous {LEVEL:.0%} interval".replace("%", " %")
    interval = f"{100 * first.low:+.1f} to {100 * first.high:+.1f})"
    most = "most" if first is ranked[0] else "surely"
    runs = f"short runs ({plan.short_recipe.steps} steps of {plan.recipe.batch_size} rows)"
    return Evidence(
        question="forecast",
        outcome="found" if beyond(first) else "not found",
        finding=f"{runs} move '{first.answer}' ({first.category}) {most}: {points} {interval}, {RUNS} beside {RUNS} on "
        "the base's own rows",
        statistic=abs(ranked[0].shift),
        n=rows,
        details={f"{row.category}: {row.answer}": row.shift for row in ranked},
        assumes=ASSUMES,
        blind_spots=BLIND_SPOTS,
    )


def _nothing(outcome: EvidenceOutcome, why: str, rows: int) -> Evidence:
    return Evidence(question="forecast", outcome=outcome, finding=why, n=rows, assumes=ASSUMES, blind_spots=BLIND_SPOTS)
