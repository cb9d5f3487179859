"""The figures of the report, as inline SVG. Each is a pure function of records; marks differ in shape, not in hue only.

Filled marks are treated, open or hatched ones are controls, a dashed line is the untouched base.
"""

from collections.abc import Sequence
from itertools import chain

from subtrait.records import ArmRecord, Comparison, Estimate, ExperimentResult
from subtrait.report import svg
from subtrait.report.summaries import Filtered, Group, by_base, reasons, untouched
from subtrait.report.wording import bounds, counted_as, interval, percent, points

KINDS = ("treated", "untreated", "base")
"""Style classes of the three conditions of `summaries.compared`, in their order."""

_LABEL = 22.0
"""Pixels that a row's line of text takes; its plot begins below."""
_BAR, _THIN_BAR = 13.0, 11.0
"""Pixels from one bar to the next; the thin ones keep all answers on one printed page."""


def teachers_against_base(result: ExperimentResult) -> str:
    """One square per teacher: its trait rate on the evaluation questions. The untouched base is a dashed line."""
    rates = [teacher.trait_rate for teacher in result.teachers]
    bases = list(dict.fromkeys(teacher.base_rate for teacher in result.teachers))
    scale = svg.axis([*rates, *bases])
    marks = [_teacher(scale, index, rate) for index, rate in zip(_indices(result), rates, strict=True)]
    dashes = [_reference(scale, base, 0, 40) for base in bases]
    label = f"Trait rate of {counted_as(len(rates), 'teacher')}: {', '.join(map(percent, rates))}."
    return svg.figure([svg.grid(scale, 0, 40), *dashes, *marks, svg.tick_labels(scale, 56)], height=60, label=label)


def students_by_arm(result: ExperimentResult) -> str:
    """One row per arm: every student as a dot, mean and interval beneath, the arm's untouched base as a dashed line."""
    bases = [record.rate.value for record in result.untouched]
    rates = [student.trait_rate for record in result.arms for student in record.students]
    scale = svg.axis([*bases, *rates, *chain.from_iterable(_ends(record.rate) for record in result.arms)])
    parts, top = [], 0.0
    for base, records in by_base(result):
        origin = untouched(result, base)
        parts.append(_group_heading(base, origin, top + 15))
        for row, record in enumerate(records):
            parts.append(_arm_row(scale, record, origin, top + 34 + 84 * row))
        top += 34 + 84 * len(records) + 10
    parts.append(svg.tick_labels(scale, top - 8))
    said = "; ".join(f"{r.arm} {percent(r.rate.value)}, {interval(r.rate)}" for r in result.arms)
    return svg.figure(parts, height=top, label=f"Trait rate by arm: {said}.")


def differences(comparisons: Sequence[Comparison]) -> str:
    """One row per comparison: the difference as a diamond with its interval, and a line at zero."""
    scale = svg.axis(chain.from_iterable(_ends(c.difference) for c in comparisons), signed=True)
    height, parts = 62.0, []
    for index, comparison in enumerate(comparisons):
        top = height * index
        strip = (top + _LABEL, top + _LABEL + 26)
        parts += [
            svg.text(0, top + 14, comparison.name, kind="name", limit=38),
            svg.grid(scale, *strip),
            svg.line((scale.at(0), strip[0] - 4), (scale.at(0), strip[1] + 4), kind="zero"),
            _mean(scale, comparison.difference, strip[0] + 13, "control" if index else "treated"),
        ]
    parts.append(svg.tick_labels(scale, height * len(comparisons), unit=""))
    said = (f"{c.name} {points(c.difference.value)}, {bounds(c.difference, difference=True)}" for c in comparisons)
    return svg.figure(parts, height=height * len(comparisons) + 6, label=f"Differences: {'; '.join(said)}.")


