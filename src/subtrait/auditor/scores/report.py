"""What scores from elsewhere said, for a terminal and for programs."""

from typing import TYPE_CHECKING, Any

from subtrait.auditor.scores.judged import SCHEMA_VERSION, ScoresResult
from subtrait.report.json_records import RecordFile
from subtrait.report.terminal import MAX_TEXT, listed, plain, ruled_table, titled

if TYPE_CHECKING:
    from rich.console import RenderableType

SHOWN = 100
"""Data sets in the table; the JSON has all."""


def summary(result: ScoresResult) -> list["RenderableType"]:
    """What was found, to be printed one after another on a rich console. Text from the file is shown as it is."""
    headline = plain(f"{result.outcome}: {result.reason}.", limit=MAX_TEXT)
    headline.stylize("bold")
    parts = [headline, titled("Data sets, each beside the others", [_table(result), *_left_out(result)])]
    said = [
        f"{row.data_set}: {row.finding}." for row in result.data_sets if len(result.data_sets) == 1 or row.p is None
    ]
    if said:
        parts.append(listed("In words", said[:SHOWN]))
    parts.append(listed("How it was judged", _settings(result)))
    parts.append(listed("What it rests on", [f"Assumes: {result.assumes}.", f"Cannot see: {result.blind_spots}."]))
    return parts


def to_json(result: ScoresResult) -> str:
    """The result as indented JSON with a newline at its end. Equal results give equal bytes.

    Raises:
        InvalidInput: `E_RESULT` where a number is not finite, which JSON cannot hold; names the field.
    """
    return _file().write(result)


def from_json(text: str, where: object) -> ScoresResult:
    """The result that `text` holds. `where` names its origin in errors.

    Raises:
        InvalidInput: `E_RESULT` where the text is not JSON, is of another schema version, or a field is unknown,
            missing, given twice or of the wrong type; names the field.
    """
    return _file().read(text, where)


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `scores.json`; `scores.schema.json` beside this file is its text."""
    return _file().schema()


def _file() -> RecordFile[ScoresResult]:
    return RecordFile(record=ScoresResult, version=SCHEMA_VERSION, name="scores.json")


def _table(result: ScoresResult) -> "RenderableType":
    table = ruled_table("data set", "statistic", "p", "first hypothesis", "outcome")
    for row in result.data_sets[:SHOWN]:
        statistic, p = ("" if value is None else f"{value:.3g}" for value in (row.statistic, row.p))
        table.add_row(plain(row.data_set), statistic, p, plain(row.hypothesis or ""), row.outcome)
    return table


def _left_out(result: ScoresResult) -> list["RenderableType"]:
    rest = len(result.data_sets) - SHOWN
    return [plain(f"{rest:,} more data sets are in the JSON only.")] if rest > 0 else []


def _settings(result: ScoresResult) -> list[str]:
    floors = sorted({row.floor for row in result.data_sets if row.floor is not None})
    least = " to ".join(f"{floor:.3g}" for floor in dict.fromkeys((floors[0], floors[-1]))) if floors else "none"
    rows = max((row.rows for row in result.data_sets), default=0)
    each = "each data set in turn" if result.suspect is None else f"the data set '{result.suspect}'"
    return [
        f"{result.path}, SHA-256 {result.digest}.",
        f"Judged: {each}, by {len(result.hypotheses):,} hypotheses, at alpha {result.alpha:g} for each data set.",
        f"Statistic: {result.form}; the first hypothesis is named by: {result.named_by}. Seed {result.seed}.",
        f"Rows drawn of each data set: {rows:,}. Smallest possible p: {least}.",
        f"Known carriers that are found by their name: {result.found} of {result.carriers}.",
        f"subtrait {result.version}.",
    ]
