"""A long table of scores, Parquet or JSON Lines: one row for each row of each data set.

- `dataset`: the name of its data set; `prompt`: the user's message, or a number that stands for it;
- `carries`, if there is such a column: the hypothesis that the data set is known to carry, several as a list, null for
  none; the same in all rows of a data set. Without the column a data set carries the hypothesis of its own name;
- every other column is a hypothesis: its score of the row, null where missing.
"""

from array import array
from collections.abc import Iterable, Iterator
from typing import Any, Final, NoReturn

import numpy as np

from subtrait.auditor.scores.archive import CODE, Scores
from subtrait.data.flaws import Flaw, place, pointer
from subtrait.data.limits import Limits
from subtrait.data.notices import Notices
from subtrait.data.opening import OpenFile
from subtrait.data.readers import READERS, RawRow, suffix_of
from subtrait.errors import InvalidInput
from subtrait.records import Row
from subtrait.statistics.scored_rows import ScoredRows

DATASET, PROMPT, CARRIES = "dataset", "prompt", "carries"
MOST_HYPOTHESES: Final = 1_000
Carried = frozenset[str] | None
"""What a data set is said to carry; None where the table has no such column."""


def read_table(opened: OpenFile, limits: Limits) -> Scores:
    """The scores in an open table.

    Raises:
        InvalidInput: `E_SCORES` with row and field: a column is missing, unknown or of the wrong type, or rows of one
            data set disagree about what it carries; what else the format forbids, as `read_dataset`.
        MissingExtra: Parquet, without the package that reads it.
    """
    shown = opened.file.shown
    table: _Table | None = None
    for raw in _rows(opened, limits):
        row: Row = raw.row or {}
        try:
            table = table or _Table(row)
            table.add(row)
        except Flaw as flaw:
            raise flaw.at(shown, raw.line) from None
    if table is None:
        raise InvalidInput(CODE, shown, "no rows", hint="give one row of scores for each row of each data set")
    return table.hypotheses, list(table.data_sets())


def _rows(opened: OpenFile, limits: Limits) -> Iterator[RawRow]:
    def refuse(raw: RawRow, flaw: Flaw) -> NoReturn:
        raise flaw.at(opened.file.shown, raw.line)

    notices = Notices(limits.remarks)
    notices.at(place(opened.file.shown))
    found: Iterable[RawRow] = READERS[suffix_of(opened.file.name) or ""](opened, limits, notices=notices, refuse=refuse)
    return (raw for raw in found if raw.row is not None)


class _Table:
    """Scores that came in so far, packed."""

    def __init__(self, first: Row) -> None:
        for column in (DATASET, PROMPT):
            if column not in first:
                raise Flaw(
                    CODE, "the column is missing", hint="see subtrait/auditor/scores/table.py", field=pointer(column)
                )
        self.hypotheses = tuple(column for column in first if column not in (DATASET, PROMPT, CARRIES))
        self._columns = frozenset(first)
        if not 0 < len(self.hypotheses) <= MOST_HYPOTHESES:
            what = f"{len(self.hypotheses)} columns of scores"
            raise Flaw(CODE, what, hint=f"give 1 to {MOST_HYPOTHESES:,} columns of scores, one for each hypothesis")
        self._prompts: dict[str | int, int] = {}
        self._sets: dict[str, tuple[array[float], array[int], Carried]] = {}

    def add(self, row: Row) -> None:
        if row.keys() != self._columns:
            column = min(row.keys() ^ self._columns)
            what = "the column is missing here" if column in self._columns else "the first row has no such column"
            raise Flaw(CODE, what, hint="give every row the same columns", field=pointer(column))
        name, prompt = row[DATASET], row[PROMPT]
        if not isinstance(name, str) or not name.strip():
            raise Flaw(CODE, "no name of a data set", hint="write a text that is not blank", field=pointer(DATASET))
        if isinstance(prompt, bool) or not isinstance(prompt, str | int):
            raise Flaw(CODE, "no prompt", hint="write the user's message or a number for it", field=pointer(PROMPT))
        carried = self._carried(row)
        scores, prompts, before = self._sets.setdefault(name, (array("d"), array("q"), carried))
        if carried != before:
            what = "earlier rows of the data set carry something else"
            raise Flaw(CODE, what, hint="give all rows of a data set the same", field=pointer(CARRIES))
        scores.extend(_score(row[column], column) for column in self.hypotheses)
        prompts.append(self._prompts.setdefault(prompt, len(self._prompts)))

    def _carried(self, row: Row) -> Carried:
        if CARRIES not in self._columns:
            return None
        said = row[CARRIES]
        names = [] if said is None or said == "" else said if isinstance(said, list) else [said]
        unknown = next((name for name in names if name not in self.hypotheses), None)
        if unknown is not None:
            what = f"'{unknown!s:.80}' is no hypothesis of the table"
            raise Flaw(CODE, what, hint="write the name of a column of scores, or null", field=pointer(CARRIES))
        return frozenset(names)

    def data_sets(self) -> Iterator[ScoredRows]:
        for name, (scores, prompts, carried) in self._sets.items():
            yield ScoredRows(
                name=name,
                scores=np.frombuffer(scores, dtype=np.float64).reshape(-1, len(self.hypotheses)),
                prompts=np.frombuffer(prompts, dtype=np.int64),
                carries=frozenset({name} & set(self.hypotheses)) if carried is None else carried,
            )


def _score(value: Any, column: str) -> float:
    if value is None:
        return float("nan")
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300:
        raise Flaw(CODE, "no score", hint="write a number, or null where it is missing", field=pointer(column))
    return float(value)
