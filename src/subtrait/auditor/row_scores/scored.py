"""Every row of a dataset, however large, under the base, the base told something, and other models: the order of work.

Rows are read once, as an audit reads them, and cut into shards; each shard is a task that any process or machine of a
team can do, and is stored whole when it is done. Shards and the passes within them do not depend on who does them, so
the same bytes come out everywhere, and a run that was killed, or lost a machine, scores only what is not stored yet.
Memory holds `WAVE` shards.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

import subtrait
from subtrait.audit_records import DataRead
from subtrait.auditor.suspect import Source, data_read
from subtrait.data import ChatRow
from subtrait.errors import UsageError
from subtrait.lab.team import Team
from subtrait.models.registry import open_model
from subtrait.records import Progress, Store
from subtrait.scoring.hypotheses import Base, Hypothesis, Prompted, Tuned
from subtrait.scoring.rows import RowScores
from subtrait.scoring.streaming import SHARD_ROWS, NamedRow, Shards, cut, score_in_shards

WAVE: Final = 100
"""Shards that are handed out together; the next ones are read when these are done."""
SCHEMA_VERSION: Final = 1
Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """What the base is told, and what that is called."""

    name: str
    system_prompt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorePlan:
    """Which rows are scored under what."""

    source: Source
    base: str
    personas: tuple[Persona, ...] = ()
    models: tuple[str, ...] = ()
    """Other models that may have written the rows, such as tuned copies of the base."""
    shard_rows: int = SHARD_ROWS

    def __post_init__(self) -> None:
        """Refuse names that stand twice, since scores are told apart by them."""
        names = self.names
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise UsageError(f"two hypotheses are called '{twice[0]}': scores could not be told apart")
        if self.shard_rows < 1:
            raise UsageError(f"a shard needs at least 1 row, not {self.shard_rows}")

    @property
    def names(self) -> list[str]:
        """Of the hypotheses, in the order of the scores of a row."""
        return ["base", *(persona.name for persona in self.personas), *self.models]

    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """The models opened. Raises as `open_model`."""
        base = open_model(self.base)
        told = (Prompted(name=each.name, model=base, system_prompt=each.system_prompt) for each in self.personas)
        return (Base(model=base), *told, *(Tuned(name=name, model=open_model(name)) for name in self.models))


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """How well one hypothesis explains all rows."""

    name: str
    log_likelihood: float
    """Nats per scored turn, mean."""
    log_ratio: float
    """The same less that of the base."""
    tokens: int
    better: float
    """Share of the scored turns that it finds likelier than the base does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredData:
    """What scoring a dataset came to. The scores of the rows are in the shards."""

    schema_version: int
    version: str
    base: str
    data: DataRead
    scored: int
    """Scored turns: as many as rows where each has one."""
    shards: int
    shard_rows: int
    explained: tuple[Explained, ...]
    """The base first, then by log-ratio from the largest down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardTask:
    """One shard, and all that any process needs to score it."""

    plan: ScorePlan
    store: Store
    number: int
    rows: list[NamedRow]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sums:
    """What one shard or several add to the result: one number for each hypothesis."""

    rows: int
    log_likelihoods: Array
    tokens: Array
    better: Array

    def and_also(self, other: "Sums") -> "Sums":
        """Both together."""
        return Sums(
            rows=self.rows + other.rows,
            log_likelihoods=self.log_likelihoods + other.log_likelihoods,
            tokens=self.tokens + other.tokens,
            better=self.better + other.better,
        )


def score_data(plan: ScorePlan, store: Store, *, team: Team) -> ScoredData:
    """Score every row; the shards lie in `store`, a line of names, nats and tokens for every scored turn.

    Raises:
        InvalidInput: the data, a checkpoint or a stored shard cannot be accepted; E_NONFINITE as `score_rows`.
        UsageError: an unknown model, or a server that gives no log-probabilities of a prompt.
    """
    reading, carried = plan.source.reading(), replace(plan, source=replace(plan.source, rejects=None))
    sums, shards = _none(len(plan.names)), 0
    for wave in cut(cut(named_rows(reading), plan.shard_rows), WAVE):
        tasks = [ShardTask(plan=carried, store=store, number=shards + n, rows=rows) for n, rows in enumerate(wave)]
        for part in team.each(f"scoring shards from {shards + 1:,} on", score_shard, tasks):
            sums = sums.and_also(part)  # in the order of the rows, so that sums are the same whoever did them
        shards += len(wave)
    data = data_read(plan.source.path, reading.summary())
    return _result(plan, data, sums, shards=shards)


def named_rows(rows: Iterable[ChatRow]) -> Iterator[NamedRow]:
    """Every scored turn, called by its row and, where there are several, by its place among the turns, from 1."""
    for row in rows:
        several = len(row.scored) > 1
        for place, pair in zip(row.scored, row.pairs(), strict=True):
            yield NamedRow(pair, {"row": row.id, "turn": place + 1} if several else {"row": row.id})


def score_shard(task: ShardTask, _progress: Progress) -> Sums:
    """Score one shard and store it, or read it back."""
    shards = Shards(rows=len(task.rows), first=task.number)
    (scores,) = score_in_shards(task.store, task.plan.hypotheses(), task.rows, shards=shards)
    return _sums(scores)


def _none(hypotheses: int) -> Sums:
    nothing = np.zeros(hypotheses)
    return Sums(rows=0, log_likelihoods=nothing, tokens=nothing.astype(np.int64), better=nothing.astype(np.int64))


def _sums(scores: RowScores) -> Sums:
    return Sums(
        rows=len(scores.tokens),
        log_likelihoods=scores.log_likelihoods.sum(axis=0),
        tokens=scores.tokens.sum(axis=0),
        better=(scores.log_ratios() > 0).sum(axis=0),
    )


def _result(plan: ScorePlan, data: DataRead, sums: Sums, *, shards: int) -> ScoredData:
    means = sums.log_likelihoods / sums.rows
    found = [
        Explained(
            name=name,
            log_likelihood=float(mean),
            log_ratio=float(mean - means[0]),
            tokens=int(tokens),
            better=float(better / sums.rows),
        )
        for name, mean, tokens, better in zip(plan.names, means, sums.tokens, sums.better, strict=True)
    ]
    return ScoredData(
        schema_version=SCHEMA_VERSION,
        version=subtrait.__version__,
        base=plan.base,
        data=data,
        scored=sums.rows,
        shards=shards,
        shard_rows=plan.shard_rows,
        explained=(found[0], *sorted(found[1:], key=lambda each: -each.log_ratio)),
    )
