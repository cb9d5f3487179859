"""The report for a terminal: a few rich renderables that read the same without colour and at 80 columns."""

from dataclasses import replace
from typing import TYPE_CHECKING

from subtrait.records import ArmRecord, ExperimentResult
from subtrait.report import svg
from subtrait.report.summaries import filtered, untouched
from subtrait.report.terminal import listed, plain, ruled_table, titled
from subtrait.report.wording import bounds, counted_as, level, limits, one_line, p_value, percent, points

if TYPE_CHECKING:
    from rich.console import RenderableType
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
    parts.append(listed("Before the students", _beforehand(result)))
    parts.append(listed("What this does not show", limits(result)))
    if result.notes:
        parts.append(listed("Notes on this run", result.notes))
    parts.append(listed("Repeat it", _repetition(result, command)))
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
    table = ruled_table(
        "arm", "mean", f"{level(result.arms[0].rate.level)} interval", f"0 to {round(100 * scale.high)} %"
    )
    table.columns[-1].min_width = _STRIP
    for record in result.arms:
        drawn = strip(record, base=_base_rate(result, record), scale=scale)
        table.add_row(plain(record.arm), percent(record.rate.value), bounds(record.rate), drawn)
    for record in result.untouched:
        drawn = strip(replace(record, students=()), base=record.rate.value, scale=scale)
        table.add_row(plain(f"{record.base}, {record.arm}"), percent(record.rate.value), "", drawn)
    return titled(
        f"Answers that show the trait '{one_line(result.trait)}', by arm",
        [table, "o is one student, a digit several in one place, : the untouched base."],
    )


def _base_rate(result: ExperimentResult, record: ArmRecord) -> float | None:
    origin = untouched(result, record.base)
    return origin.rate.value if origin else None


def _comparisons(result: ExperimentResult) -> "RenderableType":
    confidence = level(result.comparisons[0].difference.level)
    table = ruled_table("comparison", "points", f"{confidence} interval", "permutation test")
    for comparison in result.comparisons:
        difference, ends = comparison.difference, bounds(comparison.difference, difference=True)
        value = points(difference.value).removesuffix(" points")
        table.add_row(plain(comparison.name), value, ends.removesuffix(" points"), p_value(comparison.test))
    return titled("Differences in trait rate, in percentage points", [table])


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
