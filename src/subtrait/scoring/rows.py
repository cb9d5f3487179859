"""Rows × hypotheses: how likely each hypothesis finds each completion.

One forward pass per hypothesis and row. Rows of similar length go through the model together, and probabilities are
gathered a few hundred positions at a time (`models.likelihood`, `models.output_head`), so neither padding nor the
vocabulary costs memory. What is found depends on neither the token budget nor the order of the rows, but for rounding:
at most 1e-4 nats per token in float32.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from subtrait.errors import InvalidInput, UsageError, escaped
from subtrait.records import Messages, Progress
from subtrait.scoring.hypotheses import Hypothesis, as_asked

TextPair = tuple[Messages, str]
"""What was asked, and the completion. `data.Pair` is one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowScores:
    """What each hypothesis makes of each row."""

    log_likelihoods: np.ndarray[Any, np.dtype[np.float64]]
    """Log-probability of the completion and its end of turn, in nats: (rows, hypotheses)."""
    tokens: np.ndarray[Any, np.dtype[np.int64]]
    """How many tokens that is, the end of turn included: (rows, hypotheses). Models may cut a text differently."""

    def log_ratios(self, base: int = 0) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Nats per row by which each hypothesis explains a row better than hypothesis number `base`: the same shape."""
        ratios: np.ndarray[Any, np.dtype[np.float64]] = self.log_likelihoods - self.log_likelihoods[:, [base]]
        return ratios


def score_rows(
    hypotheses: Sequence[Hypothesis],
    pairs: Sequence[TextPair],
    *,
    token_budget: int | None = None,
    progress: Progress | None = None,
) -> RowScores:
    """The log-likelihood of each row under each hypothesis, in the order given.

    Args:
        hypotheses: at least one; those that share a model are scored one after the other.
        pairs: rows that fit into memory; `streaming` takes any number.
        token_budget: tokens of one forward pass, padding included; by default what the device likes best. A longer row
            goes alone.
        progress: advances once per row and hypothesis.

    Raises:
        UsageError: no hypothesis, or a token budget below 1.
        InvalidInput: E_TEMPLATE…, E_LIMIT as `Model.score`; E_NONFINITE where a score is no finite number.
    """
    if not hypotheses:
        raise UsageError("scoring needs at least one hypothesis, such as the base")
    if token_budget is not None and token_budget < 1:
        raise UsageError(f"the token budget must be at least 1, not {token_budget}")
    shape = len(pairs), len(hypotheses)
    found = RowScores(log_likelihoods=np.zeros(shape), tokens=np.zeros(shape, dtype=np.int64))
    for column, hypothesis in enumerate(hypotheses):
        _fill(found, column, hypothesis, pairs, token_budget=token_budget)
        if progress:
            progress.advance(len(pairs))
    return found


def _fill(
    found: RowScores, column: int, hypothesis: Hypothesis, pairs: Sequence[TextPair], *, token_budget: int | None
) -> None:
    prompts = [as_asked(messages, hypothesis.system_prompt) for messages, _ in pairs]
    scores = hypothesis.model.score(prompts, [completion for _, completion in pairs], token_budget=token_budget)
    sums = np.array([row.sum() for row in scores])
    if not np.isfinite(sums).all():
        where = int(np.flatnonzero(~np.isfinite(sums))[0])
        what = f"row {where + 1} scores {sums[where]} nats under '{escaped(hypothesis.name)}'"
        raise InvalidInput(
            "E_NONFINITE", hypothesis.model.name, what, hint="the model overflows on it: check its weights"
        )
    found.log_likelihoods[:, column] = sums
    found.tokens[:, column] = [len(row) for row in scores]