def rejections_by_reason(totals: Sequence[Filtered], *, limit: int = 20) -> str:
    """Two bars per reason: the share of the rows of each source that were rejected for it."""
    named = reasons(totals)[:limit]
    scale = svg.axis(total.share(reason) for total in totals for reason in named)
    plot = _BAR * len(totals) + 4
    height, parts = _LABEL + plot + 12, list[str]()
    for index, reason in enumerate(named):
        top = height * index
        said = ", ".join(percent(total.share(reason)) for total in totals)
        parts += [_heading(top, reason, said), svg.grid(scale, top + _LABEL, top + _LABEL + plot)]
        for row, total in enumerate(totals):
            title = f"{total.source}: {counted_as(total.rejections[reason], 'row')}"
            edge = (scale.at(total.share(reason)), top + _LABEL + 2 + _BAR * row)
            parts.append(_bar(scale, edge, total.source, title=title))
    parts.append(svg.tick_labels(scale, height * len(named) + 4))
    return svg.figure(parts, height=height * len(named) + 10, label="Share of the written rows rejected, by reason.")


def answer_distribution(groups: Sequence[Group]) -> str:
    """Up to three bars per answer: the mean of the treated and of the untreated students, and the untouched base."""
    rows = [kind for place, kind in enumerate(KINDS) if any(group.values[place] is not None for group in groups)]
    scale = svg.axis((value or 0.0 for group in groups for value in group.values), left=22, right=87)
    height, parts = _THIN_BAR * len(rows) + 14, list[str]()
    parts.append(svg.grid(scale, 0, height * len(groups)))
    for index, group in enumerate(groups):
        top, middle = height * index + 7, height * (index + 0.5) + 4
        parts.append(svg.text(21, middle, group.name, kind="answer", anchor="end", limit=11))
        if group.values[0] is not None:
            parts.append(svg.text(100, middle, percent(group.values[0]), kind="value", anchor="end"))
        for kind, value in zip(KINDS, group.values, strict=True):
            if value is not None:
                edge = (scale.at(value), top + _THIN_BAR * rows.index(kind))
                parts.append(_bar(scale, edge, kind, title=f"{group.name}, {kind}: {percent(value)}", pitch=_THIN_BAR))
    parts.append(svg.tick_labels(scale, height * len(groups) + 16))
    return svg.figure(parts, height=height * len(groups) + 22, label="Mean probability of every answer, by condition.")


def question_scale(groups: Sequence[Group]) -> svg.Axis:
    """The scale that all questions share, so that their rows can be compared by eye."""
    return svg.axis(value or 0.0 for group in groups for value in group.values)


def question_row(group: Group, scale: svg.Axis) -> str:
    """One question: treated mean as a filled diamond, untreated as an open square, the base as a dashed line."""
    treated, untreated, base = group.values
    parts = [svg.grid(scale, 0, 26)]
    if base is not None:
        parts.append(_reference(scale, base, 0, 26))
    if treated is not None and untreated is not None:
        parts.append(svg.line((scale.at(untreated), 13), (scale.at(treated), 13), kind="link"))
    if untreated is not None:
        parts.append(svg.mark(scale.at(untreated), 13, shape="square", kind="control"))
    if treated is not None:
        parts.append(svg.mark(scale.at(treated), 13, shape="diamond", kind="treated"))
    return svg.figure(parts, height=26, label=f"{group.name}: {by_condition(group)}.")


def by_condition(group: Group) -> str:
    """The group's values in words, such as `treated 38.1 %, untreated 6.0 %, base 6.4 %`."""
    return ", ".join(f"{kind} {percent(v)}" for kind, v in zip(KINDS, group.values, strict=True) if v is not None)


def question_ticks(scale: svg.Axis) -> str:
    """The axis under the rows of all questions."""
    return svg.figure([svg.tick_labels(scale, 14)], height=18, label="Trait rate in per cent of the answers.")


