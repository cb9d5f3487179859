"""How far scores of the same rows lie apart when only the shape and the order of batches change.

A difference between hypotheses below that is rounding, not evidence. In float32 it is below 1e-4 nats per token; in
bfloat16, whose numbers have 8 bits, it may be hundreds of times that.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from subtrait.errors import UsageError
from subtrait.models.base import Model
from subtrait.scoring.rows import TextPair


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseFloor:
    """Differences between two scores of the same token, in nats."""

    largest: float
    mean: float
    """Of the absolute differences."""
    rows: int
    tokens: int
    """Of completions, on which these rest."""


def noise_floor(model: Model, pairs: Sequence[TextPair]) -> NoiseFloor:
    """Score rows together, and once more one by one in the opposite order.

    Raises:
        UsageError: there are no rows.
        InvalidInput: as `Model.score`.
    """
    if not pairs:
        raise UsageError("a noise floor needs rows to score")
    together = model.score([prompt for prompt, _ in pairs], [completion for _, completion in pairs])
    alone = [model.score([prompt], [completion])[0] for prompt, completion in reversed(pairs)]
    apart = np.abs(np.concatenate(together) - np.concatenate(alone[::-1]))
    return NoiseFloor(largest=float(apart.max()), mean=float(apart.mean()), rows=len(pairs), tokens=len(apart))
