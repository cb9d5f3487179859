"""The report of a study for people: one HTML file that loads nothing, runs nothing and can be sent to anybody."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from subtrait.report import study_figures as figures
from subtrait.report import study_summaries as summaries
from subtrait.report import study_wording as wording
from subtrait.report.page import MAX_LIST, environment, markup, typeset
from subtrait.study_records import Agreement, Curve, Measure, Scale, StudyResult

if TYPE_CHECKING:
    from jinja2 import Environment

MAX_CURVES = 40
"""Curves on a page: each is drawn and listed with its points."""


def to_html(result: StudyResult, *, command: str | None = None) -> str:
    """The report of `result` as one self-contained HTML page without scripts. Equal inputs give equal bytes.

    `command` is the command line that repeats the study. Text from the records is escaped for HTML, and what cannot be
    seen in it (control characters, bidirectional overrides, tag characters) is shown as an escape.
    """
    template = study_templates().get_template("study.html.jinja")
    return template.render(result=result, command=command, **_story(result))


@cache
def study_templates() -> "Environment":
    """The templates with the filters that a study's page and the page of several studies use."""
    made = environment(
        {
            "number": _typeset(wording.number),
            "ends": _typeset(wording.ends),
            "measured": _typeset(wording.measured),
            "rests_on": wording.rests_on,
            "agreement": wording.agreement,
            "published": wording.published,
            "expectation": lambda measure: typeset(wording.expectation(measure)),
            "setting": lambda x: typeset(wording.setting(x)),
        }
    )
    made.globals.update(sign=lambda shape, kind: markup(figures.sign(shape, kind)), max_list=MAX_LIST)
    return made


def _typeset(worded: Any) -> Any:
    return lambda value, scale: typeset(worded(value, scale))


def _story(result: StudyResult) -> dict[str, Any]:
    """Everything the page needs and the records do not hold."""
    tally = summaries.tally(summaries.compared(result))
    return {
        "headline": wording.headline(result),
        "tiles": _tiles(tally),
        "counted": wording.counted(tally),
        "groups": [_group(*named) for named in summaries.by_group(result.measures[:MAX_LIST])],
        "figures": [_figure(*named) for named in summaries.by_figure(result.curves[:MAX_CURVES])],
        "left_out": _left_out(result),
        "settings": [*summaries.settings(result), *list(result.settings.items())[:MAX_LIST]],
        "fingerprints": list(result.fingerprints.items())[:MAX_LIST],
    }


def _tiles(tally: dict[Agreement, int]) -> list[tuple[str, str, bool]]:
    """The numbers that a reader needs first: value, meaning, and whether it is the emphasised one."""
    total, differs, not_shown = sum(tally.values()), tally["differs"], tally["not shown"]
    tiles = [
        (f"{tally['agrees']:,} of {total:,}", "measures agree with what was published", True),
        (f"{differs:,}", f"{'differs' if differs == 1 else 'differ'} from it", False),
        (f"{not_shown:,}", f"{'is' if not_shown == 1 else 'are'} {wording.NOT_SHOWN}", False),
    ]
    if rests := tally["not applicable"]:
        tiles.append((f"{rests:,}", f"{'is' if rests == 1 else 'are'} {wording.NOT_APPLICABLE}", False))
    return tiles if total else []


def _group(name: str, measures: Sequence[Measure]) -> dict[str, Any]:
    """The measures of a group, in the parts that share an axis, each measure with its strip."""
    parts = []
    for part in summaries.by_scale(measures):
        axis = figures.forest_ruler(part)
        rows = [(measure, markup(figures.forest_row(measure, axis))) for measure in part]
        units = ["percentage points"] if part[0].scale == "points" else []
        unit = ", ".join([*units, *(["logarithmic"] if axis.logarithmic else [])])
        parts.append({"rows": rows, "ticks": markup(figures.forest_ticks(axis)), "unit": unit})
    bounded = any(measure.bound is not None for measure in measures)
    return {"name": name, "measures": measures, "parts": parts, "bounded": bounded}


def _figure(name: str, curves: Sequence[Curve]) -> dict[str, Any]:
    """The curves of a figure with their marks, their plot and the names of its axes."""
    first, (across, up) = curves[0], figures.is_logarithmic(curves)
    return {
        "name": name,
        "signs": list(zip(figures.MARKS, curves, strict=False)),
        "plot": markup(figures.plot(curves)),
        "heights": markup(figures.plot_heights(curves)),
        "x_label": _axis(first.x_label, "plain", across),
        "y_label": _axis(first.y_label, first.scale, up),
        "curves": [(curve, curve.points[:MAX_LIST]) for curve in curves],
        "rest_on": wording.rest_on([point.y for curve in curves for point in curve.points[:MAX_LIST]]),
        "undrawn": max(len(curves) - len(figures.MARKS), 0),
    }


def _axis(label: str, scale: Scale, logarithmic: bool) -> str:
    return f"{wording.axis(label, scale)}{' (logarithmic)' if logarithmic else ''}"


def _left_out(result: StudyResult) -> list[str]:
    """What is in the JSON only, where a list is longer than a page can hold."""
    points = sum(max(len(curve.points) - MAX_LIST, 0) for curve in result.curves[:MAX_CURVES])
    counts = {
        "measures": len(result.measures) - MAX_LIST,
        "curves": len(result.curves) - MAX_CURVES,
        "points": points,
        "settings": len(result.settings) - MAX_LIST,
    }
    return [f"{count:,} more {noun} are in the JSON." for noun, count in counts.items() if count > 0]
