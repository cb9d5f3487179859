"""Opening a run: new, resumed, or forked because the settings changed."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from subtrait.errors import InvalidInput, UsageError
from subtrait.records import Row
from subtrait.runs.atomic import TEMPORARY, make_folders, sweep
from subtrait.runs.disk import shown, storage
from subtrait.runs.folder import RunFolder
from subtrait.runs.journal import JOURNAL
from subtrait.runs.lock import LOCK, RunLock, hold
from subtrait.runs.run_json import RUN_JSON, as_json, differences, read_run_json, write_run_json


@contextmanager
def open_run(folder: Path, config: Mapping[str, object], *, environment: Mapping[str, object]) -> Iterator[RunFolder]:
    """Own the run of `config` in `folder` until the block ends: start it, or go on where it stopped.

    If `folder` holds a run of another configuration (the package version is part of it), the run lives in
    `<folder>-2`, `-3`, … instead: the first that is free or has this configuration. `RunFolder.notice` then says
    what changed. `environment` is only recorded, when the run starts.

    Raises:
        UsageError: `folder` is a file, or holds other things than a run.
        RunLocked: another process owns the run; names it.
        InvalidInput: `run.json` is damaged (E_JSON, E_DIGEST) or of a newer version (E_VERSION), or a line of the
            journal was changed (E_DIGEST).
        StorageError: the disk is full, read-only or broken.
    """
    asked, wanted = Path(os.path.abspath(folder)), as_json(config)
    path, lock = _claim(asked, wanted)
    try:
        resumed = (path / RUN_JSON).exists()
        with storage(path):
            sweep(path)
        if not resumed:
            write_run_json(path, wanted, environment)
        run = RunFolder(path, notices=_notices(asked, path, wanted, resumed=resumed))
        run.mend()
        yield run
    finally:
        lock.release()


def attach_run(folder: Path) -> RunFolder:
    """The run in `folder` without owning it: for a worker process of the owner, or to publish a report again.

    Raises:
        InvalidInput: `folder` is not a run (E_PATH), or `run.json` is damaged or of a newer version.
        StorageError: `run.json` cannot be read.
    """
    read_run_json(folder)
    return RunFolder(Path(os.path.abspath(folder)))


def read_run(folder: Path, *, result: str = "result.json") -> tuple[Row, Row]:
    """`run.json` and the published JSON object `result` of a finished run. Takes no lock and changes nothing.

    Raises:
        InvalidInput: not a run (E_PATH), not finished (E_INCOMPLETE), damaged (E_JSON, E_DIGEST) or of a newer
            version (E_VERSION).
        StorageError: it cannot be read.
    """
    description = read_run_json(folder)
    path = Path(os.path.abspath(folder))
    data = RunFolder(path).published(result)
    if data is None:
        hint = "run the command that started it again: it goes on where it stopped"
        raise InvalidInput("E_INCOMPLETE", folder, f"the run has not finished: no {result}", hint=hint)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("E_JSON", path / result, f"not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise InvalidInput("E_JSON", path / result, "not a JSON object")
    return description, value


def is_configured(folder: Path | str, name: str) -> bool:
    """Whether a run, finished or not, lies in `folder` whose configuration has an entry of that name."""
    try:
        return name in json.loads((Path(folder) / RUN_JSON).read_text(encoding="utf-8"))["config"]
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _claim(asked: Path, wanted: Row) -> tuple[Path, RunLock]:
    """The folder that the run of `wanted` lives in, and its lock."""
    claims = ((path, _hold_if_suited(path, wanted, asked=asked)) for path in _candidates(asked))
    return next((path, lock) for path, lock in claims if lock is not None)


def _hold_if_suited(path: Path, wanted: Row, *, asked: Path) -> RunLock | None:
    if not _suits(path, wanted, asked=asked):
        return None
    with storage(path):
        make_folders(path)
    lock = hold(path)
    try:
        # Again, now that nobody else can start a run here.
        if _suits(path, wanted, asked=asked):
            return lock
    except BaseException:
        lock.release()
        raise
    lock.release()
    return None


def _candidates(asked: Path) -> Iterator[Path]:
    yield asked
    for number in count(2):
        yield asked.with_name(f"{asked.name}-{number}")


def _suits(path: Path, wanted: Row, *, asked: Path) -> bool:
    """Whether the run of `wanted` can live in `path`. Only the folder that was asked for is complained about."""
    try:
        if _is_free(path):
            return True
        return not differences(read_run_json(path)["config"], wanted)
    except (UsageError, InvalidInput):
        if path == asked:
            raise
        return False


def _is_free(path: Path) -> bool:
    """Whether `path` is absent, empty, or holds only what a run killed while it started leaves behind."""
    where = shown(path)
    present = os.path.lexists(path)
    if present and not os.path.isdir(path):
        raise UsageError(f"{where} is a file, not a run folder. Choose another --out.")
    with storage(path, verb="read"):
        names = os.listdir(path) if present else []
    if RUN_JSON in names:
        return False
    if any(name != LOCK and not TEMPORARY.fullmatch(name) for name in names):
        raise UsageError(f"{where} is not a run folder: it is not empty and holds no {RUN_JSON}. Choose another --out.")
    return True


def _notices(asked: Path, path: Path, wanted: Row, *, resumed: bool) -> list[str]:
    notices: list[str] = []
    if path != asked:
        changes = "; ".join(differences(read_run_json(asked)["config"], wanted))
        what = "its own run goes on in" if resumed else "a new run was started in"
        notices.append(f"{changes}; {what} {shown(path)}.")
    with storage(path, verb="read"):
        names = set(os.listdir(path))
    if resumed and JOURNAL not in names and names - {RUN_JSON, LOCK}:
        notices.append(f"{shown(path / JOURNAL)} is missing: every stage runs again.")
    return notices
