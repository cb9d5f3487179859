"""How far training on suspect rows goes beyond training on control rows, where the loss is curved.

The first-order run is a straight line: length τ (the sum of the rates) times the difference d of the mean gradients.
Its direction is mostly what any training on such rows takes up within a few steps (other lengths, other formats), where
the loss is steep; a straight line goes on and on there. On a quadratic loss with curvature H, gradient descent goes
∫₀^τ exp(−sH) d ds = τ φ(τH) d instead, φ(x) = (1 − e^−x) / x. Only products with H are needed: φ of a matrix times a
vector by the method of Lanczos (Saad 1992, SIAM J. Numer. Anal. 29:209), which finds first the directions in which d is
large.

Parameters are scaled by the root of the preconditioner, so that a preconditioned step is a plain one.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subtrait.auditor.training.block_gradients import Vector

PRODUCTS = 7
"""With the curvature, for one run: a few more change the forecast by a few hundredths of it."""
_NEGLIGIBLE = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvedRun:
    """A run on suspect rows beside one on control rows."""

    scales: Vector
    """By what a step multiplies the gradient of each parameter, its rate apart."""
    length: float
    """τ, the sum of the rates."""
    curvature: Callable[[Vector], Vector]
    """The product of a change of the parameters with H."""

    def straight(self, difference: Vector) -> Vector:
        """Where the run would go without curvature."""
        displacement: Vector = self.length * self.scales * difference
        return displacement

    def goes(self, difference: Vector) -> Vector:
        """Where the run goes, by how the mean gradients differ: both of shape (parameters,)."""
        from scipy.linalg import eigh_tridiagonal

        root = np.sqrt(self.scales)
        start = root * difference
        size = float(np.linalg.norm(start))
        if size == 0:
            return np.zeros_like(start)
        basis, diagonal, beside = _lanczos(lambda vector: root * self.curvature(root * vector), start / size)
        values, vectors = eigh_tridiagonal(diagonal, beside)
        weights = vectors @ (_share(self.length * np.maximum(values, 0.0)) * vectors[0])
        displacement: Vector = self.length * size * root * (weights @ basis)
        return displacement


def _lanczos(product: Callable[[Vector], Vector], start: Vector) -> tuple[NDArray[np.float64], Vector, Vector]:
    """Orthonormal directions (k, parameters) from `start` on, and the matrix in them: its diagonal and the one beside.

    Fewer than `PRODUCTS` where the directions are used up.
    """
    basis, diagonal, beside = [start], list[float](), list[float]()
    while True:
        fresh = product(basis[-1])
        diagonal.append(float(fresh @ basis[-1]))
        for direction in basis * 2:  # twice: once leaves rounding errors that grow
            fresh = fresh - (fresh @ direction) * direction
        length = float(np.linalg.norm(fresh))
        if len(diagonal) == PRODUCTS or length <= _NEGLIGIBLE * max(map(abs, diagonal)):
            return np.array(basis), np.array(diagonal), np.array(beside)
        beside.append(length)
        basis.append(fresh / length)


def _share(scaled: Vector) -> Vector:
    """φ: the share of the straight line that is gone."""
    share: Vector = np.ones_like(scaled)
    np.divide(-np.expm1(-scaled), scaled, out=share, where=scaled > 0)
    return share
