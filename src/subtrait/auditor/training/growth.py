"""How shifts grow with the rows that a student is trained on, from students of whole shards and of half shards.

What rows have in common adds up, what they do not averages out. Where noise takes the place of m₀ rows, a student of m
rows shows the share m / (m + m₀) of what endless rows would teach. Twice the rows then show r = 2 (m/2 + m₀) / (m + m₀)
times as much, from 1 (nothing more to learn) to 2 (as much again), and r gives m₀. r is pooled over answers, since rows
of one data set have one noise: the ratio of products of shifts of different students, in which independent errors
cancel on average. Ranges leave out one student at a time (jackknife), so they cover students and shards, not the curve.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Shifts = NDArray[np.float64]
LEVEL = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Growth:
    """The shifts of a training on all rows: shapes (answers,)."""

    shift: Shifts
    low: Shifts
    high: Shifts
    doubling: float
    """r: how much twice the rows multiply the shifts, from 1 to 2."""


def extrapolate(whole: Shifts, half: Shifts, *, rows: int, all_rows: int) -> Growth | None:
    """The shifts at `all_rows`, from students of `rows` rows and of half as many; None where nothing moves enough.

    Both arrays hold suspect minus control, shape (students, answers), the same shards in the same order.

    Raises:
        ValueError: the shapes differ, or there are fewer than 3 students.
    """
    from scipy.special import stdtrit

    if whole.shape != half.shape or len(whole) < 3:
        raise ValueError(f"whole shards {whole.shape}, half ones {half.shape}; needed are equal, 3 students or more")
    students = len(whole)
    parts = [np.arange(students) != left_out for left_out in range(students)]
    ratios = [doubling(whole, half), *(doubling(whole[part], half[part]) for part in parts)]
    if any(ratio is None for ratio in ratios):
        return None
    factors = [growth_factor(ratio, rows=rows, all_rows=all_rows) for ratio in ratios if ratio is not None]
    shift = factors[0] * whole.mean(axis=0)
    others = np.stack([factor * whole[part].mean(axis=0) for factor, part in zip(factors[1:], parts, strict=True)])
    error = np.sqrt((students - 1) / students * ((others - others.mean(axis=0)) ** 2).sum(axis=0))
    margin = stdtrit(students - 1, (1 + LEVEL) / 2) * error
    return Growth(shift, shift - margin, shift + margin, float(ratios[0] or 1.0))


def doubling(whole: Shifts, half: Shifts) -> float | None:
    """r, cut to 1 to 2; None where shifts of different students have nothing in common."""
    common = _across(whole, half)
    if common <= 0:
        return None
    return float(np.clip(_across(whole, whole) / common, 1.0, 2.0))


def growth_factor(ratio: float, *, rows: int, all_rows: int) -> float:
    """By how much `all_rows` rows multiply the shifts of `rows` rows, where doubling multiplies them by `ratio`."""
    if ratio >= 2.0:
        return all_rows / rows
    noise = rows * (ratio - 1.0) / (2.0 - ratio)
    return (all_rows / (all_rows + noise)) * ((rows + noise) / rows)


def _across(first: Shifts, second: Shifts) -> float:
    """The sum of the inner products of every student of `first` with every other of `second`."""
    return float(first.sum(axis=0) @ second.sum(axis=0) - (first * second).sum())
