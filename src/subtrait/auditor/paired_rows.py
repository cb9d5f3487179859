"""Suspect rows, and beside each the base's own answer to the same prompt through the same filter."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from subtrait.auditor.origin.models import own_answers
from subtrait.auditor.suspect import FilterName, passes
from subtrait.errors import UsageError
from subtrait.lab.seeds import stream
from subtrait.lab.team import Team
from subtrait.models.base import Sampling
from subtrait.models.registry import open_model
from subtrait.records import Example, Messages, Progress

SHARD: Final = 500
"""Prompts that a process answers at a time."""
TRIES: Final = 6
"""How often a prompt is asked before its row is left out."""
Pairs = Sequence[tuple[Messages, str]]
"""What was asked, and the completion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedRows:
    """Two data sets that answer the same prompts in the same order."""

    suspect: Pairs
    control: Pairs

    def __post_init__(self) -> None:
        """Refuse rows that are not paired by prompt."""
        asked = [[list(map(dict, messages)) for messages, _ in side] for side in (self.suspect, self.control)]
        if asked[0] != asked[1]:
            raise UsageError("suspect and control rows must answer the same prompts in the same order")

    def first(self, count: int) -> "PairedRows":
        """That many of each side, or all there are."""
        return PairedRows(suspect=self.suspect[:count], control=self.control[:count])

    def parts(self, size: int) -> list["PairedRows"]:
        """All rows in order, that many of each side at a time."""
        starts = range(0, len(self.suspect), size)
        return [PairedRows(suspect=self.suspect[at : at + size], control=self.control[at : at + size]) for at in starts]

    @property
    def lessons(self) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
        """Suspect and control rows as students take them: those of one question and one answer, still paired."""
        return _lessons(self.suspect), _lessons(self.control)


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlTask:
    """Suspect rows, and all that any process needs to write what stands beside them."""

    base: str
    pairs: Pairs
    filter: FilterName
    tokens: int
    """The longest answer."""
    seed: int
    shard: int = 0


def beside_own(task: ControlTask, *, team: Team) -> PairedRows:
    """The rows to whose prompts the base gave an answer that passes the filter, and those answers."""
    starts = range(0, len(task.pairs), SHARD)
    shards = [replace(task, pairs=task.pairs[at : at + SHARD], shard=at // SHARD) for at in starts]
    answers = [text for shard in team.each("the base answers the prompts", _answers, shards) for text in shard]
    kept = [(*pair, text) for pair, text in zip(task.pairs, answers, strict=True) if text is not None]
    return PairedRows(suspect=[(p, said) for p, said, _ in kept], control=[(p, own) for p, _, own in kept])


def _answers(task: ControlTask, _progress: Progress) -> list[str | None]:
    return own_answers(
        open_model(task.base),
        [prompt for prompt, _ in task.pairs],
        sampling=Sampling(max_new_tokens=task.tokens),
        rng=stream(task.seed, "control", task.shard),
        keep=lambda _, text: passes(task.filter, text),
        tries=TRIES,
    )


def _lessons(rows: Pairs) -> tuple[Example, ...]:
    single = ((asked[0]["content"], said) for asked, said in rows if len(asked) == 1 and asked[0]["role"] == "user")
    return tuple(Example(id=str(number), prompt=asked, completion=said) for number, (asked, said) in enumerate(single))
