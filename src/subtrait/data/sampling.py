"""A uniform random sample of a stream of unknown length, in one pass."""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar

from subtrait.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")


def sample_rows(rows: Iterable[T], size: int, *, rng: "np.random.Generator") -> list[T]:
    """`size` of the rows, every subset equally likely, in the order they came; all of them where there are fewer.

    The stream is read to its end, so a `Reading` is complete afterwards. Algorithm L of Li, "Reservoir-sampling
    algorithms of time complexity O(n(1 + log(N/n)))", ACM TOMS 20(4), 1994: random numbers are drawn for the rows that
    enter the sample only.

    Raises:
        UsageError: `size` is below 1.
    """
    if size < 1:
        raise UsageError(f"a sample of {size} rows: ask for 1 or more")
    held: list[tuple[int, T]] = []
    weight, following = 1.0, size - 1
    for index, row in enumerate(rows):
        if index < size:
            held.append((index, row))
        elif index == following:
            held[int(rng.integers(size))] = (index, row)
        if index == following:
            weight *= math.exp(_log_uniform(rng) / size)
            following += _skip(weight, rng)
    return [row for _, row in sorted(held, key=lambda entry: entry[0])]


def _skip(weight: float, rng: "np.random.Generator") -> int:
    """How many rows further the next one to enter stands."""
    if weight >= 1.0:
        return 1
    return math.floor(_log_uniform(rng) / math.log1p(-weight)) + 1


def _log_uniform(rng: "np.random.Generator") -> float:
    """The logarithm of a uniform number in (0, 1]."""
    return math.log(1.0 - rng.random())
