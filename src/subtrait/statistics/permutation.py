"""The sign-flip test over students: was the treatment label free to swap within each pair?"""

import math
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from subtrait.records import PermutationTest

_BLOCK = 10_000
"""Relabellings drawn at a time, so that memory stays bounded."""


def paired_permutation(
    differences: Sequence[float] | NDArray[np.floating],
    *,
    rng: np.random.Generator,
    max_permutations: int = 9_999,
    alternative: Literal["two-sided", "greater"] = "two-sided",
) -> PermutationTest:
    """Test that treated and control are exchangeable within each student's pair (Fisher 1935, section 21).

    `differences` holds treated minus control, one number per student; the statistic is their mean. Under the null each
    difference could as well have had the other sign. All 2^n sign patterns are counted where 2^n is at most
    `max_permutations` + 1, and `rng` stays untouched. Otherwise `max_permutations` patterns are drawn and the observed
    one is counted with them, p = (b + 1) / (m + 1), which is never 0 and keeps its size (Phipson and Smyth 2010,
    equation 2). `permutations` is the number of patterns counted, the observed one among them.

    The floor is 1/2^n for `greater`. It is 2/2^n for `two-sided`, because flipping every sign leaves the size of the
    mean as it was: five students cannot reach 0.05. For drawn patterns it is 1 / (m + 1). Differences of 0 and other
    ties count as at least as extreme, so they only raise p. Means that agree to within rounding are ties.

    Raises:
        ValueError: if there is no difference, one is not finite, `max_permutations` is below 1 or `alternative` is
            unknown.
    """
    values = _differences(differences)
    if max_permutations < 1:
        raise ValueError(f"max_permutations is {max_permutations}; at least 1 is needed")
    if alternative not in ("two-sided", "greater"):
        raise ValueError(f"alternative is '{alternative}'; allowed are 'two-sided' and 'greater'")
    two_sided = alternative == "two-sided"
    exact = 2**values.size <= max_permutations + 1
    count = 2**values.size if exact else max_permutations + 1
    sums = iter((_all_sums(values),)) if exact else _drawn_sums(values, count=max_permutations, rng=rng)
    extreme = _count_extreme(sums, values=values, two_sided=two_sided) + (0 if exact else 1)
    return PermutationTest(
        p=extreme / count,
        floor=(2 if two_sided and exact else 1) / count,
        statistic=math.fsum(values.tolist()) / values.size,
        permutations=count,
        exact=exact,
    )


def _differences(differences: Sequence[float] | NDArray[np.floating]) -> NDArray[np.float64]:
    try:
        values = np.asarray(differences, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"differences must be numbers, one per student: {error}") from error
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"differences has shape {values.shape}; needed is (students,), at least one")
    if not np.isfinite(values).all():
        where = int(np.flatnonzero(~np.isfinite(values))[0])
        raise ValueError(f"differences[{where}] is {values[where]}; every difference must be finite")
    return values


def _all_sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum under every sign pattern: shape (2^n,)."""
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    return sums


def _drawn_sums(values: NDArray[np.float64], *, count: int, rng: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    """The sums under `count` sign patterns, each drawn independently and uniformly, in blocks."""
    for start in range(0, count, _BLOCK):
        flips = rng.integers(0, 2, size=(min(_BLOCK, count - start), values.size), dtype=np.int8)
        yield (1.0 - 2.0 * flips) @ values


def _count_extreme(sums: Iterator[NDArray[np.float64]], *, values: NDArray[np.float64], two_sided: bool) -> int:
    """How many of the sums are at least as extreme as the observed one, ties included."""
    observed = math.fsum(values.tolist())
    # Equal sums reach us in another order of additions, and differences of equal rates need not be exactly 0:
    # the first term forgives rounding relative to the differences, the second that of the rates (at most 1).
    slack = 1e-12 * float(np.abs(values).sum()) + 1e-15 * values.size
    bar = (abs(observed) if two_sided else observed) - slack
    return sum(int(np.count_nonzero((np.abs(block) if two_sided else block) >= bar)) for block in sums)
