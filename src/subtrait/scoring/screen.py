"""The gradient screen: one backward pass over rows judges any number of tuned surrogates, to first order.

For a tuned copy with weights θ + d, the log-likelihood of a row exceeds that under the base by ⟨gradient, d⟩ plus terms
of the order of d². Directions may as well be any other steps in the inner weights, such as those of a training recipe.
Token embeddings and the output layer are left out (`models.gradients`): a copy that was tuned in those too explains
more, or less, than the screen says. Of large models gradients and directions are sketches (`models.sketch`).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, Self

import numpy as np

from subtrait.errors import UsageError
from subtrait.records import Messages, Progress
from subtrait.scoring.rows import TextPair

Array = np.ndarray[Any, np.dtype[np.float64]]


class Differentiable(Protocol):
    """A model whose inner weights can be looked into; `HuggingFaceModel` is one."""

    def gradient(self, prompts: Sequence[Messages], completions: Sequence[str]) -> np.ndarray:
        """The gradient of a row's log-likelihood in nats, mean over rows: float64 (inner weights,)."""
        ...

    def displacement(self, tuned: Self) -> np.ndarray:
        """From this model's inner weights to those of `tuned`: float64 (inner weights,)."""
        ...


def block_gradients(
    base: Differentiable, blocks: Iterable[Sequence[TextPair]], *, progress: Progress | None = None
) -> Iterator[Array]:
    """For each block of rows the mean gradient of a row's log-likelihood in nats: (inner weights,) each.

    `progress` advances once per row.

    Raises:
        UsageError: a block without rows.
        InvalidInput: E_TEMPLATE…, E_LIMIT as `Model.score`.
    """
    for block in blocks:
        yield base.gradient([messages for messages, _ in block], [completion for _, completion in block])
        if progress:
            progress.advance(len(block))


def screen(
    base: Differentiable, blocks: Iterable[Sequence[TextPair]], directions: Array, *, progress: Progress | None = None
) -> Array:
    """First-order log-ratios in nats per row, mean over each block: (blocks, directions).

    Args:
        base: the model that the directions start from.
        blocks: rows that are judged together; one gradient at a time is held.
        directions: steps in the inner weights, such as `base.displacement(tuned)`: (directions, inner weights).
        progress: advances once per row.

    Raises:
        UsageError: a block without rows, or directions of another length than the gradients.
        InvalidInput: E_TEMPLATE…, E_LIMIT as `Model.score`.
    """
    if directions.ndim != 2:
        raise UsageError(f"directions have the shape {directions.shape}; needed is (directions, inner weights)")
    found = [_products(gradient, directions) for gradient in block_gradients(base, blocks, progress=progress)]
    return np.array(found).reshape(-1, len(directions))


def _products(gradient: Array, directions: Array) -> Array:
    if len(gradient) != directions.shape[1]:
        what = f"directions have {directions.shape[1]:,} numbers each and the model {len(gradient):,} inner weights"
        raise UsageError(f"{what}: they are of another model")
    products: Array = directions @ gradient
    return products