def sign(shape: str, kind: str) -> str:
    """A mark of the figures for use in a line of text, so that a key shows the very thing it explains."""
    drawn = {
        "ring": svg.tag("ellipse", cx="9", cy="9", rx="4.5", ry="4.5", class_=kind),
        "dashes": svg.tag("line", x1="9", y1="0", x2="9", y2="18", class_=kind),
        "bar": svg.tag("rect", x="1", y="4", width="16", height="10", class_=f"bar {kind}"),
        "diamond": svg.mark(50, 9, shape="diamond", kind=kind),
        "square": svg.mark(50, 9, shape="square", kind=kind),
    }
    return svg.tag("svg", drawn[shape], class_="sign", width="18", height="18", aria_hidden="true")


def _indices(result: ExperimentResult) -> list[int]:
    return [teacher.student for teacher in result.teachers]


def _teacher(scale: svg.Axis, index: int, rate: float) -> str:
    said = f"teacher {index}: {percent(rate)}"
    return svg.mark(scale.at(rate), 20, shape="square", kind="treated", title=said)


def _group_heading(base: str, origin: ArmRecord | None, y: float) -> str:
    heading = svg.text(0, y, f"Starting from {base}", kind="group", limit=32)
    if origin is None:
        return heading
    return heading + svg.text(100, y, f"untouched: {percent(origin.rate.value)}", kind="value", anchor="end")


def _arm_row(scale: svg.Axis, record: ArmRecord, origin: ArmRecord | None, top: float) -> str:
    kind = "treated" if record.arm == "treated" else "control"
    ends = "" if record.rate.low is None or record.rate.high is None else f" ({bounds(record.rate)})"
    strip = (top + _LABEL, top + _LABEL + 46)
    parts = [_heading(top, record.arm, f"{percent(record.rate.value)}{ends}"), svg.grid(scale, *strip)]
    if origin is not None:
        parts.append(_reference(scale, origin.rate.value, *strip))
    lanes = svg.swarm([scale.at(student.trait_rate) for student in record.students])
    for lane, student in zip(lanes, record.students, strict=True):
        said = f"{record.arm}, student {student.student}: {percent(student.trait_rate)}"
        parts.append(
            svg.dot(scale.at(student.trait_rate), strip[0] + 15 + 7 * lane, kind=f"student {kind}", title=said)
        )
    parts.append(_mean(scale, record.rate, strip[0] + 36, kind))
    return "".join(parts)


def _heading(top: float, name: str, value: str) -> str:
    return svg.text(0, top + 14, name, kind="name", limit=34) + svg.text(
        100, top + 14, value, kind="value", anchor="end"
    )


def _mean(scale: svg.Axis, estimate: Estimate, y: float, kind: str) -> str:
    """The mean as a diamond on its interval; words in place of an interval that cannot be given, never a point."""
    middle = scale.at(estimate.value)
    diamond = svg.mark(middle, y, shape="diamond", kind=kind, title=f"mean: {percent(estimate.value)}")
    if estimate.low is None or estimate.high is None:
        beside, anchor = (middle + 4, "start") if middle < 50 else (middle - 4, "end")
        return diamond + svg.text(beside, y + 4, "no interval", kind="value", anchor=anchor)
    low, high = scale.at(estimate.low), scale.at(estimate.high)
    caps = [svg.line((x, y - 5), (x, y + 5), kind=f"interval {kind}") for x in (low, high)]
    return svg.line((low, y), (high, y), kind=f"interval {kind}") + "".join(caps) + diamond


def _ends(estimate: Estimate) -> tuple[float, ...]:
    return tuple(end for end in (estimate.value, estimate.low, estimate.high) if end is not None)


def _reference(scale: svg.Axis, value: float, top: float, bottom: float) -> str:
    place = scale.at(value)
    return svg.line((place, top), (place, bottom), kind="reference", title=f"untouched base: {percent(value)}")


def _bar(scale: svg.Axis, edge: svg.Span, kind: str, *, title: str, pitch: float = _BAR) -> str:
    end, top = edge
    return svg.bar((scale.at(0), end), (top, pitch - 3), kind=f"bar {kind}", title=title)
