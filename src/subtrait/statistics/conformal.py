"""Conformal p-values: how many references look at least as bad as the suspect does?

Valid where the suspect, if benign, is exchangeable with the calibration references: then each of the 1 + B places in
the order is equally likely, whatever the statistic and its distribution (Vovk, Gammerman and Shafer 2005, Algorithmic
Learning in a Random World).
The statistic itself must be fitted on other references (`split_references`), or not know which of the 1 + B is the
suspect. Samples of one reference are one reference, not many.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ConformalTest:
    """A conformal p-value with the smallest it could have been."""

    p: float
    floor: float
    """1 / (1 + references)."""
    statistic: float
    references: int


def conformal_test(statistic: float, calibration: ArrayLike) -> ConformalTest:
    """The p-value (1 + number of calibration references with a statistic at least as large) / (1 + B).

    Under exchangeability P(p ≤ k/(1 + B)) is at most k/(1 + B), and equal to it without ties,
    which only raise p. `calibration` holds one statistic per reference; none at all gives p = 1.

    Raises:
        ValueError: if a statistic is NaN or `calibration` is not one-dimensional.
    """
    values = np.asarray(calibration, dtype=np.float64)
    if values.ndim != 1:
        raise ValueError(f"calibration has shape {values.shape}; needed is (references,)")
    if math.isnan(statistic) or np.isnan(values).any():
        raise ValueError("a statistic is NaN; a data set that could not be judged has no place in the order")
    larger = int(np.count_nonzero(values >= statistic))
    floor = smallest_p(values.size)
    return ConformalTest(p=(1 + larger) * floor, floor=floor, statistic=float(statistic), references=values.size)


def conformal_over_looks(looks: ArrayLike, calibration: ArrayLike) -> ConformalTest:
    """The same for the maximum over looks at more and more rows, so that stopping at an early look costs no level.

    `looks` holds the suspect's statistic at each look taken so far, shape (looks so far,); `calibration` the
    references' at *all* planned looks, shape (references, looks). An early p is at least the p at the end, so whatever
    is rejected early would have been rejected at the end.

    Raises:
        ValueError: if shapes disagree, no look was taken, or a statistic is NaN.
    """
    seen, others = np.asarray(looks, dtype=np.float64), np.asarray(calibration, dtype=np.float64)
    if seen.ndim != 1 or others.ndim != 2 or not 1 <= seen.size <= others.shape[1]:
        raise ValueError(
            f"looks have shape {seen.shape} and calibration {others.shape}; needed are (looks so far,), at least one, "
            "and (references, planned looks)"
        )
    return conformal_test(float(seen.max()), others.max(axis=1))


def smallest_p(references: int) -> float:
    """The smallest p that `references` calibration references can give: 1 / (1 + references).

    Raises:
        ValueError: if the number is negative.
    """
    if references < 0:
        raise ValueError(f"references is {references}; 0 or more are possible")
    return 1 / (1 + references)


def references_needed(level: float) -> int:
    """The fewest calibration references with which p can reach `level`: 1/level − 1, rounded up.

    Raises:
        ValueError: if `level` is not above 0 and at most 1.
    """
    if not 0 < level <= 1:
        raise ValueError(f"level is {level}; a level lies above 0 and up to 1, such as 0.01")
    count = math.ceil(1 / level) - 1
    # 1 / level may round to the wrong side; what counts is whether p reaches the level as it is computed.
    while smallest_p(count) > level:
        count += 1
    while count > 0 and smallest_p(count - 1) <= level:
        count -= 1
    return count


def split_references(count: int, *, fit: int, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Numbers of the references that fit the statistic and of those that calibrate it: disjoint, together all.

    Drawn without regard to their order, each part ascending.

    Raises:
        ValueError: if `fit` is not from 0 to `count`.
    """
    if not 0 <= fit <= count:
        raise ValueError(f"fit is {fit}; allowed are 0 to {count}, the number of references")
    order = rng.permutation(count)
    return np.sort(order[:fit]), np.sort(order[fit:])
