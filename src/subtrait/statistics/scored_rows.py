"""Rows scored under a panel of hypotheses: what the panel statistics are computed from.

A score says how much better one hypothesis explains a row than the base does, such as the mean log-ratio per token in
nats. A hypothesis is whatever the scores were computed under: a system prompt, a tuned surrogate, another model.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Average = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Turns rows, shape (rows, hypotheses), into means, shape (..., hypotheses); NaN where nothing was there to average."""

PromptMeans = tuple[NDArray[np.int64], NDArray[np.float64]]
"""Distinct prompt ids, ascending, and the mean scores on each: shapes (prompts,) and (prompts, hypotheses)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoredRows:
    """One data set: a score for each row and hypothesis, and which prompt each row answers."""

    name: str
    """Tells data sets apart: a data set is never compared with itself."""
    scores: NDArray[np.float64]
    """Shape (rows, hypotheses); NaN where a score is missing."""
    prompts: NDArray[np.int64]
    """Shape (rows,). Equal ids, also across data sets, are the same user prompt."""
    carries: frozenset[str] = frozenset()
    """The hypotheses that the data set is known to carry. It is no reference for those."""

    def __post_init__(self) -> None:
        if self.scores.ndim != 2 or 0 in self.scores.shape:
            raise ValueError(f"{self.name}: scores have shape {self.scores.shape}; needed is (rows, hypotheses)")
        if self.prompts.shape != self.scores.shape[:1]:
            raise ValueError(
                f"{self.name}: {self.prompts.size} prompt ids for {self.scores.shape[0]} rows; one each is needed"
            )
        if np.isinf(self.scores).any():
            row, column = (int(index) for index in np.argwhere(np.isinf(self.scores))[0])
            raise ValueError(f"{self.name}: scores[{row}, {column}] is {self.scores[row, column]}; use NaN for missing")


def row_centred(data: ScoredRows) -> ScoredRows:
    """Every score minus the mean of its row over the hypotheses.

    It removes what all hypotheses share, such as "some system prompt was given" or an odd format. A row with a missing
    score has no such mean that could be compared with the others', so all of it becomes missing.
    """
    return replace(data, scores=data.scores - data.scores.mean(axis=1, keepdims=True))


def column_means(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of each hypothesis over the rows that have a score: shape (hypotheses,)."""
    held = ~np.isnan(rows)
    return divided(np.where(held, rows, 0.0).sum(axis=0), held.sum(axis=0))


def sample_means(samples: NDArray[np.intp]) -> Average:
    """The `Average` over several samples of rows at once: `samples` holds row numbers, shape (samples, sample size)."""
    from scipy.sparse import csr_array

    count, size = samples.shape
    entries = (np.ones(samples.size), samples.ravel(), np.arange(0, samples.size + 1, size))

    def average(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        # A sparse product adds the rows up where they lie; indexing would copy every sample first.
        drawn = csr_array(entries, shape=(count, len(rows)))
        held = ~np.isnan(rows)
        counts = drawn @ held.astype(np.float64) if not held.all() else np.full((count, rows.shape[1]), float(size))
        return divided(drawn @ np.where(held, rows, 0.0), counts)

    return average


def means_by_prompt(data: ScoredRows) -> PromptMeans:
    """The mean score on each prompt: a prompt that several rows answer counts once."""
    prompts, first, place = np.unique(data.prompts, return_index=True, return_inverse=True)
    if prompts.size == data.prompts.size:
        return prompts, data.scores[first]
    held = ~np.isnan(data.scores)
    total, count = np.zeros((2, prompts.size, data.scores.shape[1]))
    np.add.at(total, place, np.where(held, data.scores, 0.0))
    np.add.at(count, place, held)
    return prompts, divided(total, count)


def divided(total: NDArray[np.float64], count: NDArray[np.float64] | NDArray[np.intp]) -> NDArray[np.float64]:
    """`total` / `count`, NaN where the count is 0."""
    result: NDArray[np.float64] = np.full(total.shape, np.nan)
    np.divide(total, count, out=result, where=count > 0)
    return result
