"""The two-sample permutation test: could these units as well have been dealt to the two groups at random?"""

import math
from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subtrait.records import PermutationTest

_BLOCK = 10_000
"""Deals drawn at a time, so that memory stays bounded."""


def two_sample_permutation(
    first: ArrayLike, second: ArrayLike, *, rng: np.random.Generator, max_permutations: int = 9_999
) -> PermutationTest:
    """Test that all units are exchangeable against a larger mean of `first` (Fisher 1935; Pitman 1937).

    The statistic is the mean of `first` minus that of `second`. Where there are at most `max_permutations` + 1 ways to
    deal the units into groups of these sizes, all are counted and `rng` stays untouched. Otherwise `max_permutations`
    deals are drawn and the observed one is counted with them, p = (b + 1) / (m + 1), which is never 0 and keeps its
    size (Phipson and Smyth 2010, equation 2). Ties count as at least as extreme.

    Raises:
        ValueError: a group is empty or not one-dimensional, a value is not finite, or `max_permutations` is below 1.
    """
    ours, theirs = _values(first, "first"), _values(second, "second")
    if max_permutations < 1:
        raise ValueError(f"max_permutations is {max_permutations}; at least 1 is needed")
    pooled, size = np.concatenate([ours, theirs]), ours.size
    pooled = pooled - pooled.mean()  # the larger sum has the larger mean either way, and rounds less
    ways = math.comb(pooled.size, size)
    exact = ways <= max_permutations + 1
    sums = _all_sums(pooled, size) if exact else _drawn_sums(pooled, size, count=max_permutations, rng=rng)
    bar = math.fsum(pooled[:size].tolist()) - 1e-12 * float(np.abs(pooled).sum())
    extreme = sum(int(np.count_nonzero(block >= bar)) for block in sums)
    count = ways if exact else max_permutations + 1
    return PermutationTest(
        p=(extreme + (0 if exact else 1)) / count,
        floor=1 / count,
        statistic=float(ours.mean() - theirs.mean()),
        permutations=count,
        exact=exact,
    )


def _values(values: ArrayLike, name: str) -> NDArray[np.float64]:
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or found.size == 0:
        raise ValueError(f"{name} has shape {found.shape}; needed is (units,), at least one")
    if not np.isfinite(found).all():
        where = int(np.flatnonzero(~np.isfinite(found))[0])
        raise ValueError(f"{name}[{where}] is {found[where]}; every value must be finite")
    return found


def _all_sums(pooled: NDArray[np.float64], size: int) -> Iterator[NDArray[np.float64]]:
    """The sum of the first group under every deal."""
    yield pooled[list(combinations(range(pooled.size), size))].sum(axis=1)


def _drawn_sums(
    pooled: NDArray[np.float64], size: int, *, count: int, rng: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """The sum of the first group under `count` deals, each drawn independently and uniformly, in blocks."""
    step = max(1, _BLOCK * 16 // pooled.size)
    for start in range(0, count, step):
        deals = np.broadcast_to(pooled, (min(step, count - start), pooled.size))
        yield rng.permuted(deals, axis=1)[:, :size].sum(axis=1)
