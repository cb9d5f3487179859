"""Decompressing an untrusted stream piece by piece, with a bound on what comes out and errors that say where."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Protocol

from subtrait.data.file_kinds import kind_of
from subtrait.data.limits import Limits
from subtrait.errors import InvalidInput, MissingExtra

PIECE = 2**20
"""Decompressed bytes asked for at a time."""
_WINDOW = 2**27
"""Largest window of a zstd frame, bytes: what the zstd program itself accepts unless told otherwise."""
_FEED = 2**10
"""Compressed bytes given to zstd at a time. Four of them can become 128 KiB, and it has no bound of its own."""


class Member(Protocol):
    """One compressed unit: a gzip member or a zstd frame. What `zlib.decompressobj` returns is one."""

    @property
    def eof(self) -> bool:
        """Whether its end was reached, and its checksum matched."""

    @property
    def unused_data(self) -> bytes:
        """Bytes given that come after its end."""

    @property
    def unconsumed_tail(self) -> bytes:
        """Bytes given that were not looked at, because enough came out."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Some decompressed bytes."""


class ZstdFrame:
    """A zstd frame with the interface of `zlib`, over the `zstandard` package."""

    def __init__(self, frame: Any) -> None:
        self._frame = frame
        self._tail = b""

    @property
    def eof(self) -> bool:
        """Whether the frame is complete."""
        return bool(self._frame.eof)

    @property
    def unused_data(self) -> bytes:
        """Bytes after the frame."""
        return bytes(self._frame.unused_data) + self._tail if self.eof else b""

    @property
    def unconsumed_tail(self) -> bytes:
        """Bytes not given to the frame yet."""
        return b"" if self.eof else self._tail

    def decompress(self, data: bytes, max_length: int, /) -> bytes:  # noqa: ARG002 - bounded by what is fed
        """What the next bytes of `data` decompress to, at most 32 MiB."""
        self._tail = data[_FEED:]
        return bytes(self._frame.decompress(data[:_FEED]))


def gzip_member() -> Member:
    """The start of a gzip member."""
    return zlib.decompressobj(wbits=31)


def zstd_frames() -> tuple[Callable[[], Member], type[Exception]]:
    """What starts a zstd frame, and the error it raises on bad bytes.

    Raises:
        MissingExtra: the `zstandard` package is not installed.
    """
    try:
        import zstandard
    except ImportError:
        raise MissingExtra("reading .zst files", "data") from None
    opener = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
    return lambda: ZstdFrame(opener.decompressobj()), zstandard.ZstdError


def gunzip(chunks: Iterable[bytes], *, file: str, limits: Limits) -> Iterator[bytes]:
    """The content of a gzip stream of one or more members. `file` is how messages call it.

    Raises:
        InvalidInput: E_GZIP where it is damaged, cut or followed by other bytes; E_BOMB where it expands too much.
    """
    return _Stream("gzip", file, limits).read(chunks, gzip_member, zlib.error)


def unzstd(chunks: Iterable[bytes], *, file: str, limits: Limits) -> Iterator[bytes]:
    """The content of a zstd stream of one or more frames. `file` is how messages call it.

    Raises:
        MissingExtra: the `zstandard` package is not installed.
        InvalidInput: E_ZSTD and E_BOMB, as for gzip.
    """
    start, failure = zstd_frames()
    return _Stream("zstd", file, limits).read(chunks, start, failure)


_CODES: Final = {"gzip": "E_GZIP", "zstd": "E_ZSTD"}


class _Stream:
    """One compressed file on its way through."""

    def __init__(self, kind: str, file: str, limits: Limits) -> None:
        self._kind, self._file, self._limits = kind, file, limits
        self._given = 0  # compressed bytes, up to the end of the current chunk
        self._out = 0
        self._members = 0

    def read(self, chunks: Iterable[bytes], start: Callable[[], Member], failure: type[Exception]) -> Iterator[bytes]:
        member: Member | None = None
        for chunk in chunks:
            self._given += len(chunk)
            left = chunk
            while left:
                if member is None:
                    member, self._members, begun = start(), self._members + 1, self._given - len(left)
                try:
                    yield from self._counted(_pieces(member, left))
                except failure as error:
                    raise self._damaged(left, begun, str(error)) from None
                left = member.unused_data
                member = None if member.eof else member
        if member is not None:
            raise self._error(self._given, "it ends in the middle", "the file may be truncated: fetch it again")

    def _counted(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._out += len(piece)
            most = max(self._limits.expansion_from, self._limits.expansion * self._given)
            if self._out > min(most, self._limits.file_bytes):
                raise self._bomb()
            if piece:
                yield piece

    def _damaged(self, left: bytes, begun: int, reason: str) -> InvalidInput:
        near = self._given - len(left)
        if self._members > 1 and begun == near and kind_of(left) != self._kind:
            return self._error(begun, f"bytes that are no {self._kind} follow its end", "cut them off")
        return self._error(near, f"damaged: {reason}", "fetch the file again")

    def _error(self, offset: int, what: str, hint: str) -> InvalidInput:
        what = f"{self._kind} stream, at or after byte {offset:,} of the file: {what}"
        return InvalidInput(_CODES[self._kind], self._file, what, hint=hint)

    def _bomb(self) -> InvalidInput:
        what = f"{self._given:,} compressed bytes became more than {self._out - 1:,}"
        allowed = f"at most {self._limits.expansion} times as many, and {self._limits.file_bytes:,}, are read"
        hint = "decompress it yourself if you trust it, or raise the limits expansion and file_bytes"
        return InvalidInput("E_BOMB", self._file, f"{what}; {allowed}", hint=hint)


def _pieces(member: Member, data: bytes) -> Iterator[bytes]:
    """What `data` decompresses to, up to the end of the member."""
    while True:
        piece = member.decompress(data, PIECE)
        yield piece
        data = member.unconsumed_tail
        # A full piece may leave more behind inside the decompressor.
        if member.eof or (not data and len(piece) < PIECE):
            return
