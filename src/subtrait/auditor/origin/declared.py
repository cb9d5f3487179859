"""Origin: did the declared base write these rows, with the declared settings?

Null: every token was drawn from the declared base at the declared temperature, and no row was selected by what it says.
Statistic: the sum over tokens of surprisal minus entropy. Under the null each term has mean 0 given all before it, so
the sum is a martingale whose variance the base tells; z is the sum over the root of the summed variances.
Rows with a token of more than 20 nats, which the base writes less often than once in millions of tokens, are set aside
and counted: the text of a row does not tell where its tokens were cut, and a token put together from pieces of others
looks impossible. More than 2 % of such rows are a finding by themselves.
Assumptions: temperature known, no truncation (top-p, top-k), no filter, the same tokens as were drawn. A filter that
looks at the text breaks it: then rows are to be compared with the base's own answers through the same filter.
Blind spots: writers that differ from the base in what they write, yet are as surprising to it on the whole.
Sample finding: surprisal exceeds entropy by 0.270 nats a token, z = 87.1 over 1,000 rows

A rejection says "not as declared" and nothing of traits: any other temperature, model or tuning rejects too.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from subtrait.errors import UsageError
from subtrait.records import Evidence, EvidenceOutcome, Messages

FEWEST_TOKENS = 200
"""Below this the normal approximation of the sum is not relied on."""
IMPOSSIBLE = 20.0
"""Surprisal in nats from which a token counts as one that the base never writes."""
TOLERATED = 0.02
"""Share of rows with such a token that may stem from text that was cut into other tokens than were drawn."""
ASSUMES = "the declared temperature, no truncation, no selection of rows by what they say"
BLIND_SPOTS = "writers that differ from the base, yet surprise it as much as it surprises itself"


class Surprised(Protocol):
    """A model that tells how surprising tokens are to it."""

    def surprise(
        self, prompts: Sequence[Messages], completions: Sequence[str], *, temperature: float
    ) -> list[np.ndarray]:
        """Per completion: float64 (tokens, 3), surprisal, entropy and variance of the surprisal."""
        ...


def written_as_declared(
    base: Surprised,
    pairs: Sequence[tuple[Messages, str]],
    *,
    temperature: float = 1.0,
    alpha: float = 0.01,
) -> Evidence:
    """Whether rows are the base's own answers; `found` says that they are not as declared.

    Args:
        base: the declared writer.
        pairs: what was asked, and the completion.
        temperature: the declared one.
        alpha: how often rows that are as declared may be called otherwise.

    Raises:
        UsageError: `alpha` is not between 0 and 1.
    """
    from scipy.stats import norm

    if not 0 < alpha < 1:
        raise UsageError(f"alpha must lie between 0 and 1, not be {alpha:g}")
    moments = base.surprise([asked for asked, _ in pairs], [said for _, said in pairs], temperature=temperature)
    usual = [row for row in moments if row[:, 0].max(initial=0.0) <= IMPOSSIBLE]
    strange = len(moments) - len(usual)
    if strange > TOLERATED * len(moments):
        return _evidence("found", f"tokens that the base never writes in {strange:,} of", rows=len(pairs))
    tokens = np.concatenate(usual) if usual else np.empty((0, 3))
    if len(tokens) < FEWEST_TOKENS:
        return _evidence("underpowered", f"fewer than {FEWEST_TOKENS} tokens ({len(tokens)}) in", rows=len(pairs))
    excess = float((tokens[:, 0] - tokens[:, 1]).sum())
    z = excess / float(np.sqrt(tokens[:, 2].sum()))
    p = float(2 * norm.sf(abs(z)))
    what = "exceeds" if excess > 0 else "falls short of"
    finding = f"surprisal {what} entropy by {abs(excess) / len(tokens):.3f} nats a token, z = {z:.1f}"
    aside = f" ({strange:,} rows set aside)" if strange else ""
    outcome: EvidenceOutcome = "found" if p <= alpha else "not found"
    return _evidence(outcome, f"{finding}{aside} over", rows=len(pairs), statistic=z, p=p)


def _evidence(
    outcome: EvidenceOutcome, finding: str, *, rows: int, statistic: float | None = None, p: float | None = None
) -> Evidence:
    return Evidence(
        question="origin",
        outcome=outcome,
        finding=f"{finding} {rows:,} rows",
        statistic=statistic,
        p=p,
        n=rows,
        assumes=ASSUMES,
        blind_spots=BLIND_SPOTS,
    )
