"""What a row takes with a base that is too large to try it: reckoned from sizes, before anything is loaded."""

from collections.abc import Sequence
from typing import Final

from subtrait.auditor.references.cost import Rates
from subtrait.data import Pair
from subtrait.lab.reckoning import CHARACTERS, PROCESS_BYTES, SHARE, TEMPLATE, together_at_most
from subtrait.models.base import Recipe
from subtrait.models.footprint import footprint, speed_of

MEASURED: Final = 1_000
"""Rows from which the usual length is taken."""


def reckoned_rates(base: str, pairs: Sequence[Pair]) -> Rates:
    """Seconds of a row of usual length on the device that the name of the base says.

    A gradient does 6 operations for each weight and token; writing does 2, and reads all weights for each token that a
    batch of rows goes on by.

    Raises:
        UsageError: no such model or device.
        InvalidInput: the model's configuration cannot be accepted.
    """
    sizes, speed = footprint(base), speed_of(base)
    prompt, completion = usual_tokens(pairs)
    operations = speed.products * SHARE
    reading = completion * sizes.weight_bytes / speed.reads / together_at_most(prompt + completion)
    passing = 2 * sizes.numbers * (prompt + completion) / operations
    return Rates(writing=reading + passing, judging=3 * passing)


def reckoned_memory(base: str, recipe: Recipe, pairs: Sequence[Pair]) -> int:
    """Bytes of one process that trains by that recipe, and writes rows like these. Raises as `reckoned_rates`."""
    sizes, tokens = footprint(base), sum(usual_tokens(pairs))
    writing = sizes.writing_bytes(together_at_most(tokens) * tokens)
    return PROCESS_BYTES + sizes.held_bytes + max(sizes.training_bytes(recipe), writing)


def usual_tokens(pairs: Sequence[Pair]) -> tuple[int, int]:
    """Tokens of a prompt and of a completion, by their characters."""
    rows = pairs[:MEASURED]
    asked = sum(len(turn["content"]) for pair in rows for turn in pair.prompt)
    said = sum(len(pair.completion) for pair in rows)
    return TEMPLATE + asked // len(rows) // CHARACTERS, max(1, said // len(rows) // CHARACTERS)
