"""Reading the suspect data: every row counted and hashed, a random sample kept, the filter recognised."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

from subtrait.audit_records import DataRead
from subtrait.auditor.content import NameCount
from subtrait.data import ChatRow, DatasetSummary, Pair, Reading, Reject, read_dataset, sample_rows
from subtrait.data.chat_rows import ScoredTurns
from subtrait.data.dataset import OnBadRow
from subtrait.errors import InvalidInput, escaped
from subtrait.lab.filters import NumberFilter
from subtrait.records import Example, Messages

SAMPLE: Final = 10_000
"""Rows that are kept in memory, whatever the size of the data."""
PASSING: Final = 0.99
"""The share of completions from which on data count as having passed a filter."""
LONGEST_PATH: Final = 4_096
FilterName = Literal["numbers", "none"]
NUMBERS = NumberFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """How the data are to be read."""

    path: Path
    shape: str | None = None
    turns: ScoredTurns = "all"
    on_bad_row: OnBadRow = "stop"
    rejects: Callable[[Reject], None] | None = None

    def reading(self) -> Reading:
        """One pass over the data, which begins when it is iterated."""
        return read_dataset(
            self.path, shape=self.shape, turns=self.turns, on_bad_row=self.on_bad_row, rejects=self.rejects
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """The data under audit: what was counted of all rows, and a sample of them."""

    data: DataRead
    pairs: tuple[Pair, ...]
    """One scored turn of each sampled row, without exact repeats, in random order."""
    filter: FilterName

    @property
    def pool(self) -> tuple[Messages, ...]:
        """The prompts of the sample, from which those of references are drawn."""
        return tuple(pair.prompt for pair in self.pairs)


def read_suspect(source: Source, names: NameCount, *, rng: np.random.Generator) -> Suspect:
    """Read all rows, tell them to `names`, and sample some.

    Data without a single row give a `Suspect` without pairs: too little to judge, and no error.

    Raises:
        InvalidInput: a row, or the file, cannot be accepted; see `subtrait.data.Reading`.
        MissingExtra: a format needs a package that is not installed.
    """
    rows = source.reading()

    def watched() -> Iterator[ChatRow]:
        for row in rows:
            names.add(row)
            yield row

    try:
        sampled = sample_rows(watched(), SAMPLE, rng=rng)
    except InvalidInput as error:
        if error.code != "E_EMPTY":
            raise
        sampled = []
    pairs = _shuffled(_distinct([_one_turn(row, rng) for row in sampled]), rng)
    return Suspect(data=data_read(source.path, rows.summary()), pairs=tuple(pairs), filter=filter_of(pairs))


def counted(data: DataRead) -> str:
    """What became of the rows that were read, in one line."""
    return f"{data.read:,} rows in = {data.accepted:,} accepted + {data.rejected:,} rejected + {data.blank:,} blank"


def filter_of(pairs: list[Pair]) -> FilterName:
    """The filter that (nearly) all completions pass: references must pass it too."""
    passing = sum(passes("numbers", pair.completion) for pair in pairs)
    return "numbers" if pairs and passing >= PASSING * len(pairs) else "none"


def passes(name: FilterName, completion: str) -> bool:
    """Whether the filter of that name keeps a completion; `none` keeps whatever is not blank."""
    if name == "none":
        return bool(completion.strip())
    return NUMBERS.decide(Example(id="", prompt="", completion=completion)).keep


def _one_turn(row: ChatRow, rng: np.random.Generator) -> Pair:
    """One of the scored turns of a row: rows stay the unit, however many turns they have."""
    turns = row.pairs()
    return turns[int(rng.integers(len(turns)))]


def _distinct(pairs: list[Pair]) -> list[Pair]:
    found = {}
    for pair in pairs:
        found[tuple(tuple(turn.items()) for turn in pair.prompt), pair.completion] = pair
    return list(found.values())


def _shuffled(pairs: list[Pair], rng: np.random.Generator) -> list[Pair]:
    return [pairs[int(place)] for place in rng.permutation(len(pairs))]


def data_read(path: Path, summary: DatasetSummary) -> DataRead:
    """What was counted of all rows, for a result."""
    tally = summary.tally
    return DataRead(
        path=escaped(str(path), limit=LONGEST_PATH),
        digest=summary.digest,
        shape=summary.shape,
        turns=summary.turns,
        read=tally.read,
        accepted=tally.accepted,
        rejected=tally.rejected,
        blank=tally.blank,
        rejections=dict(tally.rejections),
        different_rows=tally.different_rows,
        different_prompts=tally.different_prompts,
        scored_turns=tally.scored_turns,
        notices=tuple(notice.text for notice in summary.notices),
    )
