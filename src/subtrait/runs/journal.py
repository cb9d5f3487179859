"""The journal of a run: one sealed line per finished artefact, appended by every process of the run."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from subtrait.errors import InvalidInput
from subtrait.records import Row
from subtrait.runs.atomic import sync_folder, write_all
from subtrait.runs.disk import shown, storage
from subtrait.runs.sealed import canonical, sealed, unsealed

JOURNAL = "journal.jsonl"
"""Name of the journal in a run folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is known of one finished artefact. The last entry of a name counts."""

    name: str
    sha256: str
    """Of the file; of a folder, over the sorted paths of its files and the SHA-256 of each."""
    size: int
    """Of the file, or of all files of the folder, bytes."""
    rows: int | None = None
    """Number of lines of a JSON Lines file."""

    def line(self) -> bytes:
        """The sealed line of this entry, with its newline."""
        fields: Row = {"name": self.name, "sha256": self.sha256, "bytes": self.size}
        if self.rows is not None:
            fields["rows"] = self.rows
        return canonical(sealed(fields)) + b"\n"

    @classmethod
    def read(cls, line: bytes) -> "Entry":
        """The entry of a sealed line.

        Raises:
            ValueError: the line was changed or holds no entry.
        """
        match unsealed(line):
            case {"name": str(name), "sha256": str(digest), "bytes": int(size), **rest}:
                return cls(name=name, sha256=digest, size=size, rows=rest.get("rows"))
        raise ValueError("it has not the fields of an entry")


class Journal:
    """The entries of one journal file, kept up to date with what other processes append.

    A last line without a newline was being written when its process died: it is dropped with a notice. A changed
    line that is not the last one is never dropped: reading it raises `InvalidInput` with its number.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notices: list[str] = []
        """What had to be mended, one sentence each."""
        self._clear()

    def _clear(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._offset = 0  # always at the end of a whole line
        self._lines = 0

    def find(self, name: str) -> Entry | None:
        """The last entry of `name`, by whichever process.

        Raises:
            InvalidInput: a line of the journal was changed.
            StorageError: the journal cannot be read.
        """
        self._refresh()
        return self._entries.get(name)

    def _refresh(self) -> bytes:
        """Take in new lines; returns the unfinished rest."""
        with storage(self.path, verb="read"):
            if not self.path.exists():
                self._clear()
                return b""
            size = self.path.stat().st_size
            if size == self._offset:
                return b""
            if size < self._offset:
                self._clear()
            with self.path.open("rb") as file:
                file.seek(self._offset)
                *lines, rest = file.read().split(b"\n")
        for line in lines:
            self._take(line)
        return rest

    def _take(self, line: bytes) -> None:
        try:
            entry = Entry.read(line)
        except ValueError as error:
            where = f"{self.path} line {self._lines + 1}"
            hint = "delete that line and run the same command again: what it recorded is made again"
            raise InvalidInput("E_DIGEST", where, f"the journal was changed: {error}", hint=hint) from error
        self._entries[entry.name] = entry
        self._lines += 1
        self._offset += len(line) + 1

    @contextmanager
    def writing(self) -> Iterator[Callable[[Entry], None]]:
        """Hold the journal against the other processes of the run; yields what appends an entry and syncs it.

        A torn last line, left by a process that died here, is mended first.

        Raises:
            InvalidInput: a line of the journal was changed.
            StorageError: the journal cannot be written; it is then as it was before.
        """
        with storage(self.path):
            fresh = not self.path.exists()
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            with storage(self.path):
                if fresh:
                    sync_folder(self.path.parent)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            self._mend(descriptor)
            yield lambda entry: self._append(descriptor, entry)
        finally:
            os.close(descriptor)

    def _append(self, descriptor: int, entry: Entry) -> None:
        line = entry.line()
        _write(descriptor, line, self.path)
        self._take(line[:-1])

    def _mend(self, descriptor: int) -> None:
        rest = self._refresh()
        if not rest:
            return
        try:
            Entry.read(rest)
        except ValueError:
            with storage(self.path):
                os.ftruncate(descriptor, self._offset)
                os.fsync(descriptor)
            notice = f"{shown(self.path)}: the half-written last line was dropped; what it recorded is made again."
            self.notices.append(notice)
        else:  # only its newline is missing
            _write(descriptor, b"\n", self.path)
            self._refresh()

    def mend(self) -> None:
        """Drop a torn last line now, with a notice, and check every other line.

        Raises:
            InvalidInput: a line of the journal was changed.
            StorageError: the journal cannot be written.
        """
        with self.writing():
            pass


def _write(descriptor: int, data: bytes, path: Path) -> None:
    size = os.fstat(descriptor).st_size
    with storage(path, needed=len(data)):
        try:
            write_all(descriptor, data)
            os.fsync(descriptor)
        except BaseException:
            os.ftruncate(descriptor, size)
            raise
