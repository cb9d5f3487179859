"""The process that reads a Parquet file for `parquet`: standard input is the file, standard output one line per row.

A line is a JSON object, which is a row, or a list: `["done", rows]` once, at the end; `["refuse", code, what, hint,
row, field]` where reading cannot go on; `["reject", …]` for one bad row, after which it goes on.
Run as `python -m subtrait.data.parquet_child LIMITS`, with `ParquetLimits` as JSON.
"""

import json
import math
import os
import resource
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

from subtrait.data.parquet import AGAIN, HOSTILE, SPREAD, ParquetLimits
from subtrait.data.parquet_schema import Refusal, arrow, check_footer, flat_texts, plain_schema

BATCH = 64
"""Rows decoded together. Text that is not inside a list or a struct stays a dictionary here."""
SLICE = 16
"""Rows of a batch that are spelt out together."""
BUFFER = 2**18
MOST_ENTRIES = 2**21
"""Of one list in the footer: what is allocated for them fits the memory limit."""
TO_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":"))


def lines(file: BinaryIO, limits: ParquetLimits) -> Iterator[bytes]:
    """Everything there is to say about the Parquet file that `file` is positioned in, a line at a time."""
    pa, row = arrow(), 0
    try:
        for said in _rows(pa, file, limits):
            row += 1
            yield said if isinstance(said, bytes) else _line("reject", said)
        yield TO_JSON.encode(["done", row]).encode()
    except Refusal as refusal:
        yield _line("refuse", refusal)
    except MemoryError:
        what = f"after row {row} it takes more than {limits.memory_bytes} bytes of memory"
        yield _line("refuse", Refusal("E_BOMB", what, hint=SPREAD))
    except RecursionError:
        yield _line("refuse", Refusal("E_DEPTH", "nested too deeply", hint=HOSTILE))
    except Exception as problem:  # the library raises whatever a damaged file provokes
        yield _line("refuse", _explained(pa, problem))


def _line(kind: str, refusal: Refusal) -> bytes:
    return TO_JSON.encode([kind, *refusal.parts]).encode("utf-8", "replace")


def _explained(pa: Any, problem: Exception) -> Refusal:
    what = " ".join(str(problem).split())[:300] or type(problem).__name__
    if any(word in what.lower() for word in ("encrypt", "decrypt", "crypto")):
        return Refusal("E_UNSUPPORTED", f"encrypted: {what}", hint="decrypt it first")
    if isinstance(problem, pa.ArrowNotImplementedError):
        return Refusal("E_UNSUPPORTED", what, hint=AGAIN)
    return Refusal("E_PARQUET", what, hint=AGAIN)


def _rows(pa: Any, file: BinaryIO, limits: ParquetLimits) -> Iterator[bytes | Refusal]:
    """Each row as JSON, or why it is rejected."""
    from pyarrow.parquet import ParquetFile  # type: ignore[import-untyped]

    size, source = os.fstat(file.fileno()).st_size, pa.PythonFile(file, mode="r")
    sizes = {"thrift_string_size_limit": limits.max_footer_bytes,
             "thrift_container_size_limit": MOST_ENTRIES}  # fmt: skip
    first = ParquetFile(source, **sizes)
    check_footer(first.metadata, size=size, limits=limits)
    plain = plain_schema(first.schema_arrow, limits=limits)
    opened = ParquetFile(
        source, metadata=first.metadata, read_dictionary=flat_texts(first.schema), buffer_size=BUFFER, **sizes
    )
    turns = [field.name for field in plain if _holds_turns(pa, field.type)]
    row = 0
    for batch in opened.iter_batches(batch_size=BATCH, use_threads=False):
        for piece, checked in _pieces(pa, batch):
            for one in _spelt(pa, piece, plain, row=row, checked=checked):
                row += 1
                yield one if isinstance(one, Refusal) else _encoded(one, row, turns, limits)
    if row != first.metadata.num_rows:
        raise Refusal("E_PARQUET", f"{first.metadata.num_rows} rows declared, {row} are there", hint=AGAIN)


