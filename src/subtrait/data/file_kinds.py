"""What a file really is, by its first bytes, whatever its name says."""

from typing import Final

from subtrait.errors import InvalidInput

HEAD = 512
"""How many first bytes decide, at most."""

SIGNATURES: Final = {
    b"PAR1": "Parquet",
    b"PK\x03\x04": "a zip archive",
    b"PK\x05\x06": "a zip archive",
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x04\x22\x4d\x18": "lz4",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a rar archive",
    b"ARROW1": "Arrow",
    b"\x93NUMPY": "a NumPy array",
    b"\x89HDF\r\n": "HDF5",
    b"SQLite format 3\x00": "an SQLite database",
    b"Obj\x01": "Avro",
    b"ORC": "ORC",
    b"%PDF-": "PDF",
    b"\x7fELF": "a program",
    **{bytes((0x80, protocol)): "a pickle, which can run code when it is loaded" for protocol in range(2, 6)},
}
"""How the formats begin that are taken for data most often."""
_TAR_AT, _TAR = 257, b"ustar"
_MENDS = {
    "Parquet": "rename it to .parquet",
    "gzip": "rename it to .jsonl.gz",
    "zstd": "rename it to .jsonl.zst",
}
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")


def kind_of(head: bytes) -> str | None:
    """The format that `head` begins, or None where it could be text."""
    for signature, kind in SIGNATURES.items():
        if head.startswith(signature):
            return kind
    return "a tar archive" if head[_TAR_AT:].startswith(_TAR) else None


def check_compressed(head: bytes, *, expected: str, file: str) -> None:
    """Refuse a file whose name says `expected` (gzip or zstd) and whose bytes do not.

    Raises:
        InvalidInput: E_FORMAT, naming what it is.
    """
    kind = kind_of(head)
    # A zstd stream may begin with a skippable frame, which has signatures of its own.
    skippable = expected == "zstd" and head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F
    if kind != expected and not skippable:
        what = f"named as {expected}, but its bytes are {kind or f'not {expected}'}"
        raise InvalidInput("E_FORMAT", file, what, hint="rename it to what it is")


def check_text(head: bytes, *, file: str) -> None:
    """Refuse a file that cannot be JSON Lines in UTF-8.

    Raises:
        InvalidInput: E_FORMAT for another format or one JSON array, E_ENCODING for UTF-16 and UTF-32.
    """
    kind = kind_of(head)
    if kind is not None:
        hint = _MENDS.get(kind, "convert it to JSON Lines; it was not opened as what it is")
        raise InvalidInput("E_FORMAT", file, f"expected JSON Lines, but its bytes are {kind}", hint=hint)
    if head.startswith(_WIDE_MARKS) or b"\x00" in head[:4]:
        what = "not UTF-8 at byte 0: it looks like UTF-16 or UTF-32"
        raise InvalidInput("E_ENCODING", file, what, hint="convert it to UTF-8, such as with iconv")
    if _is_array(head.removeprefix(b"\xef\xbb\xbf")):
        hint = "convert it: jq -c '.[]' data.json > data.jsonl"
        raise InvalidInput("E_FORMAT", file, "JSON array; expected JSON Lines, one object a line", hint=hint)


def _is_array(head: bytes) -> bool:
    """Whether the text begins an array of rows, and not a line that is a list among other lines."""
    text = head.lstrip(b" \t\r\n")
    inside = text[1:].lstrip(b" \t\r")
    if not text.startswith(b"[") or inside[:1] not in (b"{", b"]", b"\n", b""):
        return False
    first, _, rest = text.partition(b"\n")
    return not (first.rstrip().endswith(b"]") and rest.strip())
