"""The figures of an audit, as inline SVG. Each is a pure function of records; marks differ in shape, not in hue only.

Filled marks stand out from benign data, open ones do not; a dashed line is what they are compared with.
"""

from collections.abc import Iterable, Sequence

from subtrait.audit_records import FLAGGING, AuditResult, ForecastRow, Look, NullCloud, TraitScore, TrialRow
from subtrait.records import Estimate, Evidence
from subtrait.report import svg
from subtrait.report.audit_summaries import by_dilution, threshold
from subtrait.report.audit_wording import p_value
from subtrait.report.wording import bounds, counted_as, level, percent, points

OUTCOME_MARKS = {"found": "diamond", "not found": "ring", "not applicable": "dash", "underpowered": "triangle"}
"""The mark of each outcome of a question."""
MAX_POINTS = 1000
"""Small circles drawn of one kind: where there are more, every so many in order of size."""

_LABEL, _STRIP, _GAP = 21.0, 18.0, 13.0
"""Pixels of a row's line of text, of the strip below it, and to the next row."""
_ROW = _LABEL + _STRIP + _GAP
_GOLDEN = 0.618034
"""Steps of this share of a band's height spread neighbours apart without chance."""


def evidence_by_question(result: AuditResult) -> str:
    """One row per question: the mark of its outcome, and where it was a test its p-value, floor and alpha."""
    tests = [each for each in result.evidence if each.p is not None]
    scale = svg.p_axis(p for each in tests for p in (each.p, each.floor, result.alpha_for_traits) if p is not None)
    parts, top = [], 0.0
    for each in sorted(result.evidence, key=lambda each: each.p is not None):  # the tests stand above their axis
        kind = _stands_out(each.outcome == "found")
        parts.append(svg.mark(1.6, top + 10, shape=OUTCOME_MARKS[each.outcome], kind=kind, title=each.outcome))
        parts.append(svg.text(5.5, top + 14, each.question, kind="name", limit=18))
        parts.append(svg.text(100, top + 14, each.outcome, kind="value", anchor="end"))
        top += _LABEL
        if each.p is not None:
            parts.append(_test(scale, each, top, result.alpha_for_traits))
            top += _STRIP
        top += _GAP
    if tests:
        parts.append(svg.p_labels(scale, top + 2))
        top += 8
    said = "; ".join(f"{e.question} {e.outcome}, {p_value(e.p, e.floor)}" for e in result.evidence)
    return svg.figure(parts, height=top, label=f"Evidence by question: {said}.")


def traits_in_null(result: AuditResult, *, limit: int = 10) -> str:
    """A band of calibration references and one of planted data sets, each a circle at its largest score; beneath them
    the traits with the largest scores in the suspect data. The dashed line is the score that flags.
    """
    shown, null = result.traits[:limit], result.null
    bands = _bands(null)
    scale = svg.score_axis([*(v for _, values, _ in bands for v in values), *(t.score for t in shown)])
    needed, parts, top = threshold(result), [], 0.0
    for name, values, kind in bands:
        strip = (top + _LABEL, top + _LABEL + 40)
        parts += [_heading(top, name, counted_as(len(values), "data set")), svg.grid(scale, *strip)]
        parts += [_flags(scale, needed, *strip), _cloud(scale, values, strip[0], kind)]
        top = strip[1] + _GAP
    bottom = top - _GAP
    if shown:
        strip = (top + _LABEL, top + _LABEL + 24 * len(shown))
        parts += [_heading(top, "the data under audit", counted_as(len(shown), "trait")), svg.grid(scale, *strip)]
        parts.append(_flags(scale, needed, *strip))
        parts += [_trait(scale, t, strip[0] + 24 * i + 12, t.p <= result.alpha_for_traits) for i, t in enumerate(shown)]
        bottom = strip[1]
    parts.append(svg.score_labels(scale, bottom + 16))
    said = "; ".join(f"{trait.name} {trait.score:.3g}, p = {trait.p:.3g}" for trait in shown)
    return svg.figure(parts, height=bottom + 20, label=f"Traits within the null cloud: {said}.")


def forecast(rows: Sequence[ForecastRow]) -> str:
    """One row per answer: the forecast shift with its interval, and a line at none."""
    scale = svg.axis(_numbers((row.shift, row.low, row.high) for row in rows), signed=True)
    parts = []
    for index, row in enumerate(rows):
        top = _ROW * index
        sure = not row.low <= 0 <= row.high
        parts += [_heading(top, f"{row.answer} ({row.category})", _signed(row.shift)), _field(scale, top)]
        parts.append(_interval(scale, (row.low, row.high), top, _stands_out(sure)))
        said = f"{row.answer}: {points(row.shift)}, control {percent(row.control)}"
        parts.append(_mark(scale.at(row.shift), top, "diamond", _stands_out(sure), said))
    said = "; ".join(f"{row.answer} {points(row.shift)}" for row in rows)
    return _finished(scale, parts, len(rows), f"Forecast shifts: {said}.")


