"""The report of a study for a terminal: rich renderables that read the same without colour and at 80 columns."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from subtrait.records import Estimate
from subtrait.report import study_summaries as summaries
from subtrait.report import study_wording as wording
from subtrait.report.terminal import MAX_TEXT, indented, listed, plain, ruled_table, titled
from subtrait.report.wording import capitalised, one_line
from subtrait.study_records import Agreement, Curve, Measure, Scale, StudyResult

if TYPE_CHECKING:
    from rich.console import RenderableType

MANY = 30
"""Entries shown of any list whose length is not ours to set; the JSON has all."""
_NAME, _BOUNDS = 120, 4
_BESIDE = 2
"""Curves that fit beside each other in 80 columns."""


def summary(result: StudyResult, *, command: str | None = None) -> list["RenderableType"]:
    """What was found, to be printed one after another on a rich console.

    `command` is the command line that repeats the study. Text from the records is shown as it is, never as markup, with
    all that cannot be seen as escapes.
    """
    parts = [_headline(result), listed("What was asked", [result.question, result.design])]
    parts.append(listed("What was published", [result.published, wording.counted(_tally(result))]))
    groups = [(name, part) for name, group in summaries.by_group(result.measures) for part in summaries.by_scale(group)]
    parts += [_group(name, measures) for name, measures in groups[:MANY]]
    figures = summaries.by_figure(result.curves)
    parts += [_figure(name, curves) for name, curves in figures[:MANY]]
    if left := max(len(groups) - MANY, 0) + max(len(figures) - MANY, 0):
        parts.append(indented(f"{left:,} more tables are in the JSON"))
    if result.varied:
        parts.append(listed("What was tried besides", some(result.varied)))
    if result.notes:
        parts.append(listed("Notes on this study", some(result.notes)))
    parts.append(listed("Repeat it", _repetition(result, command)))
    return parts


def some(sentences: Iterable[str]) -> list[str]:
    """The first of many sentences, and how many more there are."""
    every = list(sentences)
    more = len(every) - MANY
    return [*every[:MANY], f"and {more:,} more, in the JSON"] if more > 0 else every


def _headline(result: StudyResult) -> "RenderableType":
    text = plain(wording.headline(result), limit=MAX_TEXT)
    text.stylize("bold")
    for sentence in some(result.conclusion[1:]):
        text.append("\n").append_text(plain(sentence, limit=MAX_TEXT))
    return text


def _tally(result: StudyResult) -> dict[Agreement, int]:
    return summaries.tally(summaries.compared(result))


def _group(name: str, measures: Sequence[Measure]) -> "RenderableType":
    """The measures of a group that share a scale."""
    shown, against = measures[:MANY], any(map(_is_compared, measures))
    table = ruled_table("measure", "ours", "interval", *(["published", "agreement"] if against else []), width=16)
    for each in shown:
        table.add_row(_named(each), *_ours(each.value, each.scale), *(_against(each) if against else []))
    if against:
        table.columns[-1].no_wrap = True
    notes = [*_meanings(shown), *_left_out(measures, "measures")]
    return titled(_title(name, measures[0].scale), [table, indented(" ".join(notes))])


def _title(name: str, scale: Scale) -> str:
    return f"{one_line(name, limit=_NAME)}{', in percentage points' if scale == 'points' else ''}"


def _ours(value: Estimate, scale: Scale) -> list["RenderableType"]:
    said = (wording.number(value.value, scale), wording.ends(value, scale))
    return [plain(wording.bare(each)) for each in said]


def _is_compared(measure: Measure) -> bool:
    return bool(wording.published(measure)) or measure.agreement != "not compared"


def _named(measure: Measure) -> "RenderableType":
    return plain(f"{measure.name[:_NAME]}{' *' if measure.must_hold else ''}", limit=_NAME + 2)


def _against(measure: Measure) -> list["RenderableType"]:
    return [plain(wording.published(measure) or "nothing", limit=_NAME), plain(measure.agreement)]


def _meanings(measures: Sequence[Measure]) -> list[str]:
    """What the table's numbers rest on, and what its signs and words mean."""
    bounds = dict.fromkeys(wording.expectation(each) for each in measures if each.bound is not None)
    return [
        wording.rest_on([each.value for each in measures]),
        *(["* must hold: the study fails without it."] if any(each.must_hold for each in measures) else []),
        *(f"Expected {expected}." for expected in list(bounds)[:_BOUNDS]),
        *wording.unshown(measures),
    ]


def _left_out(every: Sequence[object], noun: str) -> list[str]:
    return [f"{len(every) - MANY:,} more {noun} are in the JSON."] if len(every) > MANY else []


def _figure(name: str, curves: Sequence[Curve]) -> "RenderableType":
    """The curves of a figure, a few beside each other: one row for each setting."""
    first, shown = curves[0], curves[:MANY]
    tables = [_beside(shown[start : start + _BESIDE]) for start in range(0, len(shown), _BESIDE)]
    axes = f"{capitalised(wording.axis(first.y_label, first.scale))}, by {first.x_label}."
    values = [point.y for curve in shown for point in curve.points[:MANY]]
    points = sum(len(curve.points) for curve in curves) - len(values)
    notes = [axes, wording.rest_on(values), *([f"{points:,} more points are in the JSON."] if points else [])]
    return titled(_title(name, first.scale), [*tables, indented(" ".join(notes))])


def _beside(curves: Sequence[Curve]) -> "RenderableType":
    table = ruled_table(one_line(curves[0].x_label), *(one_line(curve.name) for curve in curves), width=12)
    for column in table.columns[1:]:
        column.no_wrap, column.justify, column.overflow = False, "left", "fold"
    points = [{point.x: point.y for point in curve.points[:MANY]} for curve in curves]
    for x in sorted({x for each in points for x in each}):
        cells = (wording.measured(each[x], curves[0].scale, short=True) if x in each else "" for each in points)
        table.add_row(wording.setting(x), *map(plain, cells))
    return table


def _repetition(result: StudyResult, command: str | None) -> list[str]:
    own = [f"{name}: {value}" for name, value in summaries.settings(result)]
    chosen = some(f"{name}: {value}" for name, value in result.settings.items())
    digests = some(f"fingerprint of {name}: {digest}" for name, digest in result.fingerprints.items())
    return [*([command] if command else []), *own, *chosen, *digests]
