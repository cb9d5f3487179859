"""Forecast: which answers would training on these rows move most, by the user's recipe, without training?

Null: the base's own answers to the same prompts, through the same filter, would move every answer as much.
Statistic: for each answer of the question sets the change of its probability, mean over questions: the inner product of
the gradient of its logarithm with the run's displacement (suspect minus control rows, preconditioned, curved: see
`block_gradients` and `curved_run`), then through the softmax over the answers. Intervals come from leaving out one
sixteenth of the rows at a time, with Bonferroni's correction over the answers: of straight runs, times the share of
noise that curved ones keep.
Assumptions: small changes, in which gradients and curvature at the base still hold. Intervals cover which rows were
drawn, not the error of that approximation (`benchmarks/forecast.py` measures it on the embedded family).
Blind spots: answers outside the question sets, changes that only show late in training.
Sample finding: training would move 'maple' (tree) most: +4.1 points (simultaneous 95 % interval +0.2 to +7.9), over
916 pairs of rows

A forecast never flags.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subtrait.audit_records import ForecastRow
from subtrait.auditor.lists.question_sets import QuestionSet, conversation, form_probabilities, forms_of
from subtrait.auditor.training.block_gradients import (
    Blocks,
    Pairs,
    Trained,
    Vector,
    block_gradients,
    preconditioner,
    run_length,
    trained_part,
    trained_size,
)
from subtrait.auditor.training.curved_run import CurvedRun
from subtrait.errors import UsageError
from subtrait.models.base import Recipe
from subtrait.records import Evidence, EvidenceOutcome

MOST_BLOCKS, FEWEST_BLOCKS = 64, 8
ROWS_PER_BLOCK = 4
"""At least."""
GROUPS = 16
"""Parts of the rows that are left out in turn for the intervals."""
MOST_BYTES = 2**30
"""Of the gradients that are held at once; of larger models fewer blocks."""
NOISES = 2
"""Runs along noise, by which the intervals of straight runs become those of curved ones."""
CURVED_ROWS = 150
"""Rows of either side of which the curvature is taken."""
LEVEL = 0.95
SLOTS = 4
"""Rows of the gradient of one answer, for each question."""
RARE = 0.05
"""All other answers together: where they are rarer, they keep their weight, since little is known of them."""
Rng = np.random.Generator
_RAREST = 1e-30
"""Probabilities are taken to be at least this."""
ASSUMES = "changes small enough for gradients and curvature at the base to hold; intervals cover the draw of rows only"
BLIND_SPOTS = "answers outside the question sets, changes that show late in training"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedRows:
    """Suspect rows, and beside each the base's own answer to the same prompt through the same filter."""

    suspect: Pairs
    control: Pairs

    def __post_init__(self) -> None:
        """Refuse rows that are not paired by prompt."""
        asked = [[list(map(dict, messages)) for messages, _ in side] for side in (self.suspect, self.control)]
        if asked[0] != asked[1]:
            raise UsageError("suspect and control rows must answer the same prompts in the same order")

    def first(self, count: int) -> "PairedRows":
        """That many of each side, or all there are."""
        return PairedRows(suspect=self.suspect[:count], control=self.control[:count])


def forecast(
    base: Any,
    rows: PairedRows,
    *,
    asked: Sequence[QuestionSet],
    recipe: Recipe,
    smallest_shift: float = 0.03,
    rng: np.random.Generator,
) -> tuple[Evidence, tuple[ForecastRow, ...]]:
    """What training on the suspect rows would do to every answer, the largest change first.

    `found` says that some answer would move by more than `smallest_shift` (a share of answers), and that its interval
    excludes 0, at 95 % for all answers at once. `details` has each answer's shift under `category: answer`.

    Args:
        base: the `HuggingFaceModel` that would be trained.
        rows: suspect and control rows, paired.
        asked: the question sets.
        recipe: with the steps of the whole run.
        smallest_shift: δ of the policy.
        rng: draws the random half of LoRA adapters, and noise.
    """
    if not any(each.answers for each in asked):
        return _nothing("not applicable", "no trait of the list has answers that can be counted", rows), ()
    if len(rows.suspect) < FEWEST_BLOCKS * ROWS_PER_BLOCK:
        what = f"{len(rows.suspect)} pairs of rows, and {FEWEST_BLOCKS * ROWS_PER_BLOCK} are needed"
        return _nothing("underpowered", what, rows), ()
    if _blocks_of(base, rows, recipe) < FEWEST_BLOCKS:
        size = trained_size(base, recipe)
        what = f"the recipe trains {size:,} parameters, too many to hold gradients of: forecast a LoRA recipe"
        return _nothing("not applicable", what, rows), ()
    trained = trained_part(base, recipe, rng=rng)
    try:
        before, shifts = _shifts(base, rows, asked=asked, recipe=recipe, trained=trained, rng=rng)
    except NotImplementedError:
        return _nothing(
            "not applicable", "torch has no forward derivatives for some step of this architecture", rows
        ), ()
    found = _ranked(asked, before, shifts)
    return _evidence(found, rows, recipe, smallest_shift), found


