"""Lower bounds that hold for every answer at once, from a handful of students on either side.

The unit is the student, trained on a shard of its own. Six a side is few, so the method was chosen by simulation with
six against six, 16 and 64 answers, at levels 0.95 and 0.995. Students were normal, equicorrelated, skewed to either
side, shares of one answer distribution, or moved by strengths that differ between students; treated students varied as
much as controls, or two to four times as much. How often some shift lay below its bound, at level 0.95:
- permuted residuals: about 5 %, but 19 % (16 answers) and 34 % (64) where treated students vary fourfold;
- residuals with Gaussian multipliers: 12 % and 17 % even for plain normal students;
- residuals with random signs (wild bootstrap), studentised: 1 to 6 %, and 9 % for 64 answers at fourfold spread;
- Welch's t with Bonferroni's correction: 1 to 6 %, and 7 to 8 % for 64 answers at three- and fourfold spread.
Here a bound must satisfy both of the last two. It misses in 1 to 5 % of experiments (level 0.995: about 0.5 % at most),
except for 64 answers where treated students vary three to four times as much as controls: up to 8 % (1 %). That
exception is about how large a true shift is. Benign rows give both arms the same spread, and there the level holds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FEWEST_STUDENTS = 4
"""On either side. With fewer, a sign pattern is too coarse and Welch's degrees of freedom mean little."""

_PATTERNS = 4_096
"""How many sign patterns are counted: all of them up to 12 students together."""

_NO_SPREAD = 1e-12
"""Rates closer together than this share of their size differ by rounding only."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LowerBounds:
    """For each answer the mean shift and its lower bound: with probability `level`, all shifts lie above theirs."""

    shift: NDArray[np.float64]
    """Treated minus control, the mean over students: shape (answers,)."""
    low: NDArray[np.float64]
    """Shape (answers,); minus infinity where no student differs from another, which says nothing about spread."""
    level: float
    students: tuple[int, int]
    """Treated and control."""


def simultaneous_lower_bounds(
    treated: ArrayLike, control: ArrayLike, *, level: float = 0.95, rng: np.random.Generator
) -> LowerBounds:
    """One-sided max-T bounds over all answers, with students as the only units.

    Both arrays have the shape (students, answers), such as a rate for each student and answer. The bound of answer k is
    shift_k − c_k · sqrt(s²_treated,k / n + s²_control,k / m), where c_k is the larger of two: the `level` quantile of
    the maximum of the studentised shifts when each student's residual keeps or changes its sign, all answers together
    (wild bootstrap: Liu 1988, Annals of Statistics 16, 1696; single-step max-T: Westfall and Young 1993), and Welch's
    t quantile at 1 − (1 − level) / answers. All 2^(n + m) sign patterns are counted up to 12 students; beyond that
    4,096 are drawn from `rng`.

    Raises:
        ValueError: if a shape is wrong, answers differ, a side has fewer than 4 students, a rate is not finite,
            or `level` is not from 0.5 to 0.9995, beyond which the patterns are too few.
    """
    left, right = _side(treated, "treated"), _side(control, "control")
    if left.shape[1] != right.shape[1]:
        raise ValueError(f"treated has {left.shape[1]} answers and control {right.shape[1]}; both need the same")
    if not 0.5 <= level <= 0.9995:
        raise ValueError(f"level is {level}; allowed are 0.5 to 0.9995")
    shift = left.mean(axis=0) - right.mean(axis=0)
    error = np.sqrt(left.var(axis=0, ddof=1) / len(left) + right.var(axis=0, ddof=1) / len(right))
    spread = error > _NO_SPREAD * np.maximum(np.abs(left).max(axis=0), np.abs(right).max(axis=0))
    low = np.full(shift.shape, -np.inf)
    if spread.any():
        kept = left[:, spread], right[:, spread]
        critical = np.maximum(_wild_quantile(*kept, level=level, rng=rng), _welch_quantile(*kept, level, shift.size))
        low[spread] = shift[spread] - critical * error[spread]
    return LowerBounds(shift=shift, low=low, level=level, students=(len(left), len(right)))


def _wild_quantile(
    treated: NDArray[np.float64], control: NDArray[np.float64], *, level: float, rng: np.random.Generator
) -> float:
    """The quantile of the largest studentised shift when residuals change sign at random."""
    signs = _signs(len(treated) + len(control), rng)
    means, variances = [], []
    for values, flips in ((treated, signs[:, : len(treated)]), (control, signs[:, len(treated) :])):
        residuals = values - values.mean(axis=0)
        mean = flips @ residuals / len(values)
        means.append(mean)
        # Signs leave squares as they are, so the variance needs no pass over (patterns, students, answers).
        variances.append(((residuals**2).sum(axis=0) / len(values) - mean**2).clip(min=0.0) / (len(values) - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        statistics = (means[0] - means[1]) / np.sqrt(variances[0] + variances[1])
    largest = np.sort(np.where(np.isnan(statistics), 0.0, statistics).max(axis=1))
    return float(largest[min(int(np.ceil(level * len(largest))), len(largest)) - 1])


def _welch_quantile(
    treated: NDArray[np.float64], control: NDArray[np.float64], level: float, answers: int
) -> NDArray[np.float64]:
    """Welch's t quantile of each answer, with Bonferroni's correction (Welch 1947, Biometrika 34, 28)."""
    from scipy.special import stdtrit

    parts = [values.var(axis=0, ddof=1) / len(values) for values in (treated, control)]
    freedom = (parts[0] + parts[1]) ** 2 / (parts[0] ** 2 / (len(treated) - 1) + parts[1] ** 2 / (len(control) - 1))
    result: NDArray[np.float64] = stdtrit(freedom, 1 - (1 - level) / answers)
    return result


def _signs(students: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Sign patterns, shape (patterns, students): every one if they are few enough, else drawn."""
    if 2**students <= _PATTERNS:
        changed = (np.arange(2**students)[:, None] >> np.arange(students) & 1).astype(np.float64)
    else:
        changed = rng.integers(0, 2, size=(_PATTERNS, students)).astype(np.float64)
    return 1 - 2 * changed


def _side(values: ArrayLike, name: str) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2 or array.shape[0] < FEWEST_STUDENTS or array.shape[1] == 0:
        raise ValueError(
            f"{name} has shape {array.shape}; needed is (students, answers) with at least {FEWEST_STUDENTS} students"
        )
    if not np.isfinite(array).all():
        where = tuple(int(index) for index in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name}{list(where)} is {array[where]}; every value must be finite")
    return array
