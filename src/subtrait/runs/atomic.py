"""Whole or not at all: files and folders are filled under a temporary name, synced, and renamed into place."""

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from subtrait.errors import SubtraitError
from subtrait.runs.disk import disk_errno, storage, storage_error

TEMPORARY = re.compile(r"\.tmp-(\d+)-[0-9a-f]{8}")
"""Names of unfinished files and folders; the number is the process that was writing."""


def stage_file(target: Path, data: bytes) -> Path:
    """A synced temporary file beside `target` that holds `data`.

    Raises:
        StorageError: it cannot be written; nothing is left behind.
    """
    path = _temporary(target)
    try:
        with storage(target, needed=len(data)):
            make_folders(target.parent)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            try:
                write_all(descriptor, data)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    except BaseException:
        remove(path)
        raise
    return path


def stage_folder(target: Path, make: Callable[[Path], None]) -> Path:
    """A synced temporary folder beside `target`, filled by `make`.

    Raises:
        StorageError: it cannot be written; nothing is left behind.
    """
    path = _temporary(target)
    try:
        with storage(target):
            make_folders(target.parent)
            os.mkdir(path)
        _fill(path, target, make)
        with storage(target):
            _sync_tree(path)
    except BaseException:
        remove(path)
        raise
    return path


def _fill(path: Path, target: Path, make: Callable[[Path], None]) -> None:
    try:
        make(path)
    except SubtraitError:
        raise
    except Exception as error:
        number = disk_errno(error)
        if number is None:
            raise
        size = f"more than {tree_bytes(path):,} bytes needed"
        raise storage_error(number, target, size=size) from error


def place(staged: Path, target: Path) -> None:
    """Rename `staged` to `target`, over whatever is there, and make the rename last.

    Raises:
        StorageError: the rename failed; `staged` is gone.
    """
    try:
        with storage(target):
            if target.is_dir() or staged.is_dir():
                remove(target)
            os.replace(staged, target)
            sync_folder(target.parent)
    except BaseException:
        remove(staged)
        raise


def make_folders(folder: Path) -> None:
    """Create `folder` and its parents so that they survive a power cut."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for path in reversed(missing):
        with suppress(FileExistsError):
            os.mkdir(path)
        sync_folder(path.parent)


def remove(path: Path) -> None:
    """Remove a file, a link (not what it points to) or a folder, as far as the disk allows."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            os.unlink(path)


def sweep(folder: Path) -> None:
    """Remove what dead processes left unfinished inside `folder`; files of anyone else are not touched.

    Call it before this process writes there: a leftover may carry our own number from an earlier life.
    """
    for parent, folders, files in os.walk(folder):
        left = [name for name in (*folders, *files) if _is_left(name)]
        folders[:] = [name for name in folders if name not in left]
        for name in left:
            remove(Path(parent, name))


def _is_left(name: str) -> bool:
    match = TEMPORARY.fullmatch(name)
    return match is not None and (int(match[1]) == os.getpid() or not _alive(int(match[1])))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return not _uncollected(pid)


def _uncollected(pid: int) -> bool:
    """Whether the process has ended and only its number is left, until its parent asks for it; not known on macOS."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"Z"
    except OSError:
        return False


def _temporary(target: Path) -> Path:
    return target.parent / f".tmp-{os.getpid()}-{secrets.token_hex(4)}"


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data`, in one call where the system takes it whole."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def sync_folder(folder: Path) -> None:
    """Make the names inside `folder` survive a power cut."""
    _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_tree(folder: Path) -> None:
    for parent, _, files in os.walk(folder, topdown=False):
        for name in files:
            if not Path(parent, name).is_symlink():
                _sync(Path(parent, name), os.O_RDONLY)
        sync_folder(Path(parent))


def _tree_files(folder: Path) -> Iterator[Path]:
    """Every file and link below `folder`, sorted by its path."""
    found = [Path(parent, name) for parent, folders, files in os.walk(folder) for name in (*folders, *files)]
    return (path for path in sorted(found) if path.is_symlink() or not path.is_dir())


def tree_bytes(folder: Path) -> int:
    """Total size of the files in `folder`, bytes."""
    return sum(path.lstat().st_size for path in _tree_files(folder))


def tree_digest(folder: Path) -> str:
    """SHA-256 over the sorted relative paths of the files in `folder` and the SHA-256 of each."""
    total = hashlib.sha256()
    for path in _tree_files(folder):
        total.update(
            f"{path.relative_to(folder).as_posix()}\0{_content_digest(path)}\n".encode("utf-8", "surrogateescape")
        )
    return total.hexdigest()


def _content_digest(path: Path) -> str:
    # A link counts by where it points: what lies outside the run is no part of it.
    if path.is_symlink():
        return f"link {os.readlink(path)}"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
