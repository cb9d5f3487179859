"""What the disk answers, in one clear line: every refusal becomes a `StorageError` that says what to do."""

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from subtrait.errors import StorageError, escaped

HEADROOM = 1.2
"""A run starts only if this many times its estimate is free."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_REFUSED = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_FILES = frozenset({errno.EMFILE, errno.ENFILE})
_DISK = _FULL | {errno.EFBIG, errno.EROFS, errno.EIO}
_RUST = re.compile(r"\(os error (\d+)\)")


@contextmanager
def storage(path: Path, *, verb: Literal["read", "write"] = "write", needed: int | None = None) -> Iterator[None]:
    """Turn an `OSError` raised inside into a `StorageError` about `path`; `needed` is the size to be written, bytes.

    Raises:
        StorageError: the operating system refused.
    """
    try:
        yield
    except OSError as error:
        size = "" if needed is None else f"{needed:,} bytes needed"
        raise storage_error(error.errno or errno.EIO, path, verb=verb, size=size) from error


def shown(path: Path) -> str:
    """`path` for a message: no control characters, no line break."""
    return escaped(str(path), limit=400)


def storage_error(number: int, path: Path, *, verb: str = "write", size: str = "") -> StorageError:
    """The one line for the error `number` of the operating system at `path`."""
    known = [part for part in (size, f"{free_bytes(path):,} free" if number == errno.ENOSPC else "") if part]
    details = f" ({', '.join(known)})" if known else ""
    advice = f"{_advice(number)}, then run the same command again"
    return StorageError(f"cannot {verb} {shown(path)}{details}: {os.strerror(number)}. {advice}.")


def _advice(number: int) -> str:
    if number in _FULL:
        return "Free space or choose another --out"
    if number == errno.EFBIG:
        return "Raise the limit of file sizes (ulimit -f) or choose another --out"
    if number in _REFUSED:
        return "Make the folder writable or choose another --out"
    if number in _FILES:
        return "Raise the limit of open files (ulimit -n)"
    return "Check the disk and the path or choose another --out"


def disk_errno(error: Exception) -> int | None:
    """The disk's error number behind `error`, or None if the disk is not to blame.

    Libraries written in Rust (safetensors) raise their own classes and keep the number in the text only.
    """
    if isinstance(error, OSError):
        number = error.errno
    else:
        match = _RUST.search(str(error))
        number = int(match[1]) if match else None
    return number if number in _DISK else None


def free_bytes(path: Path) -> int:
    """Bytes that this user may still write on the disk of `path`, which need not exist yet."""
    for place in (path, *path.absolute().parents):
        try:
            return shutil.disk_usage(place).free
        except OSError:
            continue
    return 0


def check_space(folder: Path, needed_bytes: int) -> None:
    """Refuse to start where less than 1.2 times the estimate `needed_bytes` is free.

    Raises:
        StorageError: there is too little space; says how much is needed and how much there is.
    """
    wanted, free = round(HEADROOM * needed_bytes), free_bytes(folder)
    if free >= wanted:
        return
    sizes = f"{wanted:,} bytes needed ({HEADROOM} times the estimate of {needed_bytes:,}), {free:,} free"
    advice = "Free space or choose another --out, then run the same command again"
    raise StorageError(f"cannot start in {shown(folder)}: {sizes}. {advice}.")
