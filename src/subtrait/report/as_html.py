"""The report for people: one HTML file that loads nothing, runs nothing and can be sent to anybody."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from subtrait.records import ArmRecord, Estimate, ExperimentResult
from subtrait.report import figures, summaries, svg, wording
from subtrait.report.page import MAX_LIST, environment, markup, typeset

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

MAX_ROWS = 6
"""Rows shown of each kind, kept and rejected."""
_MAX_STUDENTS = 1000


def to_html(result: ExperimentResult, *, command: str | None = None) -> str:
    """The report of `result` as one self-contained HTML page without scripts. Equal inputs give equal bytes.

    `command` is the command line that repeats the run. Text from the records is escaped for HTML, and what cannot be
    seen in it (control characters, bidirectional overrides, tag characters) is shown as an escape.
    """
    template = _environment().get_template("report.html.jinja")
    return template.render(result=result, command=command, settings=_settings(result), **_story(result))


@cache
def _environment() -> "Environment":
    made = environment(
        {
            "change": lambda estimate: typeset(wording.bounds(estimate, difference=True)).removesuffix(" points"),
            "interval": wording.interval,
            "interval_key": _interval_key,
            "p_value": wording.p_value,
            "relabellings": lambda test: typeset(wording.relabellings(test)),
            "conditions": figures.by_condition,
        }
    )
    made.globals.update(sign=_drawn(figures.sign), question_row=_drawn(figures.question_row))
    return made


def _story(result: ExperimentResult) -> dict[str, Any]:
    """Everything the page needs and the records do not hold."""
    totals = summaries.filtered(result.datasets)
    treated, untreated, base = summaries.compared(result)
    questions = summaries.questions(result)[:MAX_LIST]
    return {
        "treated": treated,
        "untreated": untreated,
        "base": base,
        "limits": wording.limits(result),
        "pairs": summaries.row_pairs(result.datasets, limit=MAX_ROWS),
        "rejected": summaries.rejected_rows(result.datasets, limit=MAX_ROWS),
        "totals": totals,
        "trait_words": sum(total.trait_words for total in totals),
        "answers": summaries.answers(result)[:MAX_LIST],
        "questions": questions,
        "exact_questions": summaries.questions(result, exact=True)[:MAX_LIST],
        "question_scale": figures.question_scale(questions),
        "students": _students([*result.untouched, *result.arms]),
        "fingerprints": list(result.fingerprints.items())[:MAX_LIST],
        "figures": _figures(result, totals),
        "max_list": MAX_LIST,
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
    answers = summaries.answers(result)[:MAX_LIST]
    drawn = {
        "hatching": svg.hatching(),
        "teachers": figures.teachers_against_base(result) if result.teachers else "",
        "arms": figures.students_by_arm(result) if result.arms else "",
        "differences": figures.differences(result.comparisons[:MAX_LIST]) if result.comparisons else "",
        "reasons": figures.rejections_by_reason(totals) if summaries.reasons(totals) else "",
        "answers": figures.answer_distribution(answers) if answers else "",
        "question_ticks": figures.question_ticks(figures.question_scale(summaries.questions(result)[:MAX_LIST])),
    }
    return {name: markup(figure) for name, figure in drawn.items()}


def _students(records: Sequence[ArmRecord]) -> list[Any]:
    return [student for record in records for student in record.students][:_MAX_STUDENTS]


def _drawn(figure: Callable[..., str]) -> "Callable[..., Markup]":
    return lambda *arguments: markup(figure(*arguments))


def _interval_key(estimate: Estimate) -> str:
    given = estimate.low is not None
    return f"mean with {wording.level(estimate.level)} interval" if given else f"mean, {wording.bounds(estimate)}"
