"""Covariances to whiten by: which directions vary without any trait, and so prove little.

Whitened, the shift d of a data set becomes z_s = (W⁻¹ d)_s / sqrt((W⁻¹)_ss) for hypothesis s: what is left of its shift
once the shifts of all others have explained what they can. With d normal about 0 with covariance W, each z_s would be
standard normal. It is a ranking, never a normal score: compare it with the same statistic of other data sets.
"""

import numpy as np
from numpy.typing import NDArray

ROW_SHRINKAGE = 1e-3
"""The share of the mean variance that is added to the diagonal of a covariance of rows, which thousands support."""


def row_covariance(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sample covariance of the rows that have every score: shape (hypotheses, hypotheses).

    Raises:
        ValueError: if fewer than two rows are complete.
    """
    complete = scores[~np.isnan(scores).any(axis=1)]
    if len(complete) < 2:
        raise ValueError(f"{len(complete)} of {len(scores)} rows have every score; a covariance needs at least 2")
    deviations = complete - complete.mean(axis=0)
    result: NDArray[np.float64] = deviations.T @ deviations / (len(complete) - 1)
    return result


def shift_covariance(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """The covariance of the references' mean shifts, shrunk towards a multiple of the identity.

    `means` has the shape (references, hypotheses). There are often fewer references than hypotheses, so the plain
    covariance cannot be inverted. The weight of the target is the one that Ledoit and Wolf (2004, Journal of
    Multivariate Analysis 88, 365) estimate from the same references. References that all shift alike
    give zeros.

    Raises:
        ValueError: if there are fewer than two references.
    """
    deviations = _deviations(means)
    count, size = deviations.shape
    sample = deviations.T @ deviations / count
    target = np.trace(sample) / size * np.eye(size)
    distance = float(((sample - target) ** 2).sum())
    # The sum over references of |x xᵀ - S|², written without the (references, size, size) array.
    fourth = float(((deviations**2).sum(axis=1) ** 2).sum())
    noise = max(fourth / count - float((sample**2).sum()), 0.0) / count
    weight = min(noise / distance, 1.0) if distance > 0 else 1.0
    result: NDArray[np.float64] = weight * target + (1 - weight) * sample
    return result


def spread(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """The variances of the references' mean shifts on the diagonal, zero elsewhere.

    The alternative that takes hypotheses one by one. It does not remove directions that they share.

    Raises:
        ValueError: if there are fewer than two references.
    """
    deviations = _deviations(means)
    return np.diag((deviations**2).sum(axis=0) / (len(deviations) - 1))


def shrunk(covariance: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """`covariance` with `share` times its mean variance added to the diagonal.

    Raises:
        ValueError: if `share` is negative or not finite.
    """
    if not 0 <= share < np.inf:
        raise ValueError(f"shrinkage is {share}; allowed are 0 and more, such as {ROW_SHRINKAGE}")
    size = len(covariance)
    result: NDArray[np.float64] = covariance + share * np.trace(covariance) / size * np.eye(size)
    return result


def inverse(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of a covariance, symmetric to the last bit.

    Raises:
        ValueError: if the covariance is not positive definite: some direction does not vary at all.
    """
    try:
        factor = np.linalg.inv(np.linalg.cholesky(covariance))
    except np.linalg.LinAlgError as error:
        raise ValueError(
            "the covariance to whiten by has a direction without any variance; add shrinkage or references"
        ) from error
    result: NDArray[np.float64] = factor.T @ factor
    return (result + result.T) / 2


def whiten(shifts: NDArray[np.float64], precision: NDArray[np.float64]) -> NDArray[np.float64]:
    """z_s = (W⁻¹ d)_s / sqrt((W⁻¹)_ss) of every shift d, shape (..., hypotheses); `precision` is W⁻¹."""
    result: NDArray[np.float64] = shifts @ precision / np.sqrt(np.diag(precision))
    return result


def _deviations(means: NDArray[np.float64]) -> NDArray[np.float64]:
    if means.ndim != 2 or len(means) < 2:
        raise ValueError(f"means have shape {means.shape}; needed is (references, hypotheses), at least 2 references")
    result: NDArray[np.float64] = means - means.mean(axis=0)
    return result
