"""Rows of a call, kept on disk while it is under way and for a day after, so that a killed run does not pay twice.

What has come of a call need not be in its caller's store yet, which may wait for other calls: a run that is killed in
between asks the same again. After a day it is asked of the server, which may be another by then. A call is found by all
that its outcome depends on, its seed included.
"""

import fcntl
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from subtrait.errors import StorageError, escaped
from subtrait.records import Row

KEPT_SECONDS: Final = 86_400
"""How long a finished call is kept."""


def default_folder() -> Path:
    """`unfinished` in the cache folder of this user: $XDG_CACHE_HOME, or ~/.cache, and `subtrait` in it."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "subtrait" / "unfinished"


class Spool:
    """The rows of one call, by position."""

    def __init__(self, folder: Path, digest: str) -> None:
        self._path, self._whole = folder / f"{digest}.jsonl", folder / f"{digest}.finished.jsonl"

    def kept(self) -> dict[int, Row]:
        """What an earlier attempt at this call got; a line that was cut off by a kill does not count."""
        found: dict[int, Row] = {}
        with _storage(self._path):
            _forget_old(self._path.parent)
            lines = (_bytes(self._whole) or _bytes(self._path)).splitlines()
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
            with suppress(FileNotFoundError):  # which is there only if a row of it cannot be read
                os.replace(self._whole, self._path)
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            # After a cut line the next one must not begin in its middle
            keeper = Keeper(handle, self._path)
            if os.fstat(handle).st_size:
                keeper.write("\n")
            yield keeper
        finally:
            os.close(handle)

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """Wait until nobody else on this machine is in here for the same call.

        Whoever has to wait says so in one line, with `what` the other is at, to Python's log as a warning: where nobody
        listens to that, it goes to standard error, from worker processes too.
        """
        path = self._path.with_suffix(".lock")
        with _storage(path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = _locked(path, lambda: _say_waiting(what))
        try:
            yield
        finally:
            with suppress(OSError):
                path.unlink()
            os.close(handle)

    def finish(self) -> None:
        """The call has all its rows."""
        with _storage(self._path), suppress(FileNotFoundError):
            os.utime(self._path)  # its last row may have come long ago
            os.replace(self._path, self._whole)

    def forget(self) -> None:
        """Keep nothing of the call."""
        with _storage(self._path):
            self._path.unlink(missing_ok=True)


class Keeper:
    """An open spool."""

    def __init__(self, handle: int, path: Path) -> None:
        self._handle, self._path = handle, path

    def keep(self, at: int, row: Row) -> None:
        """Keep the row of that position. Raises `StorageError` where the disk refuses."""
        self.write(json.dumps({"at": at, "row": row}) + "\n")

    def write(self, text: str) -> None:
        """Append, and hand over to the system. Raises `StorageError` where the disk refuses."""
        left = text.encode()
        with _storage(self._path):
            # Nothing is held back, so that nothing is left to fail when the file is closed
            while left:
                left = left[os.write(self._handle, left) :]


def _bytes(path: Path) -> bytes:
    """What is in a file; nothing where there is none."""
    with suppress(FileNotFoundError):
        return path.read_bytes()
    return b""


def _say_waiting(what: str) -> None:
    logging.getLogger(__name__).warning("waiting for another command on this machine, which is at the same: %s", what)


def _locked(path: Path, waits: Callable[[], None]) -> int:
    """The file, open and locked: the one that is there by then, since whoever leaves removes the one that was.

    `waits` is called once, if another has it.
    """
    tells = True
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not _lock_at_once(handle):
                if tells:
                    waits()
                tells = False
                fcntl.flock(handle, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), os.stat(path)):
                    return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _lock_at_once(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _forget_old(folder: Path) -> None:
    for old in folder.glob("*.finished.jsonl"):
        with suppress(FileNotFoundError):  # another process was faster
            if time.time() - old.stat().st_mtime > KEPT_SECONDS:
                old.unlink()


@contextmanager
def _storage(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = f"cannot use {escaped(str(path), limit=400)}: {error.strerror}"
        raise StorageError(f"{what}. Mend that or set XDG_CACHE_HOME, then run the same command again.") from None
