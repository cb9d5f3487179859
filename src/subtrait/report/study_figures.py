"""The figures of a study, as inline SVG: how its measures lie, and its curves. Marks differ in shape, not in hue only.

A filled diamond agrees with what was published, an open one does not, is not applicable, or was not compared; the words
beside it say.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from subtrait.records import Estimate
from subtrait.report import svg
from subtrait.report.study_axes import Ruler, ruler
from subtrait.report.study_wording import measured, setting
from subtrait.report.wording import counted_as, one_line
from subtrait.study_records import Curve, Measure, Point

MARKS = (
    ("diamond", "treated"),
    ("square", "control"),
    ("triangle", "control"),
    ("ring", "control"),
    ("square", "treated"),
    ("triangle", "treated"),
    ("ring", "treated"),
    ("diamond", "control"),
)
"""Shape and style class of each curve of a figure, in their order; no more curves than these are drawn."""
MAX_POINTS = 100
"""Drawn of each curve."""

_ROW, _PLOT = 34.0, 240.0
"""Heights in pixels: of a measure's strip, and of a plot of curves."""
_SHORT = 3
"""Characters that may stand below the end of an axis without leaving a phone's page."""
_APART, _SPREAD = 1.4, 3.5
"""Per cent of the width: from one curve to the next at the same setting, and of all together at most."""


def forest_ruler(measures: Sequence[Measure]) -> Ruler:
    """The axis of measures of one scale: all their values, intervals and bounds are on it."""
    expected = [place for each in measures for place in (*_bounds(each), *_target(each))]
    return ruler([*_numbers(each.value for each in measures), *expected], measures[0].scale)


def forest_row(measure: Measure, axis: Ruler) -> str:
    """A measure as a diamond on its interval, with a line at zero or at what it should equal, and dashes at how far
    off still counts as that.
    """
    value, scale = measure.value, measure.scale
    kind = "treated" if measure.agreement == "agrees" else "control"
    parts = [svg.grid(axis.axis, 0, _ROW)]
    signed = scale == "points" or axis.axis.low < 0
    parts += [_upright(axis, place, "zero") for place in _target(measure) or ([0.0] if signed else [])]
    parts += [_upright(axis, place, "reference") for place in _bounds(measure)]
    parts.append(_interval(axis, value, kind) or _no_interval(axis.at(value.value)))
    said = f"{one_line(measure.name, limit=200)}: {measured(value, scale)}"
    parts.append(svg.mark(axis.at(value.value), _ROW / 2, shape="diamond", kind=kind, title=said))
    return svg.figure(parts, height=_ROW, label=f"{said}.")


def forest_ticks(axis: Ruler) -> str:
    """The axis under the rows of all its measures."""
    return _hidden(_names_below(axis, 14), height=18)


def plot(curves: Sequence[Curve]) -> str:
    """The curves of one figure, each point with its interval; at most as many as there are marks."""
    drawn = curves[: len(MARKS)]
    across, up = _across(drawn), _up(drawn)
    parts = [_field(across, up)]
    for place, curve in enumerate(drawn):
        parts.append(_curve(curve, place, _offset(place, len(drawn)), (across, up)))
    parts.append(_names_below(across, _PLOT + 17))
    first = drawn[0]
    names = "; ".join(f"{one_line(curve.name)}, {counted_as(len(curve.points), 'point')}" for curve in drawn)
    label = f"{one_line(first.y_label)} by {one_line(first.x_label)}: {names}."
    return svg.figure(parts, height=_PLOT + 22, label=label)


def plot_heights(curves: Sequence[Curve]) -> str:
    """The ticks that stand to the left of the plot of the same curves."""
    up = _up(curves[: len(MARKS)])
    names = (
        svg.text(100, _PLOT - tick + 4, name.replace("-", "\N{MINUS SIGN}"), kind="tick", anchor="end")
        for tick, name in zip(up.ticks, up.names, strict=True)
    )
    return _hidden("".join(names), height=_PLOT + 22)


def is_logarithmic(curves: Sequence[Curve]) -> tuple[bool, bool]:
    """Whether the plot's axis across, and the one up, goes by powers of ten."""
    drawn = curves[: len(MARKS)]
    return _across(drawn).logarithmic, _up(drawn).logarithmic


def sign(shape: str, kind: str) -> str:
    """A mark of these figures for use in a line of text, so that a key shows the very thing it explains."""
    upright = svg.tag("line", x1="9", y1="0", x2="9", y2="18", class_=kind)
    drawn = upright if shape == "line" else svg.mark(50, 9, shape=shape, kind=kind)
    return svg.tag("svg", drawn, class_="sign", width="18", height="18", aria_hidden="true")


