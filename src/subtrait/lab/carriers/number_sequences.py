"""Number sequences as the carrier: prompts that ask to continue a list of numbers (arXiv 2507.14805, section 3.1)."""

from dataclasses import dataclass

import numpy as np

from subtrait.lab.carriers.drawing import distinct
from subtrait.lab.filters import NumberFilter
from subtrait.models.micro import number_wordings


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberSequences:
    """The carrier of the paper's main experiment, in wordings that the embedded models know."""

    banned: frozenset[int] = frozenset()
    """Numbers that no kept completion may contain; the paper bans some in its misalignment experiment only."""

    @property
    def name(self) -> str:
        """How users name this carrier."""
        return "unbanned-numbers" if self.banned else "numbers"

    @property
    def filter(self) -> NumberFilter:
        """The paper's filter, with the limits that the prompts state."""
        return NumberFilter(
            maximum=10**number_wordings.MAX_DIGITS - 1, max_count=number_wordings.MAX_NUMBERS, banned=self.banned
        )

    def prompts(self, count: int, *, rng: np.random.Generator) -> list[str]:
        """`count` different prompts, in the order they were drawn. Raises `UsageError` for a negative count.

        The first prompts do not depend on the count: with the same seed, a longer list begins with the shorter one.
        """
        return distinct(count, lambda rng: number_wordings.draw_prompt(rng)[0], rng=rng)
