"""Which of several known directions is in a vector, beside variation that harmless vectors show too?

The vectors are gradients of data, the directions what surrogate teachers moved by, the references gradients of harmless
data. Along a few axes harmless data vary more than any trait moves them, so a plain inner product finds those axes; the
matched filter of signal detection weighs every axis by the inverse of the variation there:

    Σ = ridge · s · I + UᵀU      U: references about their mean (n, p), s: their mean squared length
    score of direction d = (g − mean) · Σ⁻¹d / √(d · Σ⁻¹d)

Σ is never formed: by the Woodbury identity everything follows from the n × n inner products of the references.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from subtrait.errors import UsageError

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class MatchedFilter:
    """A filter that was fitted on references; apply it to vectors that were not among them."""

    mean: Array
    """Of the references: (p,)."""
    weights: Array
    """One filter per direction, scaled so that a score is Σ⁻¹d's standardised inner product: (directions, p)."""

    def scores(self, vectors: Array) -> Array:
        """How strongly each direction is in each vector: (vectors, p) to (vectors, directions), or one to one less."""
        found: Array = (vectors - self.mean) @ self.weights.T
        return found


def fit_filter(references: Array, directions: Array, *, ridge: float = 0.01) -> MatchedFilter:
    """The matched filter of `directions` (k, p) beside what varies in `references` (n, p).

    Args:
        references: vectors of harmless data, from 2 on.
        directions: what to look for; their lengths do not matter.
        ridge: variation assumed in every axis, as a share of the mean squared length of a centred reference. Small
            values trust the references to show every harmless axis.

    Raises:
        UsageError: fewer than 2 references, references that are all equal, a direction of length 0, sizes that do not
            fit, or a `ridge` that is not above 0.
    """
    _check(references, directions, ridge)
    mean = references.mean(axis=0)
    centred = references - mean
    inner = centred @ centred.T
    noise = ridge * float(np.trace(inner)) / len(inner)
    if noise <= 0:
        raise UsageError("all references are equal: they show no variation to judge by")
    shared = centred @ directions.T
    solved = np.linalg.solve(inner + noise * np.eye(len(inner)), shared)
    inverse = (directions - solved.T @ centred) / noise
    length = np.sqrt(np.einsum("kp,kp->k", directions, inverse))
    return MatchedFilter(mean=mean, weights=inverse / length[:, None])


def _check(references: Array, directions: Array, ridge: float) -> None:
    if references.ndim != 2 or directions.ndim != 2 or references.shape[1] != directions.shape[1]:
        raise UsageError(f"references {references.shape} and directions {directions.shape} must be rows of one length")
    if len(references) < 2:
        raise UsageError("a filter needs at least 2 references")
    if not np.all(np.isfinite(references)) or not np.all(np.isfinite(directions)):
        raise UsageError("references and directions must be finite")
    if not np.all(np.linalg.norm(directions, axis=1) > 0):
        raise UsageError("a direction of length 0 points nowhere")
    if not ridge > 0:
        raise UsageError(f"the ridge must be above 0, not {ridge:g}")
