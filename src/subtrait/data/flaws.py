"""What is wrong with one row: found without knowing where the row stands, then placed, or handed on as a reject."""

import base64
from dataclasses import dataclass

from subtrait.errors import InvalidInput, escaped
from subtrait.records import Row

_SHOWN = 200
"""Characters of a file name, of a field and of a row's text that a message shows."""


class Flaw(Exception):
    """One row cannot be accepted. Never leaves this package: it becomes an `InvalidInput` or a `Reject`."""

    def __init__(self, code: str, what: str, *, hint: str = "", field: str = "", column: int | None = None) -> None:
        super().__init__(what)
        self.code = code
        """Stable, such as `E_JSON`."""
        self.what = what
        self.hint = hint
        """What to do. Fixed text: nothing of the row may stand in it."""
        self.field = field
        """JSON pointer (RFC 6901) of the value at fault, or empty for the row as a whole."""
        self.column = column
        """Character of the line, from 1, where it is known."""

    def at(self, file: str, line: int) -> InvalidInput:
        """The error for the user: `CODE file:line[:column] [field=pointer]: what (what to do)`."""
        return InvalidInput(
            self.code, place(file, line, column=self.column, field=self.field), self.what, hint=self.hint
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """A row that was put aside instead of stopping the reading."""

    file: str
    """As `FileRecord.name`."""
    line: int
    """Line of the file, or row of a Parquet file, from 1."""
    offset: int | None
    """Bytes of the decompressed file before the line; None where the format has no lines."""
    length: int
    """Bytes of the line without its newline, all of them."""
    code: str
    reason: str
    """What is wrong, in one printable line."""
    field: str
    """JSON pointer, or empty."""
    column: int | None
    raw: bytes
    """The line as it was read, cut at `Limits.reject_bytes`."""

    def as_row(self) -> Row:
        """The reject as one JSON object: the bytes exactly, in base64, and their beginning as printable text."""
        text = self.raw[:_SHOWN].decode("utf-8", "backslashreplace")
        return {
            "file": self.file,
            "line": self.line,
            "offset": self.offset,
            "length": self.length,
            "code": self.code,
            "field": escaped(self.field, limit=_SHOWN),
            "column": self.column,
            "reason": self.reason,
            "text": escaped(text, limit=_SHOWN),
            "raw_base64": base64.b64encode(self.raw).decode("ascii"),
        }


def place(file: str, line: int | None = None, *, column: int | None = None, field: str = "") -> str:
    """Where something is, in the one form that every message of this package uses.

    >>> place("data.jsonl", 3, column=17, field="/messages/0/role")
    'data.jsonl:3:17 field=/messages/0/role'
    """
    # The end of a long path says more than its beginning.
    name = escaped(file, limit=10 * len(file) + 1)
    name = name if len(name) <= _SHOWN else "…" + name[1 - _SHOWN :]
    numbers = "".join(f":{number}" for number in (line, column) if number is not None)
    return f"{name}{numbers}" + (f" field={escaped(field, limit=_SHOWN - 50)}" if field else "")


def pointer(*steps: str | int) -> str:
    """The JSON pointer (RFC 6901) of nested keys and positions.

    >>> pointer("messages", 0, "a/b")
    '/messages/0/a~1b'
    """
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