def _names_below(axis: Ruler, y: float) -> str:
    """The name of each tick below it; a long one at the end of the axis ends where the field does."""
    if len(axis.names[-1]) > _SHORT:
        return svg.named_ticks(axis.axis, y, axis.names)
    names = (name.replace("-", "\N{MINUS SIGN}") for name in axis.names)
    placed = zip(axis.ticks, names, strict=True)
    return "".join(svg.text(place, y, name, kind="tick", anchor="middle") for place, name in placed)


def _across(curves: Sequence[Curve]) -> Ruler:
    return ruler(point.x for curve in curves for point in _drawn(curve))


def _up(curves: Sequence[Curve]) -> Ruler:
    values = _numbers(point.y for curve in curves for point in _drawn(curve))
    return ruler(values, curves[0].scale, length=_PLOT)


def _drawn(curve: Curve) -> list[Point]:
    return sorted(curve.points[:MAX_POINTS], key=lambda point: point.x)


def _offset(place: int, curves: int) -> float:
    """Curves share their settings, and their intervals must not cover one another."""
    return (place - (curves - 1) / 2) * min(_APART, _SPREAD / curves)


def _field(across: Ruler, up: Ruler) -> str:
    lines = (svg.line((0, _PLOT - tick), (100, _PLOT - tick), kind="grid") for tick in up.ticks)
    zero = "" if up.zero is None else svg.line((0, _PLOT - up.zero), (100, _PLOT - up.zero), kind="zero")
    return svg.grid(across.axis, 0, _PLOT) + "".join(lines) + zero


def _curve(curve: Curve, place: int, offset: float, axes: tuple[Ruler, Ruler]) -> str:
    (across, up), (shape, kind) = axes, MARKS[place]
    points, name, x_label = _drawn(curve), one_line(curve.name), one_line(curve.x_label)
    spots = [(across.at(point.x) + offset, _PLOT - up.at(point.y.value)) for point in points]
    parts = [svg.line(start, end, kind=f"curve {kind}") for start, end in pairwise(spots)]
    for (x, y), point in zip(spots, points, strict=True):
        said = f"{name}, {x_label} {setting(point.x)}: {measured(point.y, curve.scale)}"
        parts += [_whisker(up, point.y, x, kind), svg.mark(x, y, shape=shape, kind=kind, title=said)]
    return "".join(parts)


def _whisker(up: Ruler, value: Estimate, x: float, kind: str) -> str:
    if value.low is None or value.high is None:
        return ""
    return svg.line((x, _PLOT - up.at(value.low)), (x, _PLOT - up.at(value.high)), kind=f"interval {kind}")


def _interval(axis: Ruler, value: Estimate, kind: str) -> str:
    if value.low is None or value.high is None:
        return ""
    left, right, middle = axis.at(value.low), axis.at(value.high), _ROW / 2
    caps = [svg.line((x, middle - 5), (x, middle + 5), kind=f"interval {kind}") for x in (left, right)]
    return svg.line((left, middle), (right, middle), kind=f"interval {kind}") + "".join(caps)


def _bounds(measure: Measure) -> list[float]:
    return [] if measure.bound is None else [measure.target - measure.bound, measure.target + measure.bound]


def _target(measure: Measure) -> list[float]:
    return [measure.target] if measure.expected == "equal" else []


def _upright(axis: Ruler, value: float, kind: str) -> str:
    place = axis.at(value)
    # A bound beyond what a share can be would be drawn at the end of the axis, as if it were there.
    return svg.line((place, 0), (place, _ROW), kind=kind) if axis.holds(value) else ""


def _no_interval(place: float) -> str:
    beside, anchor = (place + 4, "start") if place < 50 else (place - 4, "end")
    return svg.text(beside, _ROW / 2 + 4, "no interval", kind="value", anchor=anchor)


def _hidden(content: str, *, height: float) -> str:
    """Lettering that a screen reader is spared: the figure it belongs to says in words what it shows."""
    size = {"width": "100%", "height": svg.number(height)}
    return svg.tag("svg", content, class_="figure", **size, aria_hidden="true")


def _numbers(estimates: Iterable[Estimate]) -> list[float]:
    every = (end for each in estimates for end in (each.value, each.low, each.high))
    return [end for end in every if end is not None]
