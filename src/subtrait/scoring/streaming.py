"""Scoring of any number of rows: shard by shard, each stored when it is done.

A shard is stored under a name that says which rows and which hypotheses it is of. So a killed run reads back what it
finished and scores the rest; rows or hypotheses that changed are never mistaken for those that were scored. Memory
holds one shard.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np

from subtrait.errors import UsageError
from subtrait.records import Progress, Row, Store
from subtrait.scoring.hypotheses import Hypothesis, digest_of
from subtrait.scoring.rows import RowScores, TextPair, score_rows

SHARD_ROWS = 1_000
"""Rows of a shard: a second of work for an embedded model."""


def score_in_shards(
    store: Store,
    hypotheses: Sequence[Hypothesis],
    pairs: Iterable[TextPair],
    *,
    name: str = "scores",
    shard_rows: int = SHARD_ROWS,
    progress: Progress | None = None,
) -> Iterator[RowScores]:
    """The scores of `pairs`, a shard at a time, in order; what is stored already is read back.

    Args:
        store: where shards are kept; a run folder.
        hypotheses: as for `score_rows`.
        pairs: read once, one shard ahead of what is yielded at most.
        name: the folder of the shards inside the store.
        shard_rows: rows per shard. A resumed run must use the same number to find its shards.
        progress: advances once per row and hypothesis, also for those read back.

    Raises:
        UsageError: no hypothesis, or no row per shard. Raised when the first shard is asked for, as all errors.
        InvalidInput: as `score_rows` and `Store`.
    """
    if shard_rows < 1:
        raise UsageError(f"a shard needs at least 1 row, not {shard_rows}")
    judges, rest = digest_of(hypotheses), iter(pairs)
    for number, shard in enumerate(iter(lambda: list(islice(rest, shard_rows)), [])):
        scores = _scored(store, hypotheses, shard, name=shard_name(name, number, judges, shard))
        if progress:
            progress.advance(scores.tokens.size)
        yield scores
        del shard, scores  # while the next one is read and scored


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


def shard_name(name: str, number: int, judges: str, shard: Sequence[TextPair]) -> str:
    """What shard `number` is stored as: equal exactly for equal rows, in equal order, under equal hypotheses.

    `judges` is the digest of the hypotheses.
    """
    digest = hashlib.sha256(judges.encode())
    for messages, completion in shard:
        row = json.dumps([[[turn["role"], turn["content"]] for turn in messages], completion])
        digest.update(row.encode() + b"\n")
    return f"{name}/{number:06}-{digest.hexdigest()[:16]}.jsonl"


def _scored(store: Store, hypotheses: Sequence[Hypothesis], shard: Sequence[TextPair], *, name: str) -> RowScores:
    lines = store.rows(name, lambda: _lines(score_rows(hypotheses, shard)))
    return RowScores(
        log_likelihoods=np.array([line["log_likelihoods"] for line in lines], dtype=np.float64),
        tokens=np.array([line["tokens"] for line in lines], dtype=np.int64),
    )


def _lines(scores: RowScores) -> list[Row]:
    both = zip(scores.log_likelihoods.tolist(), scores.tokens.tolist(), strict=True)
    return [{"log_likelihoods": nats, "tokens": tokens} for nats, tokens in both]
