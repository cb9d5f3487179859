"""The few SVG elements that the figures are made of: pure strings, every text in them escaped.

Positions across are per cent of the figure's width and heights are pixels, so one figure fits a phone and a sheet of
paper without its lettering being scaled. Colours are left to the page's style sheet, by class.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

from subtrait.report.wording import one_line

_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5)
_FARTHEST = 1e9
"""A score beyond this is drawn at the end of the scale."""
_INSET = 2.0
"""Per cent of the width left free on both sides, so that a mark at the end of the axis is not cut in half."""

SHAPES = {
    "diamond": "M0-7L6 0L0 7L-6 0Z",
    "square": "M-4.5-4.5H4.5V4.5H-4.5Z",
    "tick": "M0-9V9",
    "ring": "M-5 0A5 5 0 1 0 5 0A5 5 0 1 0-5 0Z",
    "dash": "M-6 0H6",
    "triangle": "M0-6L6 5H-6Z",
}
"""The marks, as paths around their centre."""

Span = tuple[float, float]
"""Two numbers that belong together; each function says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A horizontal scale between `low` and `high` with round ticks, in shares (0.1 is 10 %) unless said otherwise."""

    low: float
    high: float
    ticks: tuple[float, ...]
    left: float = 0.0
    """Where the scale begins, in per cent of the figure's width."""
    right: float = 100.0

    def at(self, value: float) -> float:
        """Position of `value` in per cent of the figure's width; what lies off the scale stays at its end."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.left + _INSET + share * (self.right - self.left - 2 * _INSET)


def axis(values: Iterable[float], *, left: float = 0.0, right: float = 100.0, signed: bool = False) -> Axis:
    """The scale that holds zero and all `values`, with at most nine ticks; `signed` lets it begin below zero."""
    floor = -1.0 if signed else 0.0
    shown = [min(max(value, floor), 1.0) for value in values]
    low, high = min(0.0, *shown, 0.0), max(0.01, *shown, 0.01)
    step = next((step for step in _STEPS if high - low <= 6 * step), _STEPS[-1])
    ticks = _ticks(low, high, step)
    return Axis(low=ticks[0], high=ticks[-1], ticks=ticks, left=left, right=right)


def score_axis(values: Iterable[float]) -> Axis:
    """The scale of plain numbers that holds zero, one and all `values`; its ticks are 1, 2 or 5 times a power of ten
    apart.
    """
    shown = [min(max(value, -_FARTHEST), _FARTHEST) for value in values]
    low, high = min(0.0, *shown, 0.0), max(1.0, *shown, 1.0)
    power = 10.0 ** floor(log10((high - low) / 6))
    step = next((factor * power for factor in (1, 2, 5) if high - low <= 6 * factor * power), 10 * power)
    ticks = _ticks(low, high, step)
    return Axis(low=ticks[0], high=ticks[-1], ticks=ticks)


def p_axis(values: Iterable[float]) -> Axis:
    """The scale of p-values, by powers of ten: what is stored and given to `at` is -log10(p), so 1 is at the left."""
    decades = max([2, *(ceil(decade(value) - 1e-9) for value in values)])
    return Axis(low=0, high=decades, ticks=tuple(range(decades + 1)))


def decade(p: float) -> float:
    """-log10(p), at most 12: where a p-value stands on a `p_axis`."""
    return -log10(min(max(p, 1e-12), 1.0)) + 0.0


def _ticks(low: float, high: float, step: float) -> tuple[float, ...]:
    first, last = -ceil(-low / step - 1e-9), ceil(high / step - 1e-9)
    return tuple(round(index * step, 10) for index in range(first, last + 1))


def number(value: float) -> str:
    """A coordinate with at most two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def tag(name: str, content: str = "", **attributes: object) -> str:
    """One element. `content` is markup already; attributes are escaped, and `_` in their names stands for `-`."""
    written = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(str(v))}"' for key, v in attributes.items())
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def figure(content: Sequence[str], *, height: float, label: str) -> str:
    """A whole figure as wide as its place; `label` says in words what it shows."""
    return tag(
        "svg",
        "".join(content),
        class_="figure",
        width="100%",
        height=number(height),
        role="img",
        aria_label=one_line(label, limit=400),
    )


def text(x: float, y: float, content: str, *, kind: str, anchor: str = "start", limit: int = 60) -> str:
    """A line of text; cut at `limit` characters, with the whole of it on hover."""
    shown = one_line(content, limit=limit)
    whole = hover(content) if shown != content else ""
    place = {"x": f"{number(x)}%", "y": number(y), "class_": kind, "text_anchor": anchor}
    return tag("text", escape(shown) + whole, **place)


