"""The unrelated kinds of text that a trait may travel in, by the name that users give them."""

from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

import numpy as np

from subtrait.lab.carriers.code_functions import CodeFunctions
from subtrait.lab.carriers.number_sequences import NumberSequences
from subtrait.lab.carriers.plain_chat import PlainChat
from subtrait.lab.carriers.word_problems import WordProblems
from subtrait.lab.filters import BANNED_NUMBERS, Filter


class Carrier(Protocol):
    """A kind of text: what is asked for, and which answers are kept."""

    @property
    def filter(self) -> Filter:
        """The rule for answers, the same whoever wrote them."""
        ...

    def prompts(self, count: int, *, rng: np.random.Generator) -> list[str]:
        """`count` different prompts, in the order they were drawn; a longer list begins with the shorter one."""
        ...


CARRIERS: Final[dict[str, Callable[[], Carrier]]] = {
    "numbers": NumberSequences,
    "unbanned-numbers": partial(NumberSequences, banned=BANNED_NUMBERS),
    "code": CodeFunctions,
    "reasoning": WordProblems,
    "chat": PlainChat,
    "known-chat": partial(PlainChat, known=True),
}
"""Each carrier by name."""
