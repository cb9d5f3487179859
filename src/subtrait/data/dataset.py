"""Reading a dataset that somebody else made: strict, counted, digested, in one pass and in bounded memory.

    reading = read_dataset(Path("data.jsonl"))
    for row in reading:
        for prompt, completion in row.pairs():
            ...
    print(reading.tally, reading.summary().digest)

The order of work: list the files, open one, decompress, split into lines, parse, recognise the shape, count.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Literal, get_args

from subtrait.data.chat_rows import ChatRow, DatasetSummary, FileRecord, ScoredTurns, Tally
from subtrait.data.counting import Counting
from subtrait.data.flaws import Flaw, Reject
from subtrait.data.limits import Limits
from subtrait.data.listing import Listing, list_files
from subtrait.data.notices import Notices
from subtrait.data.opening import DataFile, OpenFile, open_file
from subtrait.data.readers import READERS, RawRow, suffix_of
from subtrait.data.shapes import Recogniser
from subtrait.errors import InvalidInput, UsageError, escaped, unknown_name
from subtrait.records import Row

OnBadRow = Literal["stop", "quarantine"]

_LONGEST_NAME: Final = 4_096


def read_dataset(
    path: Path,
    *,
    shape: str | None = None,
    turns: ScoredTurns = "all",
    on_bad_row: OnBadRow = "stop",
    rejects: Callable[[Reject], None] | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> "Reading":
    """A reading of the dataset at `path`, which begins when it is iterated.

    Args:
        path: A file whose name ends in one of `READERS`, or a folder of such files, which are read in the order of
            their names.
        shape: A key of `SHAPES`; None takes the shape of the first readable row, and all others must have it.
        turns: Which assistant turns of a row are scored: all that training would learn, or the last of them.
        on_bad_row: `stop` raises the error of the first row that cannot be accepted. `quarantine` hands such rows to
            `rejects` and reads on. A file that cannot be read as a whole always stops.
        rejects: Takes each rejected row, in order. What it raises ends the reading.
        limits: What the data may ask of the machine.

    Raises:
        UsageError: an unknown shape or choice; quarantine without anyone to take the rejects.
    """
    for what, choice, allowed in (("turns", turns, ScoredTurns), ("on_bad_row", on_bad_row, OnBadRow)):
        if choice not in get_args(allowed):
            raise unknown_name(f"choice of {what}", choice, get_args(allowed))
    if on_bad_row == "quarantine" and rejects is None:
        raise UsageError("on_bad_row='quarantine' needs rejects=: something that takes the rejected rows")
    taker = rejects if on_bad_row == "quarantine" else None
    return Reading(path, shape, turns=turns, rejects=taker, limits=limits)


class Reading:
    """One pass over a dataset; iterating it yields each accepted row as a `ChatRow`. Made by `read_dataset`.

    Iterating raises:
        InvalidInput: of a row, E_UTF8, E_JSON, E_TYPE, E_DEPTH, E_KEYS, E_LIMIT, E_DUPKEY, E_NUMBER, E_SURROGATE,
            E_LINE_TOO_LONG, E_SCHEMA, E_SCHEMA_MIXED, E_ROLE, E_CONTENT or E_NO_COMPLETION; of a file, E_PATH,
            E_FORMAT, E_ENCODING, E_ARCHIVE, E_GZIP, E_ZSTD, E_BOMB, E_LIMIT, E_NAMECLASH, E_CHANGED, and those of
            `read_parquet`; E_EMPTY once all is read and there was no row at all.
        MissingExtra: a format needs a package that is not installed.
        StorageError: the disk cannot be read.
        UsageError: it was iterated before.
    """

    def __init__(
        self,
        path: Path,
        shape: str | None,
        *,
        turns: ScoredTurns,
        rejects: Callable[[Reject], None] | None,
        limits: Limits,
    ) -> None:
        self._path, self._limits, self._turns, self._rejects = path, limits, turns, rejects
        self._notices = Notices(limits.remarks)
        self._recogniser = Recogniser(shape, self._notices.add)
        self._counting = Counting(limits, self._notices)
        self._files: list[tuple[DataFile, FileRecord]] = []
        self._listing: Listing | None = None
        self._complete = False

    def __iter__(self) -> Iterator[ChatRow]:
        if self._listing is not None:
            raise UsageError("a reading is iterated once, so that its digest is of what was read: begin another")
        self._listing = list_files(self._path, self._limits)
        for name in self._listing.unread:
            self._notices.at(str(self._path))
            self._notices.add("W_UNREAD_FILE", name)
        for file in self._listing.files:
            with open_file(file, self._limits) as opened:
                yield from self._rows_of(opened)
        self._complete = True
        tally = self.tally
        if tally.read == tally.blank:
            what = f"no rows in {len(self._files)} file(s), {tally.blank} blank line(s)"
            raise InvalidInput("E_EMPTY", escaped(str(self._path), limit=400), what, hint="give data to read")

    def _rows_of(self, opened: OpenFile) -> Iterator[ChatRow]:
        file, last, blank = opened.file, 0, 0
        path, name = str(file.path), _name(file)  # once a file: a row takes no longer than these
        self._notices.at(path)
        if opened.hard_links > 1:
            self._notices.add("W_HARD_LINK")

        def refuse(raw: RawRow, flaw: Flaw) -> None:
            nonlocal last
            last = raw.line
            self._counting.read()
            self._reject(file, raw, flaw)

        reader = READERS[suffix_of(file.name) or ""]
        for raw in reader(opened, self._limits, notices=self._notices, refuse=refuse):
            last = raw.line
            self._counting.read()
            if raw.row is None:
                blank += 1
                self._counting.blank()
                continue
            self._notices.at(path, raw.line)
            try:
                row = self._accepted(name, raw.line, raw.row)
            except Flaw as flaw:
                self._reject(file, raw, flaw)
            else:
                yield row
        if last == blank:
            self._notices.at(path)
            self._notices.add("W_EMPTY_FILE")
        record = FileRecord(name=name, bytes=opened.size, rows=last, sha256=opened.sha256)
        self._files.append((file, record))

    def _accepted(self, name: str, line: int, row: Row) -> ChatRow:
        """The row as a chat row of the file of that name, counted. Raises `Flaw` for one that is none."""
        found = self._recogniser.read(row)
        scored = found.learnt if self._turns == "all" else found.learnt[-1:]
        identity = _id_of(row, f"{name}:{line}")
        accepted = ChatRow(id=identity, turns=found.turns, scored=scored, file=name, line=line, source=row)
        self._counting.accepted(accepted)
        return accepted

    def _reject(self, file: DataFile, raw: RawRow, flaw: Flaw) -> None:
        self._counting.rejected(flaw.code)
        error = flaw.at(str(file.path), raw.line)
        if self._rejects is None:
            raise error from None
        self._rejects(
            Reject(
                file=_name(file),
                line=raw.line,
                offset=raw.offset,
                length=raw.length,
                code=flaw.code,
                reason=escaped(flaw.what, limit=400),
                field=flaw.field,
                column=flaw.column,
                raw=raw.data[: self._limits.reject_bytes],
            )
        )

    @property
    def tally(self) -> Tally:
        """What was counted so far; also after an error."""
        return self._counting.tally()

    def summary(self) -> DatasetSummary:
        """What was read, once it was read to the end; also where E_EMPTY ended it.

        Raises:
            UsageError: rows are left, or an error ended the reading: there is no digest of the whole.
        """
        if self._listing is None or not self._complete:
            raise UsageError("the dataset was not read to its end: there is no digest of the whole")
        return DatasetSummary(
            shape=self._recogniser.name,
            turns=self._turns,
            tally=self.tally,
            files=tuple(record for _, record in self._files),
            unread=tuple(escaped(name, limit=_LONGEST_NAME) for name in self._listing.unread),
            digest=self._digest(single=not self._listing.is_folder),
            notices=self._notices.all(),
        )

    def _digest(self, *, single: bool) -> str:
        if single:
            return self._files[0][1].sha256
        lines = (record.sha256.encode() + b"  " + os.fsencode(file.name) + b"\n" for file, record in self._files)
        return hashlib.sha256(b"".join(lines)).hexdigest()


def _name(file: DataFile) -> str:
    return escaped(file.name, limit=_LONGEST_NAME)


def _id_of(row: Row, otherwise: str) -> str:
    """The id of a row as text: `1`, `1.0` and `"1"` read as `1`, `1.0` and `1`."""
    value: Any = row.get("id")
    if value is None:
        return otherwise
    if isinstance(value, bool | list | dict):
        raise Flaw("E_SCHEMA", "the id is neither text nor a number", hint="write a text, or leave it out", field="/id")
    if "\0" in str(value):
        raise Flaw("E_SCHEMA", "a NUL character in the id", hint="remove it", field="/id")
    return str(value)