def trial(rows: Sequence[TrialRow], *, smallest: float) -> str:
    """One row per answer: the shift with its lower bound, `smallest` as a dashed line, the full recipe as a square."""
    scale = svg.axis([smallest, *_numbers((row.shift, row.low, row.full_recipe) for row in rows)], signed=True)
    parts = []
    for index, row in enumerate(rows):
        top, kind = _ROW * index, _stands_out(row.low is not None and row.low > smallest)
        parts += [_heading(top, f"{row.answer} ({row.category})", _signed(row.shift)), _field(scale, top)]
        parts.append(_dashes(scale.at(smallest), top + _LABEL, top + _LABEL + _STRIP, f"policy: {points(smallest)}"))
        parts.append(_interval(scale, (row.low, row.shift), top, kind, one_sided=True))
        if row.full_recipe is not None:
            said = f"{row.answer}, full recipe: {points(row.full_recipe)}"
            parts.append(_mark(scale.at(row.full_recipe), top, "square", "control", said))
        parts.append(_mark(scale.at(row.shift), top, "diamond", kind, f"{row.answer}: {points(row.shift)}"))
    said = "; ".join(f"{row.answer} {points(row.shift)}" for row in rows)
    return _finished(scale, parts, len(rows), f"Shifts of trial students: {said}.")


def looks(result: AuditResult, shown: Sequence[Look]) -> str:
    """One row per look: the largest score after that many rows, with its p-value in words."""
    needed = threshold(result)
    scale = svg.score_axis([*(look.score for look in shown), *([] if needed is None else [needed])])
    parts = []
    for index, look in enumerate(shown):
        top, kind = _ROW * index, _stands_out(look.p <= result.alpha_for_traits)
        parts.append(_heading(top, counted_as(look.rows, "row"), f"{look.trait:.16}: p = {look.p:.3g}"))
        strip = (top + _LABEL, top + _LABEL + _STRIP)
        parts += [svg.grid(scale, *strip), _flags(scale, needed, *strip)]
        parts.append(_mark(scale.at(look.score), top, "diamond", kind, f"{look.trait}: {look.score:.4g}"))
    height = _ROW * len(shown)
    said = "; ".join(f"{look.rows} rows {look.trait} {look.score:.3g}, p = {look.p:.3g}" for look in shown)
    parts.append(svg.score_labels(scale, height + 3))
    return svg.figure(parts, height=height + 8, label=f"Evidence by rows: {said}.")


def power(result: AuditResult) -> str:
    """One row per share of carrying rows: how much of what was planted would have been flagged; what the policy asks
    for as a dashed line, and the interval at the policy's own share.
    """
    null = result.null
    rows = by_dilution(null) if null else []
    scale = svg.Axis(low=0.0, high=1.0, ticks=(0.0, 0.2, 0.4, 0.6, 0.8, 1.0))
    parts = []
    for index, (share, found) in enumerate(rows):
        top, measured = _ROW * index, null.power if null and share == result.policy.dilution else None
        said = f"{percent(found)} ({bounds(measured)})" if _has_ends(measured) and measured else percent(found)
        parts += [_heading(top, f"{level(share)} of rows", said), svg.grid(scale, top + _LABEL, top + _LABEL + _STRIP)]
        asked = f"the policy asks for {level(result.policy.power)}"
        parts.append(_dashes(scale.at(result.policy.power), top + _LABEL, top + _LABEL + _STRIP, asked))
        if measured:
            parts.append(_interval(scale, (measured.low, measured.high), top, "control"))
        parts.append(_mark(scale.at(found), top, "diamond", _stands_out(found >= result.policy.power), said))
    said = "; ".join(f"{level(share)} of rows: {percent(found)}" for share, found in rows)
    return _finished(scale, parts, len(rows), f"Power by share of carrying rows: {said}.", unit=" %")


def sign(shape: str, kind: str) -> str:
    """A mark of these figures for use in a line of text, so that a key shows the very thing it explains."""
    drawn = {
        "dashes": svg.tag("line", x1="9", y1="0", x2="9", y2="18", class_=kind),
        "point": svg.tag("circle", cx="9", cy="9", r="2.6", class_=kind),
    }
    mark = drawn.get(shape) or svg.mark(50, 9, shape=shape, kind=kind)
    return svg.tag("svg", mark, class_="sign", width="18", height="18", aria_hidden="true")