def _shifts(
    base: Any, rows: PairedRows, *, asked: Sequence[QuestionSet], recipe: Recipe, trained: Trained, rng: Rng
) -> tuple[Vector, Vector]:
    """The probability of every answer now, and its shift: with all rows, then without each group in turn."""
    blocks = _blocks_of(base, rows, recipe)
    sides = [block_gradients(base, side, blocks=blocks, trained=trained) for side in (rows.suspect, rows.control)]
    run = CurvedRun(
        scales=preconditioner(sides[0], recipe),
        length=run_length(recipe),
        curvature=partial(_curvature, base, rows.first(CURVED_ROWS), trained),
    )
    paths, forms = _paths(run, sides, rng=rng), [form_probabilities(base, each) for each in asked]
    now = [np.array([written.sum(axis=1).mean() for written in found]) for found in forms]
    along = [
        [
            paths @ answer_gradient(base, each, answer, written, trained=trained)
            for answer, written in zip(each.answers, found, strict=True)
        ]
        for each, found in zip(asked, forms, strict=True)
    ]
    moves = np.split(_moves(np.concatenate(along).T), np.cumsum([len(found) for found in now])[:-1], axis=1)
    shifts = [[shifted(here, move) - here for move in each] for here, each in zip(now, moves, strict=True)]
    return np.concatenate(now), np.concatenate(shifts, axis=1)


def _curvature(base: Any, rows: PairedRows, trained: Trained, change: Vector) -> Vector:
    """Half as the run starts, where the base draws tokens, and half as it ends, where they are the suspect's."""
    start = trained.curvature(base, rows.control, along=change)
    end = trained.curvature(base, rows.suspect, along=change, observed=True)
    return (start + end) / 2


def _paths(run: CurvedRun, sides: Sequence[Blocks], *, rng: Rng) -> Vector:
    """Where runs go (runs, parameters), in the order in which `_moves` takes them apart.

    Straight ones of noise, curved ones of the same, the curved and the straight one of all rows, and straight ones
    without each group of rows.
    """
    suspect, control = sides
    count = len(suspect.rows)
    groups = np.arange(count) % min(GROUPS, count)
    signs = rng.choice([-1.0, 1.0], size=(NOISES, 2, count))
    noises = [suspect.noise(of[0]) - control.noise(of[1]) for of in signs]
    whole = suspect.mean - control.mean
    parts = [suspect.without(groups == group) - control.without(groups == group) for group in range(groups.max() + 1)]
    straight = [run.straight(each) for each in noises]
    curved = [run.goes(each) for each in (*noises, whole)]
    return np.stack([*straight, *curved, run.straight(whole), *map(run.straight, parts)])


def _moves(along: Vector) -> Vector:
    """The changes of the answers' logarithms, from those along `_paths` (runs, answers): all rows, then each part.

    What leaving out a group changes is known of straight runs. Curved ones keep a share of it: as much as of noise.
    """
    straight, curved, (value, line), parts = np.split(along, [NOISES, 2 * NOISES, 2 * NOISES + 2])
    kept = float(np.sqrt((curved**2).sum() / max((straight**2).sum(), _RAREST)))
    moves: Vector = np.stack([value, *(value + kept * (part - line) for part in parts)])
    return moves


