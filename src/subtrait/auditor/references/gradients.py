"""A data set as vectors: the mean gradient of its first rows, at each look."""

from collections.abc import Sequence

import numpy as np

from subtrait.data import Pair
from subtrait.models.huggingface import HuggingFaceModel


def cumulative_gradients(base: HuggingFaceModel, pairs: Sequence[Pair], counts: Sequence[int]) -> np.ndarray:
    """The mean gradient of the first `count` rows for each of the ascending `counts`: float64 (counts, inner weights).

    Where there are fewer rows than a count, the mean is over all there are.

    Raises:
        UsageError: there are no rows.
    """
    found: list[np.ndarray] = []
    total, done = np.zeros(0), 0
    for count in counts:
        block = pairs[done:count]
        if block or not found:
            summed = len(block) * base.gradient([pair.prompt for pair in block], [pair.completion for pair in block])
            total = summed if not done else total + summed
            done += len(block)
        found.append(total / done)
    return np.array(found)