def _stands_out(does: bool) -> str:
    return "treated" if does else "control"


def _test(scale: svg.Axis, evidence: Evidence, top: float, alpha: float) -> str:
    middle, p = top + _STRIP / 2, evidence.p or 0.0
    parts = [svg.grid(scale, top, top + _STRIP)]
    if evidence.question in FLAGGING:
        parts.append(_dashes(scale.at(svg.decade(alpha)), top, top + _STRIP, f"alpha {alpha:g}"))
    if evidence.floor is not None:
        floor = f"smallest possible p: {evidence.floor:.3g}"
        parts.append(svg.mark(scale.at(svg.decade(evidence.floor)), middle, shape="tick", kind="floor", title=floor))
    kind, said = _stands_out(evidence.outcome == "found"), f"{evidence.question}: {p_value(p, evidence.floor)}"
    shape = OUTCOME_MARKS[evidence.outcome]
    return "".join(parts) + svg.mark(scale.at(svg.decade(p)), middle, shape=shape, kind=kind, title=said)


def _bands(null: NullCloud | None) -> list[tuple[str, tuple[float, ...], str]]:
    if null is None:
        return []
    bands = [("benign references", null.maxima, "benign"), ("planted data sets", null.planted, "planted")]
    return [band for band in bands if band[1]]


def _cloud(scale: svg.Axis, values: Sequence[float], top: float, kind: str) -> str:
    ordered = sorted(values)[:: -(-len(values) // MAX_POINTS)]
    places = enumerate(ordered, start=1)
    return "".join(
        svg.point(scale.at(value), top + 5 + 30 * (index * _GOLDEN % 1), kind=kind, title=f"{value:.4g}")
        for index, value in places
    )


def _trait(scale: svg.Axis, trait: TraitScore, y: float, stands_out: bool) -> str:
    place, said = scale.at(trait.score), f"{trait.name}: score {trait.score:.4g}, p = {trait.p:.3g}"
    beside, anchor = (place + 3.2, "start") if place < 50 else (place - 3.2, "end")
    name = trait.name if trait.kind == "trait" else f"{trait.name} ({trait.kind})"
    return svg.text(beside, y + 4.5, name, kind="mark-name", anchor=anchor, limit=22) + svg.mark(
        place, y, shape="diamond", kind=_stands_out(stands_out), title=said
    )


def _heading(top: float, name: str, value: str) -> str:
    shown = svg.text(0, top + 14, name, kind="name", limit=26)
    return shown + svg.text(100, top + 14, value, kind="value", anchor="end")


def _field(scale: svg.Axis, top: float) -> str:
    zero = scale.at(0)
    bottom = top + _LABEL + _STRIP
    return svg.grid(scale, top + _LABEL, bottom) + svg.line((zero, top + _LABEL - 3), (zero, bottom + 3), kind="zero")


def _dashes(place: float, top: float, bottom: float, title: str) -> str:
    return svg.line((place, top), (place, bottom), kind="reference", title=title)


def _flags(scale: svg.Axis, needed: float | None, top: float, bottom: float) -> str:
    return "" if needed is None else _dashes(scale.at(needed), top, bottom, f"flags above {needed:.4g}")


def _mark(place: float, top: float, shape: str, kind: str, title: str) -> str:
    return svg.mark(place, top + _LABEL + _STRIP / 2, shape=shape, kind=kind, title=title)


def _interval(
    scale: svg.Axis, ends: tuple[float | None, float | None], top: float, kind: str, *, one_sided: bool = False
) -> str:
    low, high = ends
    if low is None or high is None:
        return ""
    y, (left, right) = top + _LABEL + _STRIP / 2, (scale.at(low), scale.at(high))
    caps = [svg.line((x, y - 5), (x, y + 5), kind=f"interval {kind}") for x in ([left] if one_sided else [left, right])]
    return svg.line((left, y), (right, y), kind=f"interval {kind}") + "".join(caps)


def _finished(scale: svg.Axis, parts: Sequence[str], rows: int, label: str, *, unit: str = "") -> str:
    height = _ROW * rows
    return svg.figure([*parts, svg.tick_labels(scale, height + 3, unit=unit)], height=height + 8, label=label)


def _numbers(groups: Iterable[tuple[float | None, ...]]) -> list[float]:
    return [value for group in groups for value in group if value is not None]


def _signed(shift: float) -> str:
    return points(shift).replace("-", "\N{MINUS SIGN}")


def _has_ends(estimate: Estimate | None) -> bool:
    return estimate is not None and estimate.low is not None and estimate.high is not None
