"""Rows of a call that is under way, kept on disk until the call is over, so that a killed one is not paid for twice.

Nothing is read from here once a call has returned: what came of it is then in the caller's store. A call is found again
by all that its outcome depends on, its seed included.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from subtrait.errors import StorageError, escaped
from subtrait.records import Row


def default_folder() -> Path:
    """`unfinished` in the cache folder of this user: $XDG_CACHE_HOME, or ~/.cache, and `subtrait` in it."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "subtrait" / "unfinished"


class Spool:
    """The rows of one call, by position."""

    def __init__(self, folder: Path, digest: str) -> None:
        self._path = folder / f"{digest}.jsonl"

    def kept(self) -> dict[int, Row]:
        """What an earlier attempt at this call got; a line that was cut off by a kill does not count."""
        found: dict[int, Row] = {}
        with _storage(self._path):
            lines = self._path.read_bytes().splitlines() if self._path.exists() else []
        for line in lines:
            try:
                row = json.loads(line)
                found[int(row["at"])] = row["row"]
            except (ValueError, KeyError, TypeError):
                continue
        return found

    @contextmanager
    def opened(self) -> Iterator["Keeper"]:
        """Where rows are put as they come in. Raises `StorageError` where the disk refuses."""
        with _storage(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "a", encoding="utf-8") as file:
            # After a cut line the next one must not begin in its middle
            keeper = Keeper(file, self._path)
            if file.tell():
                keeper.write("\n")
            yield keeper

    def done(self) -> None:
        """Forget the call: it has returned."""
        with _storage(self._path):
            self._path.unlink(missing_ok=True)


class Keeper:
    """An open spool."""

    def __init__(self, file: IO[str], path: Path) -> None:
        self._file, self._path = file, path

    def keep(self, at: int, row: Row) -> None:
        """Keep the row of that position. Raises `StorageError` where the disk refuses."""
        self.write(json.dumps({"at": at, "row": row}) + "\n")

    def write(self, text: str) -> None:
        """Append, and hand over to the system. Raises `StorageError` where the disk refuses."""
        with _storage(self._path):
            self._file.write(text)
            self._file.flush()


@contextmanager
def _storage(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = f"cannot use {escaped(str(path), limit=400)}: {error.strerror}"
        raise StorageError(f"{what}. Mend that or set XDG_CACHE_HOME, then run the same command again.") from None
