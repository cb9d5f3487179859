"""The report for a terminal: a few rich renderables that read the same without colour and at 80 columns."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from subtrait.records import ArmRecord, ExperimentResult
from subtrait.report import svg
from subtrait.report.summaries import filtered, untouched
from subtrait.report.wording import bounds, counted_as, level, limits, one_line, p_value, percent, points

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

_STRIP = 25
"""Characters of the small plot beside each arm."""


def summary(result: ExperimentResult, *, command: str | None = None) -> list["RenderableType"]:
    """What was found, to be printed one after another on a rich console.

    `command` is the command line that repeats the run. Text from the records is shown as it is, never as markup, with
    all that cannot be seen as escapes.
    """
    parts: list[RenderableType] = [_headline(result)]
    if result.arms:
        parts.append(_arms(result))
    if result.comparisons:
        parts.append(_comparisons(result))
    parts.append(_listed("Before the students", _beforehand(result)))
    parts.append(_listed("What this does not show", limits(result)))
    if result.notes:
        parts.append(_listed("Notes on this run", result.notes))
    parts.append(_listed("Repeat it", _repetition(result, command)))
    return parts


def strip(record: ArmRecord, *, base: float | None, scale: svg.Axis) -> str:
    """The students of an arm on a line: `o` is one student, a digit several at one place, `:` the untouched base."""
    cells = ["."] * _STRIP
    if base is not None:
        cells[_cell(scale, base)] = ":"
    places = [_cell(scale, student.trait_rate) for student in record.students]
    for place in places:
        together = places.count(place)
        cells[place] = "o" if together == 1 else str(min(together, 9))
    return "".join(cells)


def _cell(scale: svg.Axis, value: float) -> int:
    share = (min(max(value, scale.low), scale.high) - scale.low) / (scale.high - scale.low)
    return min(int(share * _STRIP), _STRIP - 1)


def _headline(result: ExperimentResult) -> "Text":
    from rich.text import Text

    first, *others = result.conclusion or ("This run reached no conclusion.",)
    text = Text(one_line(first, limit=2000), style="bold")
    for sentence in others:
        text.append(f"\n{one_line(sentence, limit=2000)}", style="not bold")
    return text


def _arms(result: ExperimentResult) -> "RenderableType":
    records = [*result.arms, *result.untouched]
    scale = svg.axis(student.trait_rate for record in records for student in record.students)
    table = _table("arm", "mean", f"{level(result.arms[0].rate.level)} interval", f"0 to {round(100 * scale.high)} %")
    table.columns[-1].min_width = _STRIP
    for record in result.arms:
        drawn = strip(record, base=_base_rate(result, record), scale=scale)
        table.add_row(_plain(record.arm), percent(record.rate.value), bounds(record.rate), drawn)
    for record in result.untouched:
        drawn = strip(replace(record, students=()), base=record.rate.value, scale=scale)
        table.add_row(_plain(f"{record.base}, {record.arm}"), percent(record.rate.value), "", drawn)
    return _titled(
        f"Answers that show the trait '{one_line(result.trait)}', by arm",
        [table, "o is one student, a digit several in one place, : the untouched base."],
    )


def _base_rate(result: ExperimentResult, record: ArmRecord) -> float | None:
    origin = untouched(result, record.base)
    return origin.rate.value if origin else None


def _comparisons(result: ExperimentResult) -> "RenderableType":
    confidence = level(result.comparisons[0].difference.level)
    table = _table("comparison", "points", f"{confidence} interval", "permutation test")
    for comparison in result.comparisons:
        difference, ends = comparison.difference, bounds(comparison.difference, difference=True)
        value = points(difference.value).removesuffix(" points")
        table.add_row(_plain(comparison.name), value, ends.removesuffix(" points"), p_value(comparison.test))
    return _titled("Differences in trait rate, in percentage points", [table])


def _beforehand(result: ExperimentResult) -> list[str]:
    said = []
    rates = [teacher.trait_rate for teacher in result.teachers]
    if rates:
        base = percent(result.teachers[0].base_rate)
        shown = f"{percent(min(rates))} to {percent(max(rates))}" if len(rates) > 1 else percent(rates[0])
        said.append(
            f"{counted_as(len(rates), f'{result.teacher} teacher')}: trait rate {shown}, untouched base {base}."
        )
    for total in filtered(result.datasets):
        words = counted_as(total.trait_words, "kept row")
        said.append(
            f"{total.source}: {counted_as(total.written, 'row')} written, {total.kept:,} kept "
            f"({percent(total.kept_share)}), {words} with a word of the trait."
        )
    return said or ["Nothing was recorded."]


def _repetition(result: ExperimentResult, command: str | None) -> list[str]:
    settings = f"{result.experiment}, size {result.size}, seed {result.seed}, subtrait {result.version}"
    return [command, settings] if command else [settings]


def _listed(title: str, sentences: Iterable[str]) -> "RenderableType":
    from rich.padding import Padding

    return _titled(title, [Padding(_plain(sentence, limit=2000), (0, 0, 0, 2)) for sentence in sentences])


def _titled(title: str, parts: "Iterable[RenderableType]") -> "RenderableType":
    from rich.console import Group
    from rich.text import Text

    return Group("", Text(title, style="bold"), *parts)


def _table(first: str, second: str, *others: str) -> "Table":
    """A table whose first column holds names and whose second holds numbers."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="")
    table.add_column(first, overflow="fold", min_width=len("other-base-untreated"))
    table.add_column(second, justify="right", no_wrap=True)
    for name in others:
        table.add_column(name)
    return table


def _plain(text: str, *, limit: int = 80) -> "Text":
    from rich.text import Text

    return Text(one_line(text, limit=limit))
