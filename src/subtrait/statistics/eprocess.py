"""E-processes: evidence against a narrow null that may be looked at after every row.

An e-process is the wealth of a gambler who starts with 1 and bets against the null, row by row. If the null is true his
expected wealth never exceeds 1, at any stopping time, so he ever reaches 1/α with probability at most α (Ville 1939;
Ramdas et al. 2023, arXiv 2210.01948). Whoever stops when the evidence pleases him gains nothing by it.

What is rejected is the null that was declared: "not as declared". That a hidden trait is the reason does not follow.
Rows must be independent given their prompts: drop duplicates and keep one row per prompt.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LARGEST_BET = 0.5
"""The largest share of the wealth put on one row: even the worst row leaves half of it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EProcess:
    """The evidence after each row, in natural logarithms."""

    log_e: NDArray[np.float64]
    """Shape (rows,): log e after each row."""

    @property
    def log_maximum(self) -> float:
        """The largest log e seen so far; 0, the start, if it never rose above it."""
        return float(max(self.log_e.max(initial=0.0), 0.0))

    @property
    def p(self) -> float:
        """1 / the largest e seen so far: a p-value at whatever row one stopped."""
        return float(np.exp(-self.log_maximum))

    def rows_to(self, level: float) -> int | None:
        """The number of rows after which e first reached 1/`level`; None if it never did."""
        reached = np.flatnonzero(self.log_e >= -np.log(level))
        return int(reached[0]) + 1 if reached.size else None


def likelihood_ratio(
    log_alternative: NDArray[np.float64],
    log_null: NDArray[np.float64],
    *,
    weights: Sequence[float] | None = None,
    log_acceptance: Sequence[float] | None = None,
    stake: float = 0.99,
) -> EProcess:
    """Bet that the rows come from one of several alternatives and not from the declared generation.

    `log_null`, shape (rows,), is the log-probability of each completion under the *exact* declared law: this model,
    this prompt, this temperature and truncation (`enlarged_null`). `log_alternative`, shape (rows, alternatives), is
    that under each alternative. With weights π (equal by default, sum 1) and the share a = `stake` of the wealth bet on
    every row, E_n = Σ_s π_s Π_{i≤n} (1 − a + a c_s p_s(row i)/q(row i)). Each factor is at least 1 − a, so one row that
    the alternative holds impossible does not end the bet. Alternatives must not be chosen on the rows they are bet on.

    *Filtered rows.* If only rows that pass a test were kept, the ratio's null mean is no longer 1 but Z_s/Z_0, the
    acceptance rate under the alternative over that under the null. `log_acceptance` holds, for each alternative, a
    *lower* confidence bound of log(Z_0/Z_s), which becomes log c_s; the error of the bound adds to the level. By
    default nothing was filtered and c_s = 1. Filtering that is not declared breaks the guarantee.

    Raises:
        ValueError: if shapes disagree, a log-probability is NaN or +inf, `log_null` is −inf, `weights` do not sum to 1
            or `stake` is not above 0 and at most 1.
    """
    ratios = _log_ratios(log_alternative, log_null)
    size = ratios.shape[1]
    prior = np.full(size, 1 / size) if weights is None else np.asarray(weights, dtype=np.float64)
    shift = np.zeros(size) if log_acceptance is None else np.asarray(log_acceptance, dtype=np.float64)
    if prior.shape != (size,) or shift.shape != (size,) or not np.isfinite(shift).all():
        raise ValueError(f"weights and log_acceptance need one finite number for each of {size} alternatives")
    if (prior < 0).any() or abs(prior.sum() - 1) > 1e-9:
        raise ValueError(f"weights sum to {prior.sum()}; they must be 0 or more and sum to 1")
    if not 0 < stake <= 1:
        raise ValueError(f"stake is {stake}; allowed is a share above 0 and up to 1")
    kept = np.log1p(-stake) if stake < 1 else -np.inf
    factors = np.logaddexp(kept, np.log(stake) + shift + ratios)
    with np.errstate(divide="ignore"):
        return EProcess(log_e=_log_sum(np.log(prior) + np.cumsum(factors, axis=0)))


