"""The report for people: one HTML file that loads nothing, runs nothing and can be sent to anybody."""

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from subtrait.records import ArmRecord, Estimate, ExperimentResult
from subtrait.report import figures, summaries, svg, wording

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

MAX_ROWS = 6
"""Rows shown of each kind, kept and rejected."""
MAX_CHARACTERS = 400
"""Characters shown of each prompt and completion."""
_MAX_LIST = 100
"""Entries shown of any list whose length is not ours to set: a hostile file must not grow the page without bound."""
_MAX_STUDENTS = 1000
_MAX_TEXT = 2000


def to_html(result: ExperimentResult, *, command: str | None = None) -> str:
    """The report of `result` as one self-contained HTML page without scripts. Equal inputs give equal bytes.

    `command` is the command line that repeats the run. Text from the records is escaped for HTML, and what cannot be
    seen in it (control characters, bidirectional overrides, tag characters) is shown as an escape.
    """
    template = _environment().get_template("report.html.jinja")
    return template.render(result=result, command=command, settings=_settings(result), **_story(result))


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("subtrait.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_fit_to_show,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=wording.percent,
        points=lambda value: _typeset(wording.points(value)),
        bounds=wording.bounds,
        change=lambda estimate: _typeset(wording.bounds(estimate, difference=True)).removesuffix(" points"),
        capitalised=lambda text: text[:1].upper() + text[1:],
        interval=wording.interval,
        interval_key=_interval_key,
        p_value=wording.p_value,
        relabellings=lambda test: _typeset(wording.relabellings(test)),
        count=wording.counted_as,
        conditions=figures.by_condition,
        exhibit=_exhibit,
        inline=wording.one_line,
    )
    environment.globals.update(sign=_drawn(figures.sign), question_row=_drawn(figures.question_row))
    return environment


def _story(result: ExperimentResult) -> dict[str, Any]:
    """Everything the page needs and the records do not hold."""
    totals = summaries.filtered(result.datasets)
    treated, untreated, base = summaries.compared(result)
    questions = summaries.questions(result)[:_MAX_LIST]
    return {
        "treated": treated,
        "untreated": untreated,
        "base": base,
        "limits": wording.limits(result),
        "pairs": summaries.row_pairs(result.datasets, limit=MAX_ROWS),
        "rejected": summaries.rejected_rows(result.datasets, limit=MAX_ROWS),
        "totals": totals,
        "trait_words": sum(total.trait_words for total in totals),
        "answers": summaries.answers(result)[:_MAX_LIST],
        "questions": questions,
        "exact_questions": summaries.questions(result, exact=True)[:_MAX_LIST],
        "question_scale": figures.question_scale(questions),
        "students": _students([*result.untouched, *result.arms]),
        "fingerprints": list(result.fingerprints.items())[:_MAX_LIST],
        "figures": _figures(result, totals),
        "max_list": _MAX_LIST,
    }


def _settings(result: ExperimentResult) -> list[tuple[str, object]]:
    return [
        ("experiment", result.experiment),
        ("trait", f"{result.trait} ({result.category})"),
        ("base", result.base),
        ("other base", result.other_base or "none"),
        ("teacher", result.teacher),
        ("carrier", result.carrier),
        ("size", result.size),
        ("seed", result.seed),
        ("subtrait", result.version),
        ("schema version", result.schema_version),
    ]


def _figures(result: ExperimentResult, totals: Sequence[summaries.Filtered]) -> dict[str, Any]:
    """Every figure that the result has data for, by name; markup that the template may print as it is."""
    from markupsafe import Markup

    answers = summaries.answers(result)[:_MAX_LIST]
    drawn = {
        "hatching": svg.hatching(),
        "teachers": figures.teachers_against_base(result) if result.teachers else "",
        "arms": figures.students_by_arm(result) if result.arms else "",
        "differences": figures.differences(result.comparisons[:_MAX_LIST]) if result.comparisons else "",
        "reasons": figures.rejections_by_reason(totals) if summaries.reasons(totals) else "",
        "answers": figures.answer_distribution(answers) if answers else "",
        "question_ticks": figures.question_ticks(figures.question_scale(summaries.questions(result)[:_MAX_LIST])),
    }
    return {name: Markup(markup) for name, markup in drawn.items()}  # noqa: S704 - built by figures, which escapes


def _students(records: Sequence[ArmRecord]) -> list[Any]:
    return [student for record in records for student in record.students][:_MAX_STUDENTS]


def _drawn(figure: Any) -> Any:
    from markupsafe import Markup

    return lambda *arguments: Markup(figure(*arguments))  # noqa: S704 - built by figures, which escapes


def _interval_key(estimate: Estimate) -> str:
    given = estimate.low is not None
    return f"mean with {wording.level(estimate.level)} interval" if given else f"mean, {wording.bounds(estimate)}"


def _exhibit(text: str) -> "Markup":
    from markupsafe import escape

    return escape(wording.exhibit(text, limit=MAX_CHARACTERS))


def _fit_to_show(value: object) -> object:
    """Applied to everything the template prints, before it is escaped; markup is escaped already."""
    from markupsafe import Markup

    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    # A per cent sign must not open a line of its own.
    return re.sub(r"(?<=[0-9]) (?=%)", "\N{NO-BREAK SPACE}", wording.exhibit(value, limit=_MAX_TEXT))


def _typeset(text: str) -> str:
    """A true minus sign before numbers, where the page's own fonts are sure to have it."""
    return text.replace("-", "\N{MINUS SIGN}")
