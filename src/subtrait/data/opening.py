"""Opening an untrusted file: once, without following links, and hashing exactly the bytes that are parsed."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from subtrait.data.flaws import place
from subtrait.data.limits import Limits
from subtrait.errors import InvalidInput, StorageError, escaped

CHUNK = 2**20
"""Bytes read at a time."""

_FOLDER = os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY
# A FIFO opens without waiting for a writer, and is then refused.
_FILE = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_REASONS = {
    errno.ENOENT: ("no such file", "check the path"),
    errno.ELOOP: ("a link, which is not followed", "give the file itself"),
    errno.ENOTDIR: ("a part of the path is no folder, or a link inside the dataset", "give the file itself"),
    errno.EACCES: ("no permission to read it", "make it readable, or leave it out of the dataset"),
    errno.EPERM: ("no permission to read it", "make it readable, or leave it out of the dataset"),
    errno.ENAMETOOLONG: ("the name is too long", "give a shorter path"),
    errno.ENXIO: ("not a regular file", "copy its content into a file"),
}


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of a dataset: the folder that was trusted by naming it, and the way from there to the file."""

    root: Path
    name: str
    """Relative to `root`, with `/`. No part of it may be a link."""

    @property
    def path(self) -> Path:
        """Where it is, as the user would write it."""
        return self.root / self.name

    @property
    def shown(self) -> str:
        """The path for messages: printable, its end kept where it is long."""
        return place(str(self.path))


class OpenFile:
    """One open regular file. Its bytes are read once, in order, and hashed on the way."""

    def __init__(self, file: DataFile, descriptor: int) -> None:
        self.file = file
        self._descriptor = descriptor
        self._before = os.fstat(descriptor)
        self._digest = hashlib.sha256()
        self.position = 0
        """Bytes read so far."""

    @property
    def size(self) -> int:
        """Bytes of the file when it was opened."""
        return self._before.st_size

    @property
    def hard_links(self) -> int:
        """Names that this file has on its disk."""
        return self._before.st_nlink

    @property
    def sha256(self) -> str:
        """Of the bytes read so far, in hexadecimal."""
        return self._digest.hexdigest()

    def chunks(self) -> Iterator[bytes]:
        """The bytes of the file, as they are on disk.

        Raises:
            InvalidInput: E_CHANGED where the file changed since it was opened.
            StorageError: the disk cannot be read.
        """
        while chunk := self._read():
            self.update(chunk)
            if self.position > self.size:
                raise self._changed("it grew")
            yield chunk
        self.check_unchanged()

    def update(self, data: bytes, /) -> None:
        """Take in the next bytes of the file, read here or by a reader that opens it for itself."""
        self.position += len(data)
        self._digest.update(data)

    def _read(self) -> bytes:
        try:
            return os.read(self._descriptor, CHUNK)
        except OSError as error:
            raise _storage_error(error, self.file) from error

    def check_unchanged(self) -> None:
        """Once all is read: raise E_CHANGED where the file, or what its path names, is not what was opened."""
        now = os.fstat(self._descriptor)
        if now.st_size != self.size or self.position != self.size:
            raise self._changed("its size changed")
        if now.st_mtime_ns != self._before.st_mtime_ns:
            raise self._changed("it was written to")
        try:
            named = os.lstat(self.file.path)
        except OSError:
            raise self._changed("it was removed") from None
        if (named.st_dev, named.st_ino) != (now.st_dev, now.st_ino):
            raise self._changed("another file took its place")

    def _changed(self, how: str) -> InvalidInput:
        hint = "wait until nothing writes to it, then read it again"
        return InvalidInput("E_CHANGED", self.file.shown, f"the file changed while it was read: {how}", hint=hint)


@contextmanager
def open_file(file: DataFile, limits: Limits) -> Iterator[OpenFile]:
    """Open `file` once; nothing on the way from its root may be a link.

    Raises:
        InvalidInput: E_PATH where it is no readable regular file, E_LIMIT where it is too large.
        StorageError: the operating system refused for a reason that is not the file's.
    """
    try:
        descriptor = _open_below(file)
    except OSError as error:
        raise path_error(error, file) from None
    except ValueError:  # a NUL in the name
        raise InvalidInput("E_PATH", file.shown, "not a file name", hint="check the path") from None
    try:
        _check(file, os.fstat(descriptor), limits)
        yield OpenFile(file, descriptor)
    finally:
        os.close(descriptor)


def _open_below(file: DataFile) -> int:
    """A descriptor of the file, opened folder by folder so that no link is followed."""
    *folders, name = file.name.split("/")
    here = os.open(file.root, _FOLDER)
    try:
        for folder in folders:
            above, here = here, os.open(folder, _FOLDER | os.O_NOFOLLOW, dir_fd=here)
            os.close(above)
        # Looked at first: opening a device can act on it.
        refuse_special(file, os.stat(name, dir_fd=here, follow_symlinks=False).st_mode)
        return os.open(name, _FILE, dir_fd=here)
    finally:
        os.close(here)


def _check(file: DataFile, status: os.stat_result, limits: Limits) -> None:
    refuse_special(file, status.st_mode)
    if status.st_size > limits.file_bytes:
        what = f"{status.st_size:,} bytes, at most {limits.file_bytes:,} are read"
        raise InvalidInput("E_LIMIT", file.shown, what, hint="split it, or raise the limit file_bytes")


def refuse_special(file: DataFile, mode: int) -> None:
    """Raise E_PATH unless `mode` is that of a regular file; says what it is."""
    if stat.S_ISREG(mode):
        return
    if stat.S_ISLNK(mode):
        target = escaped(os.path.realpath(file.path), limit=200)
        raise InvalidInput(
            "E_PATH", file.shown, "a link, which is not followed", hint=f"give the file itself: {target}"
        )
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket"}
    kind = kinds.get(stat.S_IFMT(mode), "a device")
    raise InvalidInput("E_PATH", file.shown, f"{kind}, not a regular file", hint="copy its content into a file")


def path_error(error: OSError, file: DataFile) -> InvalidInput | StorageError:
    """The one line for a path that cannot be opened: the user's to mend, or the machine's."""
    if error.errno not in _REASONS:
        return _storage_error(error, file)
    what, hint = _REASONS[error.errno]
    return InvalidInput("E_PATH", file.shown, what, hint=hint)


def _storage_error(error: OSError, file: DataFile) -> StorageError:
    reason = os.strerror(error.errno or errno.EIO)
    return StorageError(f"cannot read {file.shown}: {reason}. Check the disk, then run the same command again.")