def enlarged_null(
    log_truncated: NDArray[np.float64], log_full: NDArray[np.float64], *, slack: float = 1e-3
) -> NDArray[np.float64]:
    """A denominator that is never 0 for a null that samples from truncated distributions (top-k, top-p).

    A token outside the null's set has probability 0 under it, and one rounding error at the edge of the set would be
    infinite evidence. With δ = `slack` the row's null becomes q + δ/(1 − δ) q_full. It is larger than q, so the ratio's
    null mean stays at most 1. Both arguments hold log-probabilities of whole rows; −inf is allowed in the first.

    Raises:
        ValueError: if `slack` is not strictly between 0 and 1.
    """
    if not 0 < slack < 1:
        raise ValueError(f"slack is {slack}; allowed is a share strictly between 0 and 1, such as 0.001")
    result: NDArray[np.float64] = np.logaddexp(log_truncated, log_full + np.log(slack) - np.log1p(-slack))
    return result


def betting(differences: NDArray[np.float64], *, scale: float) -> EProcess:
    """Bet that suspect rows score higher than their partners: a one-sided two-sample test.

    `differences` holds, in the order in which they are looked at, the score of a suspect row minus that of a reference
    row on the same prompt: shape (rows,), or (rows, hypotheses) for a panel, over which the wealth is averaged (valid
    without a correction). NaN is a missing pair: no bet. The null is that the two rows of a pair are exchangeable given
    the prompt and all earlier pairs. Then tanh(difference / `scale`) has mean 0, and so Π(1 + λ_i tanh_i) is an
    e-process for bets λ_i that depend on earlier pairs only, here from 0 to 1/2 (approximate GRAPA: Waudby-Smith and
    Ramdas 2024, arXiv 2010.09686). `scale` is fixed beforehand, in the unit of the scores: differences
    far beyond it count no more than it does.

    Raises:
        ValueError: if the shape is another, a difference is infinite or `scale` is not above 0.
    """
    values = np.asarray(differences, dtype=np.float64)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or 0 in values.shape or np.isinf(values).any():
        raise ValueError(f"differences have shape {np.shape(differences)}; needed are finite (rows,) or (rows, panel)")
    if not 0 < scale < np.inf:
        raise ValueError(f"scale is {scale}; a scale is a number above 0, in the unit of the scores")
    gains = np.tanh(np.nan_to_num(values) / scale)
    log_e = np.cumsum(np.log1p(_bets(gains) * gains), axis=0)
    return EProcess(log_e=_log_sum(log_e - np.log(values.shape[1])))


def smallest(processes: Sequence[EProcess]) -> EProcess:
    """The evidence against "at least one of these nulls is true": row by row, the smallest of their e-processes.

    For the null that the suspect equals at least one of several references. All must have looked at equally many rows.

    Raises:
        ValueError: if there is none or their lengths differ.
    """
    lengths = sorted({each.log_e.size for each in processes})
    if len(lengths) != 1:
        raise ValueError(f"e-processes of {lengths} rows; needed is at least one, all with the same number of rows")
    return EProcess(log_e=np.min([each.log_e for each in processes], axis=0))


def _bets(gains: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share to bet on each row, from the rows before it: mean / (variance + mean²), from 0 to the largest bet.

    Mean and variance start as if one earlier row had gained 0 and another had spread 1, so early bets are small.
    """
    earlier = np.vstack([np.zeros(gains.shape[1]), gains[:-1]])
    number = np.arange(1, len(gains) + 1)[:, None]
    mean = np.cumsum(earlier, axis=0) / number
    square = (1 + np.cumsum(earlier**2, axis=0)) / number
    return (mean / square).clip(0.0, _LARGEST_BET)


def _log_ratios(log_alternative: NDArray[np.float64], log_null: NDArray[np.float64]) -> NDArray[np.float64]:
    alternative, null = np.asarray(log_alternative, dtype=np.float64), np.asarray(log_null, dtype=np.float64)
    if alternative.ndim != 2 or 0 in alternative.shape or null.shape != alternative.shape[:1]:
        raise ValueError(
            f"log_alternative has shape {alternative.shape} and log_null {null.shape}; needed are "
            "(rows, alternatives) and (rows,), at least one of each"
        )
    if np.isnan(alternative).any() or np.isposinf(alternative).any():
        raise ValueError("log_alternative holds NaN or +inf; a log-probability is finite, or -inf")
    if not np.isfinite(null).all():
        row = int(np.flatnonzero(~np.isfinite(null))[0])
        raise ValueError(f"log_null[{row}] is {null[row]}; it must be finite: see enlarged_null for truncated sampling")
    return alternative - null[:, None]


def _log_sum(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithm of Σ exp over the last axis."""
    result: NDArray[np.float64] = np.logaddexp.reduce(logs, axis=1)
    return result
