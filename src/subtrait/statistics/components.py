"""How much of a spread lies within groups and how much between them: one-way analysis of variance, balanced."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from subtrait.records import Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Standard deviations within and between groups, and the between groups' share of the variance."""

    within: Estimate
    """Of single values about their group's mean."""
    between: Estimate
    """Of what groups add beyond it: 0 where group means differ no more than single values would make them. Without
    an interval: see `share`."""
    share: Estimate
    """Variance between groups over the sum of both (intraclass correlation)."""


def spread(values: np.ndarray, *, unit: str, level: float = 0.95) -> Spread:
    """The components of `values` (groups, members), which vary normally with one spread inside all groups.

    The interval within is that of the chi-squared distribution of the sum of squares; that of the share follows from
    the F distribution of the ratio of mean squares (Searle, Casella and McCulloch 1992, "Variance Components",
    section 3.6). Bounds below 0 are cut there. `unit` names a group.

    Raises:
        ValueError: below two groups of two members, or `values` has another number of axes.
    """
    if values.ndim != 2 or min(values.shape) < 2:
        raise ValueError(f"values have shape {values.shape}; needed are at least two groups of at least two members")
    groups, members = values.shape
    inside = float(values.var(axis=1, ddof=1).mean())
    outside = members * float(values.mean(axis=1).var(ddof=1))
    free = (groups - 1, groups * (members - 1))
    added = max(0.0, (outside - inside) / members)
    bare = Estimate(value=0.0, low=None, high=None, level=level, n=groups, unit=unit)
    return Spread(
        within=replace(bare, value=math.sqrt(inside), **_root_bounds(inside, free[1], level)),
        between=replace(bare, value=math.sqrt(added)),
        share=_share(outside, inside, members=members, free=free, bare=bare),
    )


def _root_bounds(variance: float, free: int, level: float) -> dict[str, Any]:
    """Of a standard deviation whose square has `free` degrees of freedom; None where nothing varies."""
    from scipy.special import chdtri

    if variance <= 0:
        return {"low": None, "high": None}
    low, high = (math.sqrt(free * variance / chdtri(free, tail)) for tail in ((1 - level) / 2, (1 + level) / 2))
    return {"low": low, "high": high}


def _share(outside: float, inside: float, *, members: int, free: tuple[int, int], bare: Estimate) -> Estimate:
    from scipy.special import fdtri

    def of(ratio: float) -> float:
        return max(0.0, (ratio - 1) / (ratio - 1 + members))

    if inside <= 0:
        return replace(bare, value=float(outside > 0))
    ratio, tail = outside / inside, (1 - bare.level) / 2
    low, high = (of(ratio / float(fdtri(*free, place))) for place in (1 - tail, tail))
    return replace(bare, value=of(ratio), low=low, high=high)
