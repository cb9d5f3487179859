"""Scoring of any number of rows: shard by shard, each stored when it is done.

A shard is stored under a name that says which rows and which hypotheses it is of. So a killed run reads back what it
finished and scores the rest; rows or hypotheses that changed are never mistaken for those that were scored. Memory
holds one shard.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, TypeVar

import numpy as np

from subtrait.errors import UsageError
from subtrait.records import Progress, Row, Store
from subtrait.scoring.hypotheses import Hypothesis, digest_of
from subtrait.scoring.rows import RowScores, TextPair, score_rows

Item = TypeVar("Item")
SHARD_ROWS: Final = 1_000
"""Rows of a shard: a second of work for an embedded model."""
PER_FOLDER: Final = 1_000
"""Shards that lie in one folder: file systems and people are slow with many more."""


@dataclass(frozen=True, slots=True)
class NamedRow:
    """A row to be scored, and what it is called where its scores are stored."""

    pair: TextPair
    name: Mapping[str, Any] = field(default_factory=dict)
    """Fields that its line of scores begins with, such as `{"row": "17"}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shards:
    """How rows are cut into shards, and where these lie."""

    folder: str = "scores"
    """Inside the store."""
    rows: int = SHARD_ROWS
    """Of a shard. A resumed run must use the same number to find its shards."""
    first: int = 0
    """Number of the first shard: more than 0 where others were scored elsewhere."""


def score_in_shards(
    store: Store,
    hypotheses: Sequence[Hypothesis],
    rows: Iterable[NamedRow],
    *,
    shards: Shards = Shards(),
    progress: Progress | None = None,
) -> Iterator[RowScores]:
    """The scores of `rows`, a shard at a time, in order; what is stored already is read back.

    Args:
        store: where shards are kept; a run folder.
        hypotheses: as for `score_rows`.
        rows: read once, one shard ahead of what is yielded at most.
        shards: how large they are and where they lie.
        progress: advances once per row and hypothesis, also for those read back.

    Raises:
        UsageError: no hypothesis, or no row per shard. Raised when the first shard is asked for, as all errors.
        InvalidInput: as `score_rows` and `Store`.
    """
    judges = digest_of(hypotheses)
    for number, shard in enumerate(cut(rows, shards.rows), start=shards.first):
        scores = _scored(store, hypotheses, shard, name=shard_name(shards.folder, number, judges, shard))
        if progress:
            progress.advance(scores.tokens.size)
        yield scores
        del shard, scores  # while the next one is read and scored


def cut(rows: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The rows, or whatever it is, in shards of `size`, the last one perhaps shorter.

    Raises:
        UsageError: a size below 1.
    """
    if size < 1:
        raise UsageError(f"a shard needs at least 1 row, not {size}")
    rest = iter(rows)
    yield from iter(lambda: list(islice(rest, size)), [])


def joined(shards: Iterable[RowScores]) -> RowScores:
    """All shards as one, for as many rows as fit into memory.

    Raises:
        UsageError: there is no shard.
    """
    parts = list(shards)
    if not parts:
        raise UsageError("there are no rows to score")
    return RowScores(
        log_likelihoods=np.concatenate([part.log_likelihoods for part in parts]),
        tokens=np.concatenate([part.tokens for part in parts]),
    )


def shard_name(folder: str, number: int, judges: str, shard: Sequence[NamedRow]) -> str:
    """What shard `number` is stored as: equal exactly for equal rows, in equal order, under equal hypotheses.

    `judges` is the digest of the hypotheses.
    """
    digest = hashlib.sha256(judges.encode())
    for each in shard:
        messages, completion = each.pair
        row = json.dumps([[[turn["role"], turn["content"]] for turn in messages], completion, each.name])
        digest.update(row.encode() + b"\n")
    return f"{folder}/{number // PER_FOLDER:03}/{number:06}-{digest.hexdigest()[:16]}.jsonl"


def _scored(store: Store, hypotheses: Sequence[Hypothesis], shard: Sequence[NamedRow], *, name: str) -> RowScores:
    lines = store.rows(name, lambda: _lines(shard, score_rows(hypotheses, [each.pair for each in shard])))
    return RowScores(
        log_likelihoods=np.array([line["log_likelihoods"] for line in lines], dtype=np.float64),
        tokens=np.array([line["tokens"] for line in lines], dtype=np.int64),
    )


def _lines(shard: Sequence[NamedRow], scores: RowScores) -> list[Row]:
    each = zip(shard, scores.log_likelihoods.tolist(), scores.tokens.tolist(), strict=True)
    return [{**row.name, "log_likelihoods": nats, "tokens": tokens} for row, nats, tokens in each]
