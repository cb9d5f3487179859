"""What a reader of the result should know of data that was accepted: counted, and located where it first occurred."""

from dataclasses import dataclass
from typing import Final

from subtrait.data.flaws import place
from subtrait.errors import escaped

MEANINGS: Final = {
    "W_BOM": "begins with a UTF-8 byte order mark, which is not part of the first row",
    "W_EMPTY_FILE": "holds no rows",
    "W_HARD_LINK": "has more than one name on this disk, and may change under another",
    "W_UNREAD_FILE": "is in the folder and was not read",
    "W_EXTRA_FIELD": "is a field that the shape does not know: kept, counted in the digest, not scored",
    "W_SIMILAR_KEYS": "has keys that differ only in how Unicode writes the same characters",
    "W_SPECIAL_TOKEN": "holds text that looks like a control token of a chat template; it is read as plain text",
    "W_TOOL_CALL": "has an assistant turn with tool calls, which are not scored",
    "W_EMPTY_COMPLETION": "has a scored turn without text",
    "W_REPEATED_ROW": "repeats an earlier row: same turns, same scored turns",
    "W_REPEATED_ID": "repeats the id of an earlier row",
    "W_INDEX_FULL": "is where the index of repeats was full: counts of different ones are lower bounds",
}
"""Stable code of each notice, and what it says of a row or a file."""

_OTHERS = "others"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing worth knowing that is no error."""

    code: str
    """A key of `MEANINGS`."""
    detail: str
    """Which field, file or index, escaped; empty where the code says it all."""
    count: int
    """In how many rows, or files."""
    first: str
    """Where it occurred first: `file:line`."""

    @property
    def text(self) -> str:
        """The notice as one printable line."""
        detail = f" {self.detail}" if self.detail else ""
        return f"{self.code} {self.first}{detail} (in all {self.count}): {MEANINGS[self.code]}"


class Notices:
    """Collects notices in bounded memory. `at` says where the reading stands."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._file = ""
        self._line: int | None = None
        self._seen: dict[tuple[str, str], tuple[int, str]] = {}

    def at(self, file: str, line: int | None = None) -> None:
        """Say which file and line the next notices are about."""
        self._file, self._line = file, line

    def add(self, code: str, detail: str = "") -> None:
        """Count one occurrence here."""
        key = (code, detail)
        if key not in self._seen and len(self._seen) >= self._limit:
            key = (code, _OTHERS)
        count, first = self._seen.get(key) or (0, place(self._file, self._line))
        self._seen[key] = (count + 1, first)

    def all(self) -> tuple[Notice, ...]:
        """Every notice so far, in the order of their first occurrence."""
        return tuple(
            Notice(code=code, detail=escaped(detail, limit=200), count=count, first=first)
            for (code, detail), (count, first) in self._seen.items()
        )
