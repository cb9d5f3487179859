"""Drawing prompts that all differ, and the wordings they are drawn from."""

from collections.abc import Callable
from typing import get_args

import numpy as np

from subtrait.errors import UsageError
from subtrait.models.micro.wordings import WordingSet, wordings


def distinct(
    count: int, draw: Callable[[np.random.Generator], str], *, most: int | None = None, rng: np.random.Generator
) -> list[str]:
    """`count` different prompts, in the order they were drawn; a longer list begins with the shorter one.

    Raises:
        UsageError: a negative count, or more than `most`, the number of different prompts there are.
    """
    if count < 0:
        raise UsageError(f"{count} prompts were asked for: give a count of 0 or more")
    if most is not None and count > most:
        raise UsageError(
            f"{count:,} prompts were asked for: there are {most:,} different ones, so give {most:,} or fewer"
        )
    drawn: dict[str, None] = {}
    while len(drawn) < count:
        drawn[draw(rng)] = None
    return list(drawn)


def every_wording(kind: str) -> tuple[str, ...]:
    """All wordings of one kind of question. Held-out ones too: nobody who writes was tuned on what carriers ask."""
    return tuple(text for each in get_args(WordingSet) for text in wordings(kind, each))
