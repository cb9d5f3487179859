"""How far training on suspect rows goes beyond training on control rows, where the loss is curved.

The first-order run is a straight line: length τ (the sum of the rates) times the difference d of the mean gradients.
Its direction is mostly what any training on such rows takes up within a few steps (other lengths, other formats), where
the loss is steep; a straight line goes on and on there. On a quadratic loss with Hessian H, gradient descent goes
∫₀^τ exp(−sH) d ds instead: along an eigenvector of H with eigenvalue λ the share φ(τλ) of the line, where
φ(x) = (1 − e^−x) / x.

H is known without computing it: where rows are what the model itself would write, it is the covariance of the gradient
of single tokens (information equality), and blocks of rows show it. They span few directions. In the rest only the mean
curvature along d is known, from blocks that had no part in the span. Taking curvatures there as exponentially
distributed around it (the distribution of largest entropy with that mean) gives the share ln(1 + m) / m, m = τ · mean.

All of this needs inner products only: of blocks with blocks, and of blocks with the gradients one asks about.
Parameters are scaled by the root of the preconditioner, so that a preconditioned step is a plain one.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subtrait.auditor.training.block_gradients import Blocks, Vector

Matrix = NDArray[np.float64]
FOLDS = 8
"""Parts in which blocks are held out to measure the curvature outside the span of the others."""
_NEGLIGIBLE = 1e-6
"""Eigenvalues below this share of the largest are rounding."""
_COLUMNS = 2**15


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """What a set of blocks shows: the mean difference, and the directions in which single tokens vary."""

    difference: Vector
    """The weights of the blocks in d: shape (blocks,)."""
    coordinates: Matrix
    """From inner products with blocks to coordinates along orthonormal directions: shape (directions, blocks)."""
    curvature: Vector
    """Eigenvalues of H along these directions."""


@dataclass(frozen=True, slots=True, eq=False)
class CurvedRun:
    """A run on suspect rows beside one on control rows, in inner products of their blocks (suspect blocks first)."""

    inner: Matrix
    """Scaled inner products of all blocks: shape (2 n, 2 n)."""
    tokens: Vector
    """Of each block."""
    length: float
    """τ, the sum of the rates."""

    @property
    def pairs(self) -> int:
        """How many blocks each side has."""
        return len(self.tokens) // 2

    def log_shifts(self, along: Matrix, *, kept: NDArray[np.bool_] | None = None, rest: float = 0.0) -> Vector:
        """By how much the run changes what has the gradients `along`: (asked, 2 n), inner products with the blocks.

        Only the block pairs `kept` count, all for None; `rest` is the share reached outside their span.
        """
        span = self._span(np.ones(self.pairs, dtype=bool) if kept is None else kept)
        straight = along @ span.difference
        moved = span.coordinates @ (self.inner @ span.difference)
        inside = (along @ span.coordinates.T) * moved
        reached = inside @ _share(self.length * span.curvature)
        total: Vector = self.length * (reached + rest * (straight - inside.sum(axis=1)))
        return total

    def share_outside(self) -> float:
        """How much of the straight line the run reaches in directions that no block spans: from 0 to 1.

        Needs 4 pairs of blocks.
        """
        folds = np.arange(self.pairs) % min(FOLDS, self.pairs // 2)
        mean = float(np.mean([value for fold in range(folds.max() + 1) for value in self._held_out(folds != fold)]))
        scaled = self.length * mean
        return float(np.log1p(scaled) / scaled) if scaled > 0 else 1.0

    def _held_out(self, kept: NDArray[np.bool_]) -> Iterator[float]:
        """The curvature along the part of d outside the span of the kept blocks, by the others of either side."""
        span = self._span(kept)
        inner_d = self.inner @ span.difference
        moved = span.coordinates @ inner_d
        outside = inner_d - self.inner @ span.coordinates.T @ moved
        size = float(span.difference @ outside)
        if size <= _NEGLIGIBLE * float(span.difference @ inner_d):
            return
        for side in range(2):
            # Around their own mean: that of the kept blocks shares its noise with d
            blocks = np.flatnonzero(~kept) + side * self.pairs
            tokens, along = self.tokens[blocks], outside[blocks]
            squares = tokens * (along - tokens @ along / tokens.sum()) ** 2 / size
            yield float(squares.sum() / (len(blocks) - 1))

    def _means(self, kept: NDArray[np.bool_]) -> tuple[Vector, Vector]:
        """The weights of the blocks in the mean of either side."""
        sides = np.repeat([True, False], self.pairs)
        both = np.concatenate([kept, kept])
        weights = [np.where(both & side, self.tokens, 0.0) for side in (sides, ~sides)]
        return weights[0] / weights[0].sum(), weights[1] / weights[1].sum()

    def _span(self, kept: NDArray[np.bool_]) -> Span:
        suspect, control = self._means(kept)
        blocks = np.flatnonzero(np.concatenate([kept, kept]))
        centred = np.eye(len(self.tokens))[blocks] - np.where(blocks[:, None] < self.pairs, suspect, control)
        centred *= np.sqrt(self.tokens[blocks] / (len(blocks) - 2))[:, None]
        values, vectors = np.linalg.eigh(centred @ self.inner @ centred.T)
        real = values > _NEGLIGIBLE * values[-1]
        coordinates = (vectors[:, real] / np.sqrt(values[real])).T @ centred
        return Span(suspect - control, coordinates, values[real])


def curved_run(suspect: Blocks, control: Blocks, *, scales: Vector, length: float) -> CurvedRun:
    """The run whose steps multiply gradients by `scales`; `length` is the sum of its rates.

    Raises:
        ValueError: the sides have different numbers of blocks, or fewer than 4.
    """
    if len(suspect.rows) != len(control.rows) or len(suspect.rows) < 4:
        raise ValueError(f"{len(suspect.rows)} and {len(control.rows)} blocks; needed are as many, at least 4")
    count, size = 2 * len(suspect.rows), suspect.gradients.shape[1]
    inner = np.zeros((count, count))
    for start in range(0, size, _COLUMNS):
        part = slice(start, start + _COLUMNS)
        both = np.concatenate([suspect.gradients[:, part], control.gradients[:, part]]).astype(np.float64)
        inner += (both * scales[part]) @ both.T
    return CurvedRun(inner, np.concatenate([suspect.tokens, control.tokens]), length)


def inner_products(suspect: Blocks, control: Blocks, *, scales: Vector, gradient: Vector) -> Vector:
    """Scaled inner products of one gradient with every block: shape (2 n,)."""
    scaled = (scales * gradient).astype(np.float32)
    return np.concatenate([side.gradients @ scaled for side in (suspect, control)]).astype(np.float64)


def _share(scaled: Vector) -> Vector:
    share: Vector = -np.expm1(-scaled) / scaled
    return share