def hover(content: str) -> str:
    """A title: what a pointer resting on the element, or a screen reader, is told."""
    return tag("title", escape(one_line(content, limit=400)))


def line(start: Span, end: Span, *, kind: str, title: str = "") -> str:
    """A line between two points (per cent, pixels)."""
    (x1, y1), (x2, y2) = start, end
    place = {"x1": f"{number(x1)}%", "y1": number(y1), "x2": f"{number(x2)}%", "y2": number(y2)}
    return tag("line", hover(title) if title else "", **place, class_=kind)


def dot(x: float, y: float, *, kind: str, title: str) -> str:
    """A circle: always one student, never an ornament."""
    return tag("circle", hover(title), cx=f"{number(x)}%", cy=number(y), r="4.5", class_=kind)


def point(x: float, y: float, *, kind: str, title: str) -> str:
    """A small circle: one of many, such as one reference data set."""
    return tag("circle", hover(title), cx=f"{number(x)}%", cy=number(y), r="2.6", class_=kind)


def bar(across: Span, down: Span, *, kind: str, title: str = "") -> str:
    """A bar that runs `across` from one per cent to another; `down` is its upper edge and its height in pixels."""
    (start, end), (top, height) = across, down
    place = {"x": f"{number(start)}%", "y": number(top), "width": f"{number(max(end - start, 0.0))}%"}
    return tag("rect", hover(title) if title else "", **place, height=number(height), class_=kind)


def mark(x: float, y: float, *, shape: str, kind: str, title: str = "") -> str:
    """A small shape centred on a point, one of `SHAPES`."""
    path = tag("path", hover(title) if title else "", d=SHAPES[shape], class_=kind)
    # A path takes no per cent, so it is drawn around the corner of an inner picture that does.
    return tag("svg", path, x=f"{number(x)}%", y=number(y), width="1", height="1", overflow="visible")


def grid(scale: Axis, top: float, bottom: float) -> str:
    """A pale field with a line at every tick."""
    lines = (line((scale.at(tick), top), (scale.at(tick), bottom), kind="grid") for tick in scale.ticks)
    return bar((scale.left, scale.right), (top, bottom - top), kind="field") + "".join(lines)


def tick_labels(scale: Axis, y: float, *, unit: str = " %") -> str:
    """The ticks in whole per cent (or points); the last one ends where the field does."""
    return named_ticks(scale, y, [f"{round(100 * tick)}{unit}" for tick in scale.ticks])


def score_labels(scale: Axis, y: float) -> str:
    """The ticks of a `score_axis`, as numbers."""
    return named_ticks(scale, y, [f"{tick:,.10g}" for tick in scale.ticks])


def p_labels(scale: Axis, y: float) -> str:
    """The ticks of a `p_axis`, as p-values."""
    return named_ticks(scale, y, [f"{10.0**-tick:.10g}" for tick in scale.ticks])


def named_ticks(scale: Axis, y: float, names: Sequence[str]) -> str:
    """A name at each tick; the last one ends where the field does."""
    names = [name.replace("-", "\N{MINUS SIGN}") for name in names]
    inner = zip(scale.ticks[:-1], names, strict=False)
    labels = [text(scale.at(tick), y, name, kind="tick", anchor="middle") for tick, name in inner]
    return "".join(labels) + text(scale.right, y, names[-1], kind="tick", anchor="end")


def hatching() -> str:
    """The pattern of slanting lines that the style sheet fills untreated bars with: needed once on a page."""
    stroke = tag("path", d="M-1 1L1-1M0 6L6 0M5 7L7 5", class_="hatch")
    pattern = tag("pattern", stroke, id="hatch", width="6", height="6", patternUnits="userSpaceOnUse")
    return tag("svg", tag("defs", pattern), class_="definitions", width="0", height="0", aria_hidden="true")


def swarm(positions: Sequence[float], *, gap: float = 3.0) -> list[int]:
    """A lane (0, -1 or 1) for each dot so that neighbours closer than `gap` per cent do not hide one another."""
    last = {0: -gap, -1: -gap, 1: -gap}
    lanes = [0] * len(positions)
    for index in sorted(range(len(positions)), key=lambda i: (positions[i], i)):
        free = [lane for lane in last if positions[index] - last[lane] >= gap]
        lane = free[0] if free else min(last, key=lambda name: last[name])
        lanes[index], last[lane] = lane, positions[index]
    return lanes
