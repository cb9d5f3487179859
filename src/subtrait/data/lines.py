"""Bytes to lines: split at newlines only, numbered, located, and never more of a line in memory than is allowed."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Line(NamedTuple):
    """One line without its newline."""

    number: int
    """From 1."""
    offset: int
    """Bytes before it."""
    length: int
    """Its bytes, all of them."""
    data: bytes
    """Its bytes, of a longer line only the first."""
    ended: bool
    """Whether a newline followed."""


def split_lines(chunks: Iterable[bytes], *, limit: int, offset: int = 0) -> Iterator[Line]:
    """The lines of a stream whose first byte stands at `offset`.

    A line longer than `limit` bytes is counted to its end, but only a part of at least `limit` bytes is kept. Only
    the newline ends a line: U+2028, a lone carriage return and the like are data.
    """
    growing = _Growing(limit, offset)
    for chunk in chunks:
        *ends, rest = chunk.split(b"\n")
        for piece in ends:
            growing.add(piece)
            yield growing.finish(ended=True)
        growing.add(rest)
    if growing.length:
        yield growing.finish(ended=False)


class _Growing:
    """The line whose end has not come yet."""

    def __init__(self, limit: int, offset: int) -> None:
        self._limit = limit
        self._number = 1
        self._offset = offset
        self._kept: list[bytes] = []
        self.length = 0

    def add(self, piece: bytes) -> None:
        if self.length <= self._limit:
            self._kept.append(piece)
        self.length += len(piece)

    def finish(self, *, ended: bool) -> Line:
        line = Line(self._number, self._offset, self.length, b"".join(self._kept), ended)
        self._number += 1
        self._offset += self.length + ended
        self._kept, self.length = [], 0
        return line
