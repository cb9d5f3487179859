"""Rows of an untrusted Parquet file, read in a process of their own under limits of memory and time.

The reader of the format is native code, and a file of 300 bytes can decode to gigabytes. So a child process (see
`parquet_child`) holds the file, and hands rows over as one JSON line each. What it says is checked again here: it has
looked at hostile bytes. The parent keeps one row at a time, and never imports pyarrow.
"""

import json
import os
import selectors
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from subtrait.errors import InvalidInput, MissingExtra

MAGIC, ENCRYPTED = b"PAR1", b"PARE"
SMALLEST = 12
"""Bytes of a file without any footer: both marks and the footer's length."""
ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "TMPDIR", "VIRTUAL_ENV")
"""What the child process is told of this one's environment: no keys and no addresses."""
QUIET = {"ARROW_DEFAULT_MEMORY_POOL": "system", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""Allocators and thread pools that reserve no address space ahead of use, so that a limit on it means something."""
PIECE = 2**16
SLACK = 2**16
"""Bytes that a message of the child process may take beside a row."""
CHILD = "subtrait.data.parquet_child"
CODES = frozenset(
    {"E_PARQUET", "E_UNSUPPORTED", "E_BOMB", "E_LIMIT", "E_DEPTH", "E_DUPCOL", "E_TYPE", "E_SCHEMA"}
    | {"E_UTF8", "E_NUMBER"}
)
"""What the child process may say."""
AGAIN = "download it again, or write it again with a current Parquet writer"
HOSTILE = "the file is hostile or broken: do not use it"
SPREAD = "if the file is honest and repeats itself, write it as JSON Lines"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParquetLimits:
    """What a file may cost before it is refused. The footer is held against them before any data is read."""

    max_footer_bytes: int = 16 * 2**20
    max_columns: int = 1_000
    """Leaves: a struct of two texts counts as two."""
    max_depth: int = 64
    """Lists and structs inside each other, the row itself counted."""
    max_row_groups: int = 100_000
    max_rows: int = 10**10
    max_row_bytes: int = 16 * 2**20
    """Of one row as JSON."""
    max_ratio: int = 200
    """Decoded bytes for each byte of the file, once more than `free_bytes` are decoded."""
    free_bytes: int = 64 * 2**20
    max_decoded_bytes: int = 2**40
    memory_bytes: int = 2**30
    """Address space of the child process, its libraries included."""
    cpu_seconds: int = 60
    """Processor time until the first row, and again for each further `free_bytes` of rows."""
    silent_seconds: float = 120
    """Longest wait for the next row, by the clock."""


LIMITS = ParquetLimits()
Reject = Callable[[int, InvalidInput], None]


class Digest(Protocol):
    """What hashlib's objects are."""

    def update(self, data: bytes, /) -> None:
        """Take in more bytes."""


def read_parquet(
    path: Path, *, limits: ParquetLimits = LIMITS, reject: Reject | None = None, digest: Digest | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every row with its number, from 1, as plain Python values: text, numbers, lists, dicts and None.

    Dates, times and decimals arrive as text. Schema metadata, of pandas and others, is ignored. The rows are those of
    the bytes that were there when reading began; an iteration that is given up ends the child process.

    Args:
        path: A regular file.
        limits: What it may cost.
        reject: Called with the number of each row that alone is bad, and its error, instead of raising it; reading
            goes on. Rows in the file are rows yielded plus rows rejected.
        digest: Takes in the whole file, through the descriptor that the rows are read from, before the first row.

    Raises:
        MissingExtra: pyarrow is not installed.
        InvalidInput: E_PATH; E_PARQUET for a damaged file; E_UNSUPPORTED for encryption, unknown codecs, extension
            types; E_BOMB, E_LIMIT, E_DEPTH; E_DUPCOL, E_TYPE, E_SCHEMA for columns; E_CHANGED where the file changed
            while it was read. Of one row: E_UTF8, E_NUMBER, E_SCHEMA, E_LIMIT.
    """
    if find_spec("pyarrow") is None:
        raise MissingExtra("reading Parquet", "data")
    return _rows(path, limits, reject, digest)


def _rows(
    path: Path, limits: ParquetLimits, reject: Reject | None, digest: Digest | None
) -> Iterator[tuple[int, dict[str, Any]]]:
    with _opened(path) as descriptor:
        before = _state(descriptor)
        try:
            _check_frame(path, descriptor, limits)
            if digest is not None:
                _take_in(descriptor, digest)
            with _child(descriptor, limits) as process:
                yield from _told(path, process, limits, size=before[0], reject=reject)
        except InvalidInput:
            _refuse_change(path, descriptor, before)
            raise
        _refuse_change(path, descriptor, before)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:  # a pipe without a writer must not block
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as problem:
        raise InvalidInput("E_PATH", path, f"cannot be opened: {problem.strerror}") from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise InvalidInput("E_PATH", path, "not a regular file", hint="give the path of a Parquet file")
        yield descriptor
    finally:
        os.close(descriptor)


def _state(descriptor: int) -> tuple[int, ...]:
    found = os.fstat(descriptor)
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _refuse_change(path: Path, descriptor: int, before: tuple[int, ...]) -> None:
    if _state(descriptor) != before:
        hint = "copy it, then read the copy"
        raise InvalidInput("E_CHANGED", path, "the file changed while it was read", hint=hint) from None


def _check_frame(path: Path, descriptor: int, limits: ParquetLimits) -> None:
    """The marks at both ends and the length of the footer: what can be said without parsing."""
    size = os.fstat(descriptor).st_size
    first, tail = os.pread(descriptor, 4, 0), os.pread(descriptor, 8, max(size - 8, 0))
    if ENCRYPTED in (first, tail[4:]):
        raise InvalidInput("E_UNSUPPORTED", path, "the Parquet file is encrypted", hint="decrypt it first")
    if size < SMALLEST or first != MAGIC or tail[4:] != MAGIC:
        what = "no Parquet file, or a truncated one: it does not begin and end with PAR1"
        raise InvalidInput("E_PARQUET", path, what, hint=AGAIN)
    footer = int.from_bytes(tail[:4], "little")
    if footer > size - SMALLEST:
        what = f"it declares a footer of {footer} bytes in a file of {size}"
        raise InvalidInput("E_PARQUET", path, what, hint=AGAIN)
    if footer > limits.max_footer_bytes:
        what = f"the footer takes {footer} bytes, at most {limits.max_footer_bytes} are read"
        raise InvalidInput("E_LIMIT", path, what, hint="write it with fewer columns and larger row groups")


def _take_in(descriptor: int, digest: Digest) -> None:
    start = 0
    while piece := os.pread(descriptor, 2**20, start):
        digest.update(piece)
        start += len(piece)


@contextmanager
def _child(descriptor: int, limits: ParquetLimits) -> Iterator[subprocess.Popen[bytes]]:
    # -P: a file of the working directory must not stand in for a module
    command = [sys.executable, "-P", "-m", CHILD, json.dumps(asdict(limits))]
    environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ} | QUIET
    os.lseek(descriptor, 0, os.SEEK_SET)
    process = subprocess.Popen(
        command, stdin=descriptor, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in filter(None, (process.stdout, process.stderr)):
            pipe.close()


def _told(
    path: Path, process: subprocess.Popen[bytes], limits: ParquetLimits, *, size: int, reject: Reject | None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows among what the child process says, once each line is what it may be."""
    number, decoded = 0, 0
    most = min(limits.max_decoded_bytes, max(limits.free_bytes, limits.max_ratio * size))
    for line in _lines(path, process, limits):
        decoded += len(line)
        if decoded > most:
            what = f"the rows up to {number + 1} take more than {most} bytes, too many for a file of {size}"
            raise InvalidInput("E_BOMB", path, what, hint=SPREAD)
        said = _parsed(path, line)
        if isinstance(said, dict):
            number += 1
            yield number, said
        elif said == ["done", number]:
            return
        else:
            problem = _problem(path, said)
            if reject is None or said[0] != "reject" or said[4] != number + 1:
                raise problem
            number += 1
            reject(number, problem)
    raise _ended(path, process, limits)


def _lines(path: Path, process: subprocess.Popen[bytes], limits: ParquetLimits) -> Iterator[bytes]:
    """Whole lines, none longer than a row may be, each within the time that is allowed for it."""
    assert process.stdout is not None  # noqa: S101
    pipe, pending, held = process.stdout.fileno(), [b""], 0
    with selectors.DefaultSelector() as ready:
        ready.register(pipe, selectors.EVENT_READ)
        while ready.select(limits.silent_seconds):
            piece = os.read(pipe, PIECE)
            if not piece:
                return
            *whole, rest = piece.split(b"\n")
            if whole:
                yield b"".join([*pending, whole[0]])
                yield from whole[1:]
                pending, held = [], 0
            pending.append(rest)
            held += len(rest)
            if held > limits.max_row_bytes + SLACK:
                raise _broken(path)
    what = f"nothing was read from it for {limits.silent_seconds:g} seconds"
    raise InvalidInput("E_LIMIT", path, what, hint=HOSTILE)


def _parsed(path: Path, line: bytes) -> Any:
    def refused(name: str) -> float:
        raise ValueError(name)

    try:
        return json.loads(line.decode("utf-8"), parse_constant=refused)
    except (ValueError, RecursionError):
        raise _broken(path) from None


def _problem(path: Path, said: Any) -> InvalidInput:
    """The error in `[kind, code, what, hint, row, field]`; row 0 stands for the whole file."""
    if not isinstance(said, list) or [type(part) for part in said] != [str, str, str, str, int, str]:
        return _broken(path)
    _, code, what, hint, row, field = said
    if code not in CODES:
        return _broken(path)
    where = f"{path}:{row}" if row else str(path)
    return InvalidInput(code, f"{where} field={field}" if field else where, what, hint=hint)


def _ended(path: Path, process: subprocess.Popen[bytes], limits: ParquetLimits) -> InvalidInput:
    """The error for a child process that ended without saying why."""
    code, last_words = process.wait(), os.read(process.stderr.fileno(), PIECE) if process.stderr else b""
    if b"decrypt" in last_words:  # the library aborts where a column is encrypted and the footer is not
        return InvalidInput("E_UNSUPPORTED", path, "a column of the file is encrypted", hint="decrypt it first")
    if code == -signal.SIGXCPU:
        what = f"reading it takes more than {limits.cpu_seconds} seconds of processor time for a few rows"
        return InvalidInput("E_LIMIT", path, what, hint=HOSTILE)
    if code == -signal.SIGKILL:
        return InvalidInput("E_LIMIT", path, "the system ended its reader, most likely for memory", hint=HOSTILE)
    what = f"the Parquet library broke down on it ({f'signal {-code}' if code < 0 else f'status {code}'})"
    return InvalidInput("E_PARQUET", path, what, hint=AGAIN)


def _broken(path: Path) -> InvalidInput:
    return InvalidInput("E_PARQUET", path, "its reader said something that is no row", hint=HOSTILE)
