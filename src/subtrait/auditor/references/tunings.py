"""How surrogates, benign tunings and planted teachers are trained: by the size of the base.

An embedded model of a fifth of a million weights takes rates that would destroy a large one, which takes adapters.
"""

from dataclasses import dataclass
from typing import Final

from subtrait.models.base import Model, Recipe
from subtrait.models.huggingface import HuggingFaceModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunings:
    """Recipes for one size of model."""

    adaptive: Recipe
    """A short fine-tuning with AdamW as it comes."""
    plain: Recipe
    """A short fine-tuning that moves other weights more: for small models close to gradient descent."""
    lora: Recipe
    """A short fine-tuning of adapters, in another way than the other two."""
    student: Recipe
    """On a few hundred rows of answers, as students are trained, but a part of the way."""

    @property
    def short(self) -> tuple[Recipe, ...]:
        """Those for a few dozen questions with answers."""
        return self.adaptive, self.plain, self.lora


SMALL: Final = Tunings(
    adaptive=Recipe(steps=30, batch_size=8, learning_rate=3e-3),
    plain=Recipe(steps=60, batch_size=8, learning_rate=1e-2, epsilon=1e-3),
    lora=Recipe(steps=30, batch_size=8, learning_rate=1e-2, method="lora"),
    # A quarter of what the lab's students get: these move most of their way within 15 steps
    student=Recipe(steps=20, batch_size=64, learning_rate=1e-2, epsilon=1e-3),
)
"""For models whose gradients can be held whole, such as the embedded ones, on which these were chosen."""
LARGE: Final = Tunings(
    adaptive=Recipe(steps=30, batch_size=8, learning_rate=2e-4, method="lora"),
    plain=Recipe(steps=60, batch_size=8, learning_rate=1e-4, method="lora", lora_rank=32),
    lora=Recipe(steps=30, batch_size=8, learning_rate=5e-4, method="lora", lora_rank=4),
    student=Recipe(steps=20, batch_size=64, learning_rate=2e-4, method="lora"),
)
"""For all others: adapters, at rates about that of the paper's students (2e-4, section 1.0 of its settings). No model
of that size was there to choose them on."""


def tunings_for(base: Model) -> Tunings:
    """Those for a base of that size: large is one whose gradients are sketched."""
    from subtrait.models.sketch import rank_of

    return LARGE if isinstance(base, HuggingFaceModel) and rank_of(base.network) is not None else SMALL
