"""One owner per run folder: an advisory lock on `<run>/lock` that the system frees when its holder dies."""

import errno
import fcntl
import os
import socket
import weakref
from pathlib import Path

from subtrait.errors import RunLocked, StorageError, escaped
from subtrait.runs.disk import shown, storage, storage_error

LOCK = "lock"
"""Name of the lock file. It is never deleted: two processes could then hold two files of one name."""

_UNSUPPORTED = frozenset({errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})


class RunLock:
    """A held lock. It ends with `release` or with the process, even by SIGKILL."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor
        # A forked worker shares the lock: without this, an orphaned worker would hold the folder after its owner died.
        reference = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _release(reference()))

    def release(self) -> None:
        """Free the folder. Does nothing the second time."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _release(lock: RunLock | None) -> None:
    if lock is not None:
        lock.release()


def hold(folder: Path) -> RunLock:
    """Lock the existing run folder `folder` for this process.

    Raises:
        RunLocked: another process holds it; names its process id.
        StorageError: the lock file cannot be written, or the file system knows no locks.
    """
    path = folder / LOCK
    with storage(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    try:
        _lock(descriptor, folder)
        _sign(descriptor, path)
    except BaseException:
        os.close(descriptor)
        raise
    return RunLock(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        advice = "Wait for it to end, or choose another --out"
        raise RunLocked(f"{shown(folder)} is in use by {_holder(descriptor)}. {advice}.") from error
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            message = f"{shown(folder)} is on a file system without locks. Choose an --out on a local disk."
            raise StorageError(message) from error
        raise storage_error(error.errno or errno.EIO, folder / LOCK) from error


def _sign(descriptor: int, path: Path) -> None:
    text = f"{os.getpid()}\n{socket.gethostname()}\n".encode()
    with storage(path, needed=len(text)):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text, 0)


def _holder(descriptor: int) -> str:
    pid, _, host = os.pread(descriptor, 400, 0).decode("utf-8", errors="replace").partition("\n")
    if not pid.isdigit():
        return "another process"
    host = host.strip()
    return f"process {pid}" + (f" on {escaped(host)}" if host and host != socket.gethostname() else "")
