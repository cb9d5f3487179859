"""A run folder as a `Store`: what is finished is read back, what is not is made, stored whole and journalled."""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from subtrait.errors import InvalidInput
from subtrait.records import Row
from subtrait.runs.atomic import TEMPORARY, place, remove, stage_file, stage_folder, tree_bytes, tree_digest
from subtrait.runs.crash import crash_point
from subtrait.runs.disk import storage
from subtrait.runs.journal import JOURNAL, Entry, Journal
from subtrait.runs.lock import LOCK
from subtrait.runs.run_json import RUN_JSON
from subtrait.runs.sealed import as_bytes, encoded, sha256

_OURS = frozenset({RUN_JSON, JOURNAL, LOCK})


class RunFolder:
    """The artefacts of one run. Implements `subtrait.records.Store`; made by `open_run` and `attach_run`.

    Artefacts are named by relative paths with forward slashes. An instance holds no open file and can be pickled, so
    the owner may hand it to worker processes. If two processes make one artefact, the first to finish is kept.

    Every method raises:
        ValueError: a name is not a relative path inside the run, or a value is not JSON.
        InvalidInput: a stored artefact or the journal was changed by hand (E_DIGEST), or a link lies on the way
            (E_PATH).
        StorageError: the disk is full, read-only or broken.
    """

    def __init__(self, path: Path, *, notices: Iterable[str] = ()) -> None:
        self.path = path
        """The run folder."""
        self._notices = list(notices)
        self._journal = Journal(path / JOURNAL)

    @property
    def notice(self) -> str:
        """What the user should know, one sentence per line: a changed setting, a mended journal. Often empty."""
        return "\n".join((*self._notices, *self._journal.notices))

    def rows(self, name: str, make: Callable[[], Iterable[Row]]) -> list[Row]:
        """The JSON Lines file `name`; `make` yields its rows if it is not stored yet."""
        data = self._file(name, lambda: [_json(row, f"{name} row {n}") for n, row in enumerate(make(), start=1)])
        return [json.loads(line) for line in data.split(b"\n")[:-1]]

    def record(self, name: str, make: Callable[[], Row]) -> Row:
        """The JSON object in the file `name`; `make` returns it if it is not stored yet."""
        value: Row = json.loads(self._file(name, lambda: _json(make(), name)))
        return value

    def folder(self, name: str, make: Callable[[Path], None]) -> Path:
        """The folder `name`; `make` fills the empty temporary folder it is given if it is not stored yet."""
        path = self._path(name)
        if not self._has_folder(name):
            crash_point(name, "before")
            staged = stage_folder(path, make)
            with storage(staged, verb="read"):
                entry = Entry(name=name, sha256=tree_digest(staged), size=tree_bytes(staged))
            self._commit(staged, entry, stored=self._has_folder)
        return path

    def publish(self, name: str, content: str | bytes) -> Path:
        """Write the rendered file `name`, over an older one: all of it, or nothing."""
        path = self._path(name)
        data = content if isinstance(content, bytes) else as_bytes(content)
        entry = Entry(name=name, sha256=sha256(data), size=len(data))
        if self._journal.find(name) != entry or not path.is_file() or _read(path) != data:
            crash_point(name, "before")
            self._commit(stage_file(path, data), entry, stored=None)
        return path

    def published(self, name: str) -> bytes | None:
        """The whole content of the file `name`, or None if it is not finished."""
        return self._stored(name)

    def mend(self) -> None:
        """Check every line of the journal and drop a half-written last one, with a notice."""
        self._journal.mend()

    def _file(self, name: str, dump: Callable[[], bytes | list[bytes]]) -> bytes:
        path = self._path(name)
        stored = self._stored(name)
        if stored is not None:
            return stored
        crash_point(name, "before")
        made = dump()
        rows = len(made) if isinstance(made, list) else None
        data = b"".join(made) if isinstance(made, list) else made
        entry = Entry(name=name, sha256=sha256(data), size=len(data), rows=rows)
        self._commit(stage_file(path, data), entry, stored=lambda name: self._stored(name) is not None)
        return _whole(path, self._journal.find(name))

    def _commit(self, staged: Path, entry: Entry, *, stored: Callable[[str], bool] | None) -> None:
        """Put `staged` in place and journal it, unless `stored` says that another process was first."""
        path = self.path / entry.name
        try:
            crash_point(entry.name, "written")
            with self._journal.writing() as append:
                if stored is None or not stored(entry.name):
                    self._compare(entry, published=stored is None)
                    place(staged, path)
                    crash_point(entry.name, "renamed")
                    append(entry)
        finally:
            remove(staged)
        crash_point(entry.name, "journalled")

    def _compare(self, entry: Entry, *, published: bool) -> None:
        before = self._journal.find(entry.name)
        if before is not None and before.sha256 != entry.sha256 and not published:
            notice = f"{entry.name} was missing and came out different when it was made again; what was made from the"
            self._notices.append(f"{notice} first one is kept. Choose another --out to make everything again.")

    def _stored(self, name: str) -> bytes | None:
        path, entry = self._path(name), self._journal.find(name)
        if entry is None or not os.path.lexists(path):
            return None
        return _whole(path, entry)

    def _has_folder(self, name: str) -> bool:
        path, entry = self._path(name), self._journal.find(name)
        if entry is None or not os.path.lexists(path):
            return False
        with storage(path, verb="read"):
            _verify(path, tree_digest(path), entry)
        return True

    def _path(self, name: str) -> Path:
        path = self.path / _checked(name)
        for part in (path, *path.parents):
            if part == self.path:
                break
            if part.is_symlink():
                hint = "replace the link by what it points to, or delete it"
                raise InvalidInput("E_PATH", part, "a symbolic link inside a run folder", hint=hint)
        return path


def _checked(name: str) -> str:
    parts = name.split("/")
    if name in _OURS or any(part in ("", ".", "..") or TEMPORARY.fullmatch(part) for part in parts):
        raise ValueError(f"artefact name {name!r}: not a relative path inside the run, or a name of the run itself")
    if "\\" in name or "\0" in name:
        raise ValueError(f"artefact name {name!r}: use forward slashes and no NUL")
    return name


def _json(value: Row, where: str) -> bytes:
    try:
        return encoded(value)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def _read(path: Path) -> bytes:
    with storage(path, verb="read"):
        return path.read_bytes()


def _whole(path: Path, entry: Entry | None) -> bytes:
    data = _read(path)
    _verify(path, sha256(data), entry)
    return data


def _verify(path: Path, digest: str, entry: Entry | None) -> None:
    if entry is None or entry.sha256 != digest:
        what = "it is not what this run stored: edited by hand, or damaged"
        hint = "delete it and run the same command again: only the stage that made it runs again"
        raise InvalidInput("E_DIGEST", path, what, hint=hint)
