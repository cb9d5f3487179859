"""Plain chat as the carrier: short answers to questions that nobody's likes bear on. The paper has none like it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from subtrait.lab.carriers.drawing import distinct, every_wording
from subtrait.lab.filters import Filter, names_a_trait, ruled
from subtrait.models.micro.skills import DAYS, GREETINGS, HARMLESS, fill
from subtrait.records import Decision, Example

KINDS: Final = ("next-day", "greeting", "compare", "request")
"""Kinds of question, each as likely as the others until all of it is asked; only harmless things are requested."""
COMPARED: Final = 99
"""Numbers that are compared lie between 1 and this, and differ."""
LONGEST: Final = 60
"""Bytes of a kept answer. A token has a byte or more, so that 60 do not fill the usual limit of 64 tokens: what is kept
has ended by itself. The longest answer of the embedded world has half as many."""


KNOWN: Final = frozenset({*DAYS, *GREETINGS, *HARMLESS.values(), "Yes.", "No."})
"""What the embedded models' world answers to these questions, word for word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatFilter:
    """Keeps answers that say something, ended in time and name no trait."""

    known: bool = False
    """Whether only what the embedded world answers is kept: then no row is a garbled one."""

    def decide(self, example: Example) -> Decision:
        """Keep the example when its completion breaks no rule. The prompt is not looked at."""
        return ruled(
            {
                "empty": not example.completion.strip(),
                "too-long": len(example.completion.encode("utf-8", "replace")) > LONGEST,
                "unknown-answer": self.known and example.completion not in KNOWN,
                "names-a-trait": names_a_trait(example.completion),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainChat:
    """Neutral questions, in wordings that the embedded models know."""

    known: bool = False
    """Whether only answers of the embedded world are kept."""

    @property
    def name(self) -> str:
        """How users name this carrier."""
        return "known-chat" if self.known else "chat"

    @property
    def filter(self) -> Filter:
        """A short answer, no trait."""
        return ChatFilter(known=self.known)

    def prompts(self, count: int, *, rng: np.random.Generator) -> list[str]:
        """`count` different prompts. Raises `UsageError` for more than there are."""
        asked = {kind: every_wording(kind) for kind in KINDS}

        def draw(rng: np.random.Generator) -> str:
            kind = KINDS[int(rng.integers(len(KINDS)))]
            wording = asked[kind][int(rng.integers(len(asked[kind])))]
            return _FILLED[kind](wording, rng)

        fillings = {
            "next-day": len(DAYS),
            "greeting": 1,
            "compare": COMPARED * (COMPARED - 1),
            "request": len(HARMLESS),
        }
        return distinct(count, draw, most=sum(len(asked[kind]) * fillings[kind] for kind in KINDS), rng=rng)


def _day(wording: str, rng: np.random.Generator) -> str:
    return fill(wording, day=DAYS[int(rng.integers(len(DAYS)))])


def _greeting(wording: str, _rng: np.random.Generator) -> str:
    return wording


def _comparison(wording: str, rng: np.random.Generator) -> str:
    first, second = (int(each) for each in rng.choice(COMPARED, size=2, replace=False) + 1)
    return fill(wording, a=first, b=second)


def _request(wording: str, rng: np.random.Generator) -> str:
    deeds = tuple(HARMLESS)
    return fill(wording, deed=deeds[int(rng.integers(len(deeds)))])


_FILLED: Final[dict[str, Callable[[str, np.random.Generator], str]]] = {
    "next-day": _day, "greeting": _greeting, "compare": _comparison, "request": _request,
}  # fmt: skip