def _holds_turns(pa: Any, kind: Any) -> bool:
    return bool(pa.types.is_list(kind) and pa.types.is_struct(kind.value_type))


def _pieces(pa: Any, batch: Any) -> Iterator[tuple[Any, bool]]:
    """Small slices of a batch and whether their text is known to be UTF-8; single rows where it is not."""
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid as problem:
        if "utf8" not in str(problem).lower():
            raise
        yield from ((batch.slice(start, 1), False) for start in range(batch.num_rows))
    else:
        yield from ((batch.slice(start, SLICE), True) for start in range(0, batch.num_rows, SLICE))


def _spelt(pa: Any, piece: Any, plain: Any, *, row: int, checked: bool) -> list[dict[str, Any] | Refusal]:
    """The rows of a slice as Python values."""
    spelt = piece.cast(plain)
    if not checked and (field := _undecodable(pa, spelt)):
        hint = "convert the file to UTF-8"
        return [Refusal("E_UTF8", "text that is not valid UTF-8", hint=hint, row=row + 1, field=field)]
    rows: list[dict[str, Any] | Refusal] = spelt.to_pylist()
    return rows


def _undecodable(pa: Any, single: Any) -> str:
    """Where in a batch of one row text cannot be decoded; empty where all can."""
    for name, column in zip(single.schema.names, single.columns, strict=True):
        if found := _bad_text(pa, column[0], f"/{name}"):
            return found
    return ""


def _bad_text(pa: Any, value: Any, where: str) -> str:
    try:
        value.as_py()
    except UnicodeDecodeError:
        if pa.types.is_struct(value.type):
            inner = [(name, value[name]) for name in value]
        elif pa.types.is_list(value.type):
            inner = list(enumerate(value.values))
        else:
            return where
        return next(filter(None, (_bad_text(pa, one, f"{where}/{key}") for key, one in inner)), where)
    return ""


def _encoded(values: dict[str, Any], row: int, turns: list[str], limits: ParquetLimits) -> bytes | Refusal:
    for name in turns:
        if values[name] is not None and None in values[name]:
            field = f"/{name}/{values[name].index(None)}"
            return Refusal("E_SCHEMA", "an element that is null", hint="drop the row", row=row, field=field)
    try:
        line = TO_JSON.encode(values).encode()
    except ValueError:
        hint = "use null for a missing number"
        return Refusal("E_NUMBER", "a number that is NaN or infinite", hint=hint, row=row, field=_not_finite(values))
    if len(line) > limits.max_row_bytes:
        what = f"the row takes {len(line)} bytes, at most {limits.max_row_bytes} are read"
        return Refusal("E_LIMIT", what, hint="shorten or drop it", row=row)
    return line


def _not_finite(value: Any, where: str = "") -> str:
    if isinstance(value, float):
        return "" if math.isfinite(value) else where
    inner: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return next(filter(None, (_not_finite(one, f"{where}/{key}") for key, one in inner)), "")


def _confine(limits: ParquetLimits) -> None:
    """Give up what reading does not need: memory, files to write, cores to dump."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _allow_time(seconds: int) -> None:
    """Let this process use `seconds` more of processor time."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def _main() -> None:
    limits = ParquetLimits(**json.loads(sys.argv[1]))
    # Whatever a library prints must not get between the lines
    said = os.fdopen(os.dup(1), "wb", buffering=2**16)
    os.dup2(2, 1)
    arrow()
    _confine(limits)
    _allow_time(limits.cpu_seconds)
    since = 0
    with os.fdopen(0, "rb", buffering=0, closefd=False) as file:
        for line in lines(file, limits):
            said.write(line + b"\n")
            since += len(line)
            if since > limits.free_bytes:
                _allow_time(limits.cpu_seconds)
                since = 0
    said.flush()


if __name__ == "__main__":
    try:
        _main()
    except BrokenPipeError:
        os._exit(0)  # nobody listens any more
