"""Several studies side by side, as a page, for a terminal and in Markdown: what was published and what came of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from subtrait.report import markdown
from subtrait.report import study_summaries as summaries
from subtrait.report import study_wording as wording
from subtrait.report.study_html import study_templates
from subtrait.report.terminal import MAX_TEXT, indented, listed, plain, ruled_table, titled
from subtrait.report.wording import counted_as, one_line
from subtrait.study_records import Measure, StudyResult

if TYPE_CHECKING:
    from rich.console import RenderableType

MAX_STUDIES = 100
MAX_ROWS = 500
"""Measures shown; the JSON of each study has all."""
_NAME = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measure of one study that is set beside what was published."""

    place: int
    """Of its study, from 1: names may be equal."""
    experiment: str
    measure: Measure
    first: bool
    """Whether it is the first of its study."""
    opens: bool
    """Whether it is the first of its group in that study."""


def rows(results: Sequence[StudyResult]) -> list[Row]:
    """Every measure that must hold or has a published sign, in the order of the studies."""
    return list(_rows(results))


def counted(results: Sequence[StudyResult]) -> str:
    """How many studies and measures there are, and how these stand to what was published."""
    tally = summaries.tally(row.measure for row in rows(results))
    named = "1 study" if len(results) == 1 else f"{len(results):,} studies"
    return f"{named}. {wording.counted(tally)}"


def collection_html(results: Sequence[StudyResult], *, title: str, command: str | None = None) -> str:
    """One self-contained HTML page of all studies without scripts. Equal inputs give equal bytes.

    `command` is the command line that repeats them. Text from the records is escaped as on the page of one study.
    """
    template = study_templates().get_template("studies.html.jinja")
    return template.render(title=title, command=command, **_story(results))


def collection_text(results: Sequence[StudyResult]) -> list["RenderableType"]:
    """The same for a terminal, to be printed one after another on a rich console of 80 columns or more."""
    shown = rows(results)[:MAX_ROWS]
    head = plain(counted(results), limit=MAX_TEXT)
    head.stylize("bold")
    parts: list[RenderableType] = [head]
    if shown:
        parts.append(titled("Published and measured", [_table(shown), indented(" ".join(_meanings(results, shown)))]))
    said = [f"{each.experiment}: {wording.headline(each)}" for each in results[:MAX_STUDIES]]
    parts.append(listed("What each study found", said))
    return parts


def collection_markdown(
    results: Sequence[StudyResult], *, command: str, title: str = "Published findings and ours"
) -> str:
    """The same as a Markdown document, for a page of documentation. Text from the records stays text."""
    header = ("experiment", "measure", "published", "ours", "agreement")
    shown = rows(results)[:MAX_ROWS]
    lines = [f"# {markdown.inline(title)}", "", *_code(command), "", markdown.paragraph(counted(results)), ""]
    lines += [*markdown.table(header, [_cells(row) for row in shown]), "", *_meanings(results, shown), ""]
    for result in results[:MAX_STUDIES]:
        lines += [f"## {markdown.inline(result.experiment, limit=_NAME)}", "", *_told(result), ""]
    return "\n".join(lines[:-1]) + "\n"


def _rows(results: Sequence[StudyResult]) -> Iterator[Row]:
    for place, result in enumerate(results, start=1):
        group = None
        for measure in summaries.compared(result):
            first, opens = group is None, measure.group != group
            yield Row(place=place, experiment=result.experiment, measure=measure, first=first, opens=opens)
            group = measure.group


def _story(results: Sequence[StudyResult]) -> dict[str, Any]:
    every = rows(results)
    tally = summaries.tally(row.measure for row in every)
    names = {"agrees": "agree", "differs": "differ"}
    return {
        "counted": counted(results),
        "tiles": [
            (count, names.get(kind, kind), kind == "agrees")
            for kind, count in tally.items()
            if count or kind != "not applicable"
        ],
        "rows": every[:MAX_ROWS],
        "more": max(len(every) - MAX_ROWS, 0),
        "studies": [(place, each, wording.headline(each)) for place, each in enumerate(results[:MAX_STUDIES], start=1)],
        "unseen": max(len(results) - MAX_STUDIES, 0),
    }


def _table(shown: Sequence[Row]) -> "RenderableType":
    table = ruled_table("experiment", "measure", "published", "ours", "agreement", width=10)
    table.columns[1].justify, table.columns[1].no_wrap = "left", False
    table.columns[-1].no_wrap = True
    for row in shown:
        name, _, published, _, agreement = (plain(cell, limit=_NAME) for cell in _cells(row))
        if row.opens:
            table.add_row(name if row.first else "", plain(f"{row.measure.group[:_NAME]}:"))
        table.add_row("", plain(_named(row.measure), limit=2 * _NAME), published, _ours(row.measure), agreement)
    return table


def _ours(measure: Measure) -> "RenderableType":
    """The value with its interval beneath it: side by side they would leave the words too little room."""
    value, ends = wording.number(measure.value.value, measure.scale), wording.ends(measure.value, measure.scale)
    return plain(value).append("\n").append_text(plain(wording.bare(ends)))


def _cells(row: Row) -> tuple[str, str, str, str, str]:
    measure = row.measure
    ours = wording.measured(measure.value, measure.scale)
    named = f"{measure.group[:_NAME]}: {_named(measure)}"
    return row.experiment[:_NAME], named, wording.published(measure) or "nothing", ours, measure.agreement


def _named(measure: Measure) -> str:
    return f"{measure.name[:_NAME]}{' (must hold)' if measure.must_hold else ''}"


def _meanings(results: Sequence[StudyResult], shown: Sequence[Row]) -> list[str]:
    more = len(rows(results)) - len(shown)
    return [
        wording.rest_on([row.measure.value for row in shown]),
        *wording.unshown(row.measure for row in shown),
        *([f"{counted_as(more, 'more measure')} in the JSON."] if more else []),
    ]


def _code(command: str) -> list[str]:
    """An indented block: no text can end it, whatever fences it holds."""
    return [f"    {one_line(command, limit=MAX_TEXT)}"]


def _told(result: StudyResult) -> list[str]:
    said = (wording.headline(result), *result.conclusion[1:])
    settings = f"{result.question} Size {result.size}, seed {result.seed}, subtrait {result.version}."
    varied = ["", "Tried besides:", "", *_items(result.varied)] if result.varied else []
    return [markdown.paragraph(settings), "", *_items(said), *varied]


def _items(sentences: Sequence[str]) -> list[str]:
    return [f"- {markdown.paragraph(each)}" for each in sentences]
