"""The axes of a study's figures: round ticks over any numbers, logarithmic where these span far more than a decade."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from subtrait.report import svg
from subtrait.report.study_wording import exponent
from subtrait.study_records import Scale

FACTOR = 50.0
"""Positive numbers that span more than this factor are shown by powers of ten."""
MOST_TICKS = 7
"""More do not stand side by side on a phone."""
_MOST_CHARACTERS = 36
"""Of all their names with a space after each, for the same reason."""
_FARTHEST = 1e12
"""What lies farther from zero, in plain numbers, is drawn at the end of the axis."""
_SMALLEST = 1e-300
_CLOSEST = 1e-6
"""Numbers that differ by a smaller share have no ticks between them that one could tell apart."""
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruler:
    """An axis that knows what its ticks are called and whether it is logarithmic."""

    axis: svg.Axis
    """Of a logarithmic one, in powers of ten."""
    names: tuple[str, ...]
    """One for each tick."""
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Position of `value` along the axis; what lies off it stays at its end."""
        return self.axis.at(log10(max(value, _SMALLEST)) if self.logarithmic else value)

    def holds(self, value: float) -> bool:
        """Whether `value` lies on the axis, not beyond its ends."""
        place = log10(max(value, _SMALLEST)) if self.logarithmic else value
        return self.axis.low <= place <= self.axis.high

    @property
    def zero(self) -> float | None:
        """Where zero stands; None where the axis does not hold it."""
        return self.at(0.0) if self.holds(0.0) and not self.logarithmic else None

    @property
    def ticks(self) -> tuple[float, ...]:
        """Position of every tick along the axis."""
        return tuple(self.axis.at(tick) for tick in self.axis.ticks)


def ruler(values: Iterable[float], scale: Scale = "plain", *, length: float = 100.0) -> Ruler:
    """The axis that holds all `values`: shares from zero, differences with zero, plain numbers as they lie.

    `length` is the axis's own, in whatever unit it is drawn: 100 per cent across, or pixels.
    """
    low, high = {"share": (0.0, 1.0), "points": (-1.0, 1.0), "plain": (-_FARTHEST, _FARTHEST)}[scale]
    shown = [min(max(value, low), high) if abs(value) > _SMALLEST else 0.0 for value in values] or [0.0]
    if scale == "plain" and min(shown) > 0 and max(shown) > FACTOR * min(shown):
        return _logarithmic(shown, length)
    return _linear(shown, scale, length)


def _linear(shown: Sequence[float], scale: Scale, length: float) -> Ruler:
    times = 1 if scale == "plain" else 100
    low, high = (times * end for end in _held(shown, scale))
    unit = " %" if scale == "share" else ""
    for step in _steps((high - low) / (MOST_TICKS - 2)):
        ticks = _multiples(low, high, step)
        names = tuple(f"{_written(tick)}{unit}" for tick in ticks)
        if _fit(names):
            break
    return Ruler(axis=_axis([tick / times for tick in ticks], length), names=names)


def _held(shown: Sequence[float], scale: Scale) -> tuple[float, float]:
    """Both ends of what the axis has to show. Zero is on it unless plain numbers lie far from it, close together."""
    low, high = min(shown), max(shown)
    if scale != "plain":
        return min(low, 0.0), max(high, 0.01)
    farthest = max(abs(low), abs(high))
    if high - low <= _CLOSEST * farthest:
        return low - (farthest / 10 or 0.5), high + (farthest / 10 or 0.5)
    return (min(low, 0.0), max(high, 0.0)) if min(abs(low), abs(high)) <= high - low else (low, high)


def _steps(least: float) -> Iterator[float]:
    """1, 2 and 5 times powers of ten, from the first that is no smaller than `least`; a handful of them."""
    power = floor(log10(least))
    every = (factor * 10.0**higher for higher in range(power, power + 4) for factor in (1, 2, 5))
    return (step for step in every if step >= least * (1 - 1e-9))


def _multiples(low: float, high: float, step: float) -> list[float]:
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [float(f"{index * step:.12g}") for index in range(first, last + 1)]


def _fit(names: Sequence[str]) -> bool:
    return len(names) <= MOST_TICKS and sum(len(name) + 1 for name in names) <= _MOST_CHARACTERS


def _logarithmic(shown: Sequence[float], length: float) -> Ruler:
    low, high = log10(min(shown)), log10(max(shown))
    for marks in (_ones_twos_fives(low, high), *(_powers(low, high, every) for every in range(1, 400))):
        names = _names(marks)
        if _fit(names):
            break
    return Ruler(axis=_axis([_log(mark) for mark in marks], length), names=names, logarithmic=True)


def _ones_twos_fives(low: float, high: float) -> list[tuple[int, int]]:
    """Ticks as factor and power of ten, from the last not above `low` to the first not below `high`."""
    every = [(factor, power) for power in range(floor(low), ceil(high) + 1) for factor in (1, 2, 5)]
    start = max(place for place, mark in enumerate(every) if _log(mark) <= low + 1e-9)
    end = min(place for place, mark in enumerate(every) if _log(mark) >= high - 1e-9)
    return every[start : end + 1]


def _powers(low: float, high: float, every: int) -> list[tuple[int, int]]:
    first = floor(low / every + 1e-9) * every
    return [(1, power) for power in range(first, ceil(high - 1e-9) + every, every)]


def _log(mark: tuple[int, int]) -> float:
    factor, power = mark
    return log10(factor) + power


def _axis(ticks: Sequence[float], length: float) -> svg.Axis:
    return svg.Axis(low=ticks[0], high=ticks[-1], ticks=tuple(ticks), right=length)


def _written(tick: float) -> str:
    if tick and not 1e-4 <= abs(tick) < 1e6:
        return exponent(f"{tick:.3g}")
    return f"{tick:,.10g}"


def _names(marks: Sequence[tuple[int, int]]) -> tuple[str, ...]:
    """As numbers where all are of a readable length, or else all as powers of ten."""
    if all(-4 <= power <= 4 for _, power in marks):
        return tuple(f"{factor * 10.0**power:,.10g}" for factor, power in marks)
    return tuple(_in_powers(*mark) for mark in marks)


def _in_powers(factor: int, power: int) -> str:
    written = f"10{str(power).translate(_SUPERSCRIPTS)}" if power else "1"
    return written if factor == 1 else f"{factor}·{written}"
