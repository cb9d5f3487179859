"""From an open file to parsed rows: one reader for each format, found by the ending of the file's name."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final, NamedTuple, Protocol

from subtrait.data.decompression import gunzip, unzstd
from subtrait.data.file_kinds import HEAD, check_compressed, check_text
from subtrait.data.flaws import Flaw
from subtrait.data.limits import Limits
from subtrait.data.lines import Line, split_lines
from subtrait.data.notices import Notices
from subtrait.data.opening import OpenFile
from subtrait.data.strict_json import BLANKS, StrictParser
from subtrait.errors import InvalidInput, escaped
from subtrait.records import Row

BOM = b"\xef\xbb\xbf"


class RawRow(NamedTuple):
    """One row before its shape is looked at."""

    line: int
    """Line of the file, or row of a Parquet file, from 1."""
    offset: int | None
    """Bytes of the decompressed file before the line; None where the format has no lines."""
    length: int
    """Bytes of the line."""
    data: bytes
    """The line, or of a line over the limit its beginning; empty where the format has no lines."""
    row: Row | None
    """The parsed object; None for a blank line, and where it was refused."""


Refuse = Callable[[RawRow, Flaw], None]
"""Takes a row that cannot be accepted: raises the error, or puts the row aside."""


class Reader(Protocol):
    """Reads one format."""

    def __call__(self, opened: OpenFile, limits: Limits, *, notices: Notices, refuse: Refuse) -> Iterator[RawRow]:
        """The rows and blank lines of a file. What cannot be parsed is handed to `refuse`, and left out.

        Raises:
            InvalidInput: the file as a whole cannot be read, or is not what its name says.
            MissingExtra: an optional package is needed.
            StorageError: the disk cannot be read.
        """


def suffix_of(name: str) -> str | None:
    """The ending of a file's name that says how to read it, a key of `READERS`, or None."""
    lower = name.lower()
    return next((suffix for suffix in READERS if lower.endswith(suffix)), None)


def read_plain(opened: OpenFile, limits: Limits, *, notices: Notices, refuse: Refuse) -> Iterator[RawRow]:
    """The rows of a JSON Lines file. A `Reader`."""
    return _read_lines(opened.chunks(), opened.file.shown, limits, notices=notices, refuse=refuse)


def read_gzip(opened: OpenFile, limits: Limits, *, notices: Notices, refuse: Refuse) -> Iterator[RawRow]:
    """The rows of a JSON Lines file compressed with gzip. A `Reader`."""
    chunks = gunzip(_compressed(opened, "gzip"), file=opened.file.shown, limits=limits)
    return _read_lines(chunks, opened.file.shown, limits, notices=notices, refuse=refuse)


def read_zstd(opened: OpenFile, limits: Limits, *, notices: Notices, refuse: Refuse) -> Iterator[RawRow]:
    """The rows of a JSON Lines file compressed with zstd. A `Reader`."""
    chunks = unzstd(_compressed(opened, "zstd"), file=opened.file.shown, limits=limits)
    return _read_lines(chunks, opened.file.shown, limits, notices=notices, refuse=refuse)


def read_columns(opened: OpenFile, limits: Limits, *, notices: Notices, refuse: Refuse) -> Iterator[RawRow]:  # noqa: ARG001
    """The rows of a Parquet file. A `Reader`."""
    from subtrait.data.parquet import ParquetLimits, read_parquet

    allowed = ParquetLimits(
        max_depth=limits.depth,
        max_row_bytes=limits.line_bytes,
        max_ratio=limits.expansion,
        free_bytes=limits.expansion_from,
        max_decoded_bytes=limits.file_bytes,
    )

    def reject(number: int, error: InvalidInput) -> None:
        refuse(RawRow(number, None, 0, b"", None), _flaw_of(error))

    for number, row in read_parquet(opened.file.path, limits=allowed, reject=reject, digest=opened):
        yield RawRow(number, None, 0, b"", row)
    # That reader opens the file itself: its bytes went into the digest, and the path must still name this file.
    opened.check_unchanged()


def _flaw_of(error: InvalidInput) -> Flaw:
    what = str(error).removeprefix(f"{error.code} {escaped(error.where, limit=400)}: ")
    return Flaw(error.code, what, field=error.where.partition(" field=")[2])


READERS: Final[dict[str, Reader]] = {
    ".jsonl": read_plain,
    ".jsonl.gz": read_gzip,
    ".jsonl.zst": read_zstd,
    ".json": read_plain,
    ".json.gz": read_gzip,
    ".json.zst": read_zstd,
    ".parquet": read_columns,
}
"""How each format is read, by the ending of a file's name. `.json` files must hold JSON Lines too."""


def _compressed(opened: OpenFile, kind: str) -> Iterator[bytes]:
    head, chunks = _begun(opened.chunks())
    if head:
        check_compressed(head, expected=kind, file=opened.file.shown)
    yield from chunks


def _begun(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes of a stream, enough to tell what it is, and the whole stream."""
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= HEAD:
            break
    return head, chain([head], chunks)


def _read_lines(
    chunks: Iterator[bytes], file: str, limits: Limits, *, notices: Notices, refuse: Refuse
) -> Iterator[RawRow]:
    head, chunks = _begun(chunks)
    check_text(head, file=file)
    start = 0
    if head.startswith(BOM):
        notices.add("W_BOM")
        start, chunks = len(BOM), _without(len(BOM), chunks)
    parser = StrictParser(limits, similar_keys=lambda: notices.add("W_SIMILAR_KEYS"))
    for line in split_lines(chunks, limit=limits.line_bytes, offset=start):
        if not line.data.strip(BLANKS) and line.length <= limits.line_bytes:
            yield _raw(line, None)
            continue
        notices.at(file, line.number)
        try:
            row = _parse(line, parser, limits)
        except Flaw as flaw:
            refuse(_raw(line, None), flaw)
        else:
            yield _raw(line, row)


def _without(count: int, chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield next(chunks)[count:]
    yield from chunks


def _raw(line: Line, row: Row | None) -> RawRow:
    return RawRow(line.number, line.offset, line.length, line.data, row)


def _parse(line: Line, parser: StrictParser, limits: Limits) -> Row:
    if line.length > limits.line_bytes:
        what = f"the line takes {line.length:,} bytes, at most {limits.line_bytes:,} are read"
        raise Flaw("E_LINE_TOO_LONG", what, hint="split the row, or raise the limit line_bytes")
    return parser.parse(line.data, offset=line.offset, ended=line.ended)