def _blocks_of(base: Any, rows: PairedRows, recipe: Recipe) -> int:
    """How many blocks of rows there are enough rows, and memory, for."""
    fitting = MOST_BYTES // (2 * trained_size(base, recipe) * np.dtype(np.float32).itemsize)
    return min(MOST_BLOCKS, len(rows.suspect) // ROWS_PER_BLOCK, fitting)


def answer_gradient(
    base: Any, asked: QuestionSet, answer: str, written: NDArray[np.float64], *, trained: Trained
) -> NDArray[np.float64]:
    """The gradient of the log of an answer's mean probability over the questions, in its likeliest form.

    It is the mean over questions of the gradients of log-probabilities, weighted by the probabilities: a question is
    taken as often, among `SLOTS` times as many, as its share says. `written` has the shape (questions, forms).
    """
    form = int(written.sum(axis=0).argmax())
    ends = np.cumsum(written[:, form]) / max(float(written[:, form].sum()), _RAREST)
    places = np.searchsorted(ends, (np.arange(SLOTS * len(ends)) + 0.5) / (SLOTS * len(ends)))
    prompts = [conversation(asked.questions[min(place, len(ends) - 1)]) for place in places.tolist()]
    return trained.gradient(base, [(prompt, forms_of(answer)[form]) for prompt in prompts])


def shifted(now: NDArray[np.float64], moves: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities (answers,) once their logs move by `moves`, to first order; together with all others they stay 1.

    What else may be answered moves so that the first-order changes sum to 0, where it is not rare.
    """
    others = max(1.0 - float(now.sum()), 0.0)
    opposite = -float(now @ moves) / others if others > RARE else 0.0
    odds = np.log(np.maximum(np.append(now, others), _RAREST)) + np.append(moves, np.clip(opposite, -1.0, 1.0))
    weights = np.exp(odds - odds.max())
    moved: NDArray[np.float64] = (weights / weights.sum())[:-1]
    return moved


def _ranked(
    asked: Sequence[QuestionSet], before: NDArray[np.float64], shifts: NDArray[np.float64]
) -> tuple[ForecastRow, ...]:
    """Every answer with its jackknife interval, simultaneous over all of them."""
    from scipy.special import stdtrit

    value, others = shifts[0], shifts[1:]
    groups = len(others)
    error = np.sqrt((groups - 1) / groups * ((others - others.mean(axis=0)) ** 2).sum(axis=0))
    half = float(stdtrit(groups - 1, 1 - (1 - LEVEL) / (2 * len(value)))) * error
    names = [(each.category, answer) for each in asked for answer in each.answers]
    rows = [
        ForecastRow(
            category=category, answer=answer, before=float(before[k]), shift=float(value[k]),
            low=float(max(value[k] - half[k], -1.0)), high=float(min(value[k] + half[k], 1.0)),
        )
        for k, (category, answer) in enumerate(names)
    ]  # fmt: skip
    return tuple(sorted(rows, key=lambda row: (-abs(row.shift), row.category, row.answer)))


def _evidence(found: tuple[ForecastRow, ...], rows: PairedRows, recipe: Recipe, smallest_shift: float) -> Evidence:
    def beyond(row: ForecastRow) -> bool:
        return abs(row.shift) > smallest_shift and ((row.low or 0.0) > 0 or (row.high or 0.0) < 0)

    first = next(filter(beyond, found), found[0])
    points = f"{100 * first.shift:+.1f} points (simultaneous {LEVEL:.0%} interval".replace("%", " %")
    interval = f"{100 * (first.low or 0):+.1f} to {100 * (first.high or 0):+.1f})"
    most = "most" if first is found[0] else "surely"
    finding = f"training would move '{first.answer}' ({first.category}) {most}: {points} {interval}"
    part = "; one draw of the adapters' random half" if recipe.method == "lora" else ""
    return Evidence(
        question="forecast",
        outcome="found" if beyond(first) else "not found",
        finding=f"{finding}, over {len(rows.suspect):,} pairs of rows{part}",
        statistic=abs(found[0].shift),
        n=len(rows.suspect),
        details={f"{row.category}: {row.answer}": row.shift for row in found},
        assumes=ASSUMES,
        blind_spots=BLIND_SPOTS,
    )


def _nothing(outcome: EvidenceOutcome, why: str, rows: PairedRows) -> Evidence:
    return Evidence(
        question="forecast", outcome=outcome, finding=why, n=len(rows.suspect), assumes=ASSUMES, blind_spots=BLIND_SPOTS
    )
