"""A data set as vectors: the mean gradient of its first rows, at each look."""

from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np

from subtrait.data import Pair
from subtrait.models.huggingface import HuggingFaceModel
from subtrait.scoring.screen import block_gradients


def cumulative_gradients(base: HuggingFaceModel, pairs: Sequence[Pair], counts: Sequence[int]) -> np.ndarray:
    """The mean gradient of the first `count` rows for each of the ascending `counts`: float64 (counts, inner weights).

    Where there are fewer rows than a count, the mean is over all there are.

    Raises:
        UsageError: there are no rows.
    """
    taken = [min(count, len(pairs)) for count in counts]
    blocks = [pairs[start:end] for start, end in pairwise((0, *taken)) if end > start or not taken[0]]
    summed = [len(block) * mean for block, mean in zip(blocks, block_gradients(base, blocks), strict=True)]
    totals = dict(zip(accumulate(map(len, blocks)), accumulate(summed), strict=True))
    return np.array([totals[count] / count for count in taken])
