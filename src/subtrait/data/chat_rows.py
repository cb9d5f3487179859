"""What reading a dataset yields: rows, and at the end what was read, counted and digested."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from subtrait.data.notices import Notice
from subtrait.data.turns import Turn
from subtrait.records import Messages

ScoredTurns = Literal["all", "last"]
"""Which of the assistant turns of a row that training would learn are scored."""


class Pair(NamedTuple):
    """What a scorer asks about: how likely is this completion after these messages?"""

    prompt: Messages
    """The turns before, the system prompt included."""
    completion: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRow:
    """One accepted row, whatever shape it was written in."""

    id: str
    """The row's own, as text; `file:line` where it has none."""
    turns: tuple[Turn, ...]
    scored: tuple[int, ...]
    """Positions of the scored assistant turns, in order; at least one."""
    file: str
    """As `FileRecord.name`."""
    line: int
    """Line of the file, or row of a Parquet file, from 1."""
    source: Mapping[str, Any] = field(compare=False, repr=False)
    """The row as it was parsed, unknown fields included. Not to be changed."""

    @property
    def prompt(self) -> Messages:
        """The turns before the last scored one."""
        return _messages(self.turns[: self.scored[-1]])

    @property
    def completion(self) -> str:
        """The last scored turn."""
        return self.turns[self.scored[-1]].content

    def pairs(self) -> tuple[Pair, ...]:
        """Each scored turn with the turns before it."""
        return tuple(Pair(_messages(self.turns[:index]), self.turns[index].content) for index in self.scored)


def _messages(turns: tuple[Turn, ...]) -> Messages:
    return tuple({"role": turn.role, "content": turn.content} for turn in turns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many rows came in and what became of them. `read` is accepted + rejected + blank at every moment."""

    read: int
    """Lines, or rows of Parquet files, counted as they came."""
    accepted: int
    rejected: int
    blank: int
    rejections: Mapping[str, int]
    """Rejected rows by code."""
    assistant_turns: int
    """In the accepted rows, all of them."""
    scored_turns: int
    different_rows: int
    """Accepted rows without exact repeats of turns and scored turns: exact, or where `bounded` at least this many."""
    different_prompts: int
    """Different sequences of turns before the first scored one; exact or at least, as above."""
    different_ids: int
    bounded: bool
    """Whether an index of repeats was full, so that the three counts above are lower bounds."""

    @property
    def adds_up(self) -> bool:
        """Whether no row was lost."""
        return (
            self.read == self.accepted + self.rejected + self.blank and sum(self.rejections.values()) == self.rejected
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """One file that was read to its end."""

    name: str
    """Relative to the folder of the dataset; control characters escaped."""
    bytes: int
    """On disk."""
    rows: int
    """Number of its last line or row."""
    sha256: str
    """Of the bytes on disk, taken in while they were parsed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSummary:
    """What was read, for the verdict."""

    shape: str | None
    """A key of `SHAPES`; None where no row could be read."""
    turns: ScoredTurns
    tally: Tally
    files: tuple[FileRecord, ...]
    """In the order they were read."""
    unread: tuple[str, ...]
    """Files and hidden folders in the folder of the dataset that were not read; a hidden folder ends in `/`."""
    digest: str
    """Of a single file its SHA-256. Of a folder the SHA-256 of the lines `<sha256>  <name>` of its files in order,
    which `sha256sum` prints for them.
    """
    notices: tuple[Notice, ...]
