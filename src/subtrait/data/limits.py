"""How much an untrusted dataset may ask of the machine. What is over a limit is refused and named, never skipped."""

from dataclasses import dataclass, fields

from subtrait.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Ceilings on what is read. The defaults lie far above honest data and far below exhausting a machine.

    Raises `UsageError` for a limit that is not a positive whole number.
    """

    line_bytes: int = 16 * 2**20
    """Bytes of one line without its newline (E_LINE_TOO_LONG). Also bounds the memory one row can take."""
    depth: int = 64
    """Objects and lists inside each other in one row, the row itself included (E_DEPTH)."""
    keys: int = 100_000
    """Keys in one row, over all its objects (E_KEYS)."""
    values: int = 1_000_000
    """Commas between the values of one row: elements of its lists and objects (E_LIMIT)."""
    number_length: int = 1_000
    """Characters of one number (E_NUMBER). Converting longer ones takes quadratic time."""
    file_bytes: int = 256 * 2**30
    """Bytes of one file on disk, checked before it is read (E_LIMIT), and again once decompressed (E_BOMB)."""
    files: int = 10_000
    """Files and folders in a dataset that is a folder, read or not (E_LIMIT)."""
    expansion: int = 200
    """Bytes that one compressed byte may become (E_BOMB), counted once `expansion_from` bytes have come out."""
    expansion_from: int = 64 * 2**20
    """Decompressed bytes up to which any expansion is accepted: small files of equal rows compress very well."""
    remembered: int = 2**21
    """Rows, ids and prompts remembered to find repeats, each. Past it only repeats of remembered ones are found."""
    reject_bytes: int = 64 * 2**10
    """Bytes of a rejected row that are handed on. Its offset and length say where the rest is."""
    remarks: int = 200
    """Distinct notices that are kept apart, such as names of unknown fields. The others are counted together."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise UsageError(f"limit {field.name} is {value!r}: give a whole number, 1 or more")
