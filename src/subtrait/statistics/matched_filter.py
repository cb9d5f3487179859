"""Which of several known directions is in a vector, beside variation that harmless vectors show too?

The vectors are gradients of data, the directions what surrogate teachers moved by, the references gradients of harmless
data. Along a few axes harmless data vary more than any trait moves them, so a plain inner product finds those axes; the
matched filter of signal detection weighs every axis by the inverse of the variation there:

    Σ = ridge · s · I + UᵀU      U: references about their mean (n, p), s: their mean squared length
    score of direction d = (g − mean) · Σ⁻¹d / √(d · Σ⁻¹d)

A vector unlike any reference has a large score along every direction. So the score is damped by how far off it lies,

    damped score = score / √(1 + e / e₀)      e = (g − mean) · Σ⁻¹(g − mean), e₀: the median e of a reference

which lies between the matched filter and the adaptive coherence estimator (Kelly 1986, IEEE Transactions on Aerospace
and Electronic Systems 22, 115; Kraut, Scharf and McWhorter 2001, IEEE Transactions on Signal Processing 49, 1). Both e₀
and the unit of the damped scores, one standard deviation of a reference, are of references judged by the others.

Σ is never formed: by the Woodbury identity everything follows from the n × n inner products of the references.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from subtrait.errors import UsageError

Array = np.ndarray[Any, np.dtype[np.floating[Any]]]
DAMPING = 1.0
"""The e from which a vector counts as far off, in units of e₀. Larger values damp less: see the log for 3 and 10."""


@dataclass(frozen=True, slots=True)
class MatchedFilter:
    """A filter that was fitted on references; apply it to vectors that were not among them."""

    mean: Array
    """Of the references: (p,)."""
    weights: Array
    """One filter per direction, scaled so that a score is Σ⁻¹d's standardised inner product: (directions, p)."""
    centred: Array
    """The references minus their mean: (n, p)."""
    inner: Array
    """Inverse of their inner products plus the noise: (n, n)."""
    noise: float
    """ridge · s: the variation assumed in every axis."""
    typical: float
    """e₀, the median energy of a reference judged by the others."""
    unit: float
    """Standard deviation of the damped scores of references, each judged by the others."""

    def scores(self, vectors: Array) -> Array:
        """How strongly each direction is in each vector: (vectors, p) to (vectors, directions), or one to one less."""
        found: Array = (vectors - self.mean) @ self.weights.T
        return found

    def energies(self, vectors: Array) -> Array:
        """How far each vector lies from the references, e: (vectors, p) to (vectors,), or one to one less."""
        offset = vectors - self.mean
        shared = offset @ self.centred.T
        explained = ((shared @ self.inner) * shared).sum(axis=-1)
        found: Array = ((offset * offset).sum(axis=-1) - explained) / self.noise
        return found

    def damped_scores(self, vectors: Array) -> Array:
        """Damped scores in units of a reference's standard deviation: shapes as for `scores`."""
        damping = np.sqrt(1 + self.energies(vectors) / (DAMPING * self.typical))
        found: Array = self.scores(vectors) / damping[..., None] / self.unit
        return found

    def as_arrays(self) -> dict[str, Array]:
        """The filter as named arrays in single precision, for a file."""
        single = np.float32
        numbers = np.array([self.noise, self.typical, self.unit])
        return {
            "mean": self.mean.astype(single),
            "weights": self.weights.astype(single),
            "centred": self.centred.astype(single),
            "inner": self.inner,
            "numbers": numbers,
        }


def from_arrays(arrays: Mapping[str, Array]) -> MatchedFilter:
    """The filter that `MatchedFilter.as_arrays` gave."""
    noise, typical, unit = (float(number) for number in arrays["numbers"])
    return MatchedFilter(
        mean=arrays["mean"],
        weights=arrays["weights"],
        centred=arrays["centred"],
        inner=arrays["inner"],
        noise=noise,
        typical=typical,
        unit=unit,
    )


def fit_filter(references: Array, directions: Array, *, ridge: float = 0.03) -> MatchedFilter:
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
    products = centred @ centred.T
    noise = ridge * float(np.trace(products)) / len(products)
    if noise <= 0:
        raise UsageError("all references are equal: they show no variation to judge by")
    inner = np.linalg.inv(products + noise * np.eye(len(products)))
    shared = centred @ directions.T
    inverse = (directions - (inner @ shared).T @ centred) / noise
    length = np.sqrt(np.einsum("kp,kp->k", directions, inverse))
    squares = np.einsum("kp,kp->k", directions, directions)
    typical, unit = _by_the_others(products, shared, squares, noise)
    weights = inverse / length[:, None]
    return MatchedFilter(mean, weights, centred, inner, noise=noise, typical=typical, unit=unit)


def _by_the_others(products: Array, shared: Array, squares: Array, noise: float) -> tuple[float, float]:
    """Median energy, and standard deviation of the damped scores, of references that are judged by the others.

    Everything follows from inner products: of references (n, n), with directions (n, k), of directions (k,). The mean
    stays that of all references, which shortens each of them by the share 1 / n.
    """
    energies, scores = [], []
    for left_out in range(len(products)):
        others = np.arange(len(products)) != left_out
        inner = np.linalg.inv(products[np.ix_(others, others)] + noise * np.eye(len(products) - 1))
        near, along = products[others, left_out], shared[others]
        energies.append((products[left_out, left_out] - near @ inner @ near) / noise)
        filtered = (shared[left_out] - near @ inner @ along) / noise
        length = (squares - np.einsum("nk,nm,mk->k", along, inner, along)) / noise
        scores.append(filtered / np.sqrt(length))
    typical = float(np.median(energies))
    damped = np.array(scores) / np.sqrt(1 + np.array(energies) / (DAMPING * typical))[:, None]
    return typical, float(np.sqrt((damped**2).mean()))


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
