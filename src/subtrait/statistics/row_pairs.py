"""Rows of two data sets that answer the same prompt, for tests that compare like with like.

If the suspect's rows are the declared base's own answers, then a suspect row and a fresh answer of the base to the same
prompt, passed through the same filter, are exchangeable. Their differences can then as well have the other sign:
`permutation.paired_permutation` tests that exactly, `eprocess.betting` at any stopping time.
"""

import numpy as np
from numpy.typing import NDArray

from subtrait.statistics.scored_rows import ScoredRows


def paired_rows(suspect: ScoredRows, partner: ScoredRows) -> NDArray[np.float64]:
    """Suspect minus partner, one row for each prompt that both answer: shape (prompts, hypotheses).

    In the order of the suspect's rows. Only the first row of a prompt counts on either side: a mean over several has
    less spread than one row, and the two would no longer be exchangeable. NaN where either score is missing.

    Raises:
        ValueError: if the two have different numbers of hypotheses.
    """
    if suspect.scores.shape[1] != partner.scores.shape[1]:
        raise ValueError(
            f"{suspect.name} has {suspect.scores.shape[1]} hypotheses, {partner.name} {partner.scores.shape[1]}"
        )
    ours, first = np.unique(suspect.prompts, return_index=True)
    theirs, other = np.unique(partner.prompts, return_index=True)
    _, left, right = np.intersect1d(ours, theirs, assume_unique=True, return_indices=True)
    order = np.argsort(first[left])
    differences: NDArray[np.float64] = suspect.scores[first[left][order]] - partner.scores[other[right][order]]
    return differences
