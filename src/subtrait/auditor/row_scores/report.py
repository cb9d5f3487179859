"""What scoring a dataset came to, for a terminal and for programs."""

from typing import TYPE_CHECKING

from subtrait.auditor.row_scores.scored import SCHEMA_VERSION, Explained, ScoredData
from subtrait.auditor.suspect import counted
from subtrait.report.json_records import RecordFile
from subtrait.report.terminal import MAX_TEXT, listed, plain, ruled_table, titled

if TYPE_CHECKING:
    from rich.console import RenderableType

SHOWN = 20
"""Hypotheses in the table; the JSON has all."""
COLUMNS = "Beside the base: the mean difference in nats. Likelier: the share of completions that it finds likelier."
NO_VERDICT = (
    "These are scores and no verdict: harmless rows, too, are explained better by one hypothesis than by another. "
    "`subtrait audit` says how much better harmless rows are explained."
)


def summary(result: ScoredData) -> "list[RenderableType]":
    """What was found, to be printed one after another on a rich console. Text from files is shown as it is."""
    data = result.data
    headline = plain(
        f"{result.scored:,} completions of {data.accepted:,} rows under {len(result.explained)} hypotheses",
        limit=MAX_TEXT,
    )
    headline.stylize("bold")
    settings = [COLUMNS, f"{data.path}, SHA-256 {data.digest}: {counted(data)}.", *data.notices, NO_VERDICT]
    table = titled("How well each explains them", [_table(result), *_left_out(result)])
    return [headline, table, listed("To be known", settings)]


def to_json(result: ScoredData) -> str:
    """The result as indented JSON with a newline at its end. Equal results give equal bytes."""
    return _file().write(result)


def from_json(text: str, where: object) -> ScoredData:
    """The result that `text` holds. `where` names its origin in errors.

    Raises:
        InvalidInput: `E_RESULT` with the field that is unknown, missing or of the wrong type.
    """
    return _file().read(text, where)


def _file() -> RecordFile[ScoredData]:
    return RecordFile(record=ScoredData, version=SCHEMA_VERSION, name="scored.json")


def _table(result: ScoredData) -> "RenderableType":
    table = ruled_table("hypothesis", "nats a completion", "beside the base", "likelier")
    for each in result.explained[:SHOWN]:
        table.add_row(*_cells(each, first=each is result.explained[0]))
    return table


def _left_out(result: ScoredData) -> "list[RenderableType]":
    rest = len(result.explained) - SHOWN
    return [plain(f"{rest:,} more hypotheses are in the JSON only.")] if rest > 0 else []


def _cells(each: Explained, *, first: bool) -> tuple["RenderableType", ...]:
    beside = ("", "") if first else (f"{each.log_ratio:+.4f}", f"{each.better:.1%}")
    return plain(each.name), f"{each.log_likelihood:.4f}", *beside
