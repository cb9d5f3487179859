"""Suspect rows, and beside each the base's own answer to the same prompt through the same filter."""

from collections.abc import Sequence
from dataclasses import dataclass

from subtrait.errors import UsageError
from subtrait.records import Example, Messages

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

    @property
    def lessons(self) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
        """Suspect and control rows as students take them: those of one question and one answer, still paired."""
        return _lessons(self.suspect), _lessons(self.control)


def _lessons(rows: Pairs) -> tuple[Example, ...]:
    single = ((asked[0]["content"], said) for asked, said in rows if len(asked) == 1 and asked[0]["role"] == "user")
    return tuple(Example(id=str(number), prompt=asked, completion=said) for number, (asked, said) in enumerate(single))
