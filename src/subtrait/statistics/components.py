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
    """Of what groups add beyond it: 0 where group means differ no more than single values would make them."""
    share: Estimate
    """Variance between groups over the sum of both (intraclass correlation)."""


def spread(values: np.ndarray, *, unit: str, level: float = 0.95) -> Spread:
    """The components of `values` (groups, members), which vary normally with one spread inside all groups.

    The interval within is that of the chi-squared distribution of the sum of squares; that of the share follows from
    the F distribution of the ratio of mean squares (Searle, Casella and McCulloch 1992, "Variance Components",
    chapter 3); that between is Williams's (1962, Biometrika 49, 278). Bounds below 0 are cut there. `unit` names a
    group.

    Raises:
        ValueError: below two groups of two members, or `values` has another number of axes.
    """
    if values.ndim != 2 or min(values.shape) < 2:
        raise ValueError(f"values have shape {values.shape}; needed are at least two groups of at least two members")
    groups, members = values.shape
    inside = float(values.var(axis=1, ddof=1).mean())
    outside = members * float(values.mean(axis=1).var(ddof=1))
    free = (groups - 1, groups * (members - 1))
    bounds = _between_bounds(outside, inside, members=members, free=free, level=level)
    added = max(0.0, (outside - inside) / members)
    bare = Estimate(value=0.0, low=None, high=None, level=level, n=groups, unit=unit)
    return Spread(
        within=replace(bare, value=math.sqrt(inside), **_root_bounds(inside, free[1], level)),
        between=replace(bare, value=math.sqrt(added), **bounds),
        share=_share(outside, inside, members=members, free=free, bare=bare),
    )


def _root_bounds(variance: float, free: int, level: float) -> dict[str, Any]:
    """Of a standard deviation whose square has `free` degrees of freedom; None where nothing varies."""
    from scipy.special import chdtri

    if variance <= 0:
        return {"low": None, "high": None}
    low, high = (math.sqrt(free * variance / chdtri(free, tail)) for tail in ((1 - level) / 2, (1 + level) / 2))
    return {"low": low, "high": high}


def _between_bounds(
    outside: float, inside: float, *, members: int, free: tuple[int, int], level: float
) -> dict[str, Any]:
    """Of what groups add: the sum of squares between them, less what single values explain, over chi-squared."""
    from scipy.special import chdtri, fdtri

    if inside <= 0:
        return {"low": None, "high": None}
    squares, tails = free[0] / members, ((1 - level) / 2, (1 + level) / 2)
    low, high = (
        squares * (outside - inside * float(fdtri(*free, 1 - tail))) / float(chdtri(free[0], tail)) for tail in tails
    )
    return {"low": math.sqrt(max(0.0, low)), "high": math.sqrt(max(0.0, high))}


def _share(outside: float, inside: float, *, members: int, free: tuple[int, int], bare: Estimate) -> Estimate:
    from scipy.special import fdtri

    def of(ratio: float) -> float:
        return max(0.0, (ratio - 1) / (ratio - 1 + members))

    if inside <= 0:
        return replace(bare, value=float(outside > 0))
    ratio, tail = outside / inside, (1 - bare.level) / 2
    low, high = (of(ratio / float(fdtri(*free, place))) for place in (1 - tail, tail))
    return replace(bare, value=of(ratio), low=low, high=high)
