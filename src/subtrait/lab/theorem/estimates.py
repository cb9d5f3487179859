"""From trials to numbers with intervals. Each trial draws its own network, data and losses: trials are independent."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from subtrait.records import Estimate
from subtrait.statistics.intervals import clopper_pearson, t_interval

LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One number at each of several settings, in the order in which they were given."""

    name: str
    setting: str
    """What x is."""
    measured: str
    """What value is."""
    x: tuple[float, ...]
    estimates: tuple[Estimate, ...]
    """At each x."""
    expected: tuple[float, ...] | None = None
    """What theory gives for the same trials, where there is a formula."""

    @property
    def value(self) -> tuple[float, ...]:
        """Of each estimate."""
        return tuple(each.value for each in self.estimates)

    @property
    def low(self) -> tuple[float | None, ...]:
        """The lower end of each interval."""
        return tuple(each.low for each in self.estimates)

    @property
    def high(self) -> tuple[float | None, ...]:
        """The upper end of each interval."""
        return tuple(each.high for each in self.estimates)

    @property
    def n(self) -> tuple[int, ...]:
        """Trials behind each point."""
        return tuple(each.n for each in self.estimates)

    def first_failure(self) -> float | None:
        """The first x where a share is below 1; None where it never is."""
        return next((x for x, value in zip(self.x, self.value, strict=True) if value < 1), None)

    def first_below(self, share: float = LEVEL) -> float | None:
        """The first x where the interval of a share lies below `share` as a whole; None where it never does."""
        below = (x for x, high in zip(self.x, self.high, strict=True) if high is not None and high < share)
        return next(below, None)


def curve(
    points: Iterable[tuple[float, Estimate]], *, name: str, setting: str, measured: str, expected: Sequence[float] = ()
) -> Curve:
    """A curve through these estimates, in their order."""
    settings, found = zip(*points, strict=True)
    return Curve(
        name=name,
        setting=setting,
        measured=measured,
        x=tuple(float(x) for x in settings),
        estimates=tuple(found),
        expected=tuple(float(value) for value in expected) or None,
    )


def share(holds: Sequence[bool]) -> Estimate:
    """The share of trials in which something holds, with its exact interval."""
    return clopper_pearson(sum(bool(each) for each in holds), len(holds), level=LEVEL, unit="trial")


def mean(values: Sequence[float]) -> Estimate:
    """The mean over trials with its t interval; without bounds where trials show no spread.

    Raises:
        ValueError: there is no value.
    """
    return t_interval(values, level=LEVEL, unit="trial")


def geometric_mean(values: Sequence[float]) -> Estimate:
    """The same of positive values: the mean of their logarithms, put back."""
    logs = mean([math.log(value) for value in values])
    low, high = (None if bound is None else math.exp(bound) for bound in (logs.low, logs.high))
    return Estimate(value=math.exp(logs.value), low=low, high=high, level=LEVEL, n=logs.n, unit="trial")


def power(x: Sequence[float], y: Sequence[float]) -> float | None:
    """The p of y ∝ xᵖ, the slope of log y on log x by least squares; None where a y is not positive."""
    if min(y) <= 0:
        return None
    across = np.log(x) - np.mean(np.log(x))
    return float(across @ np.log(y) / (across @ across))
