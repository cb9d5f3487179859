"""How well a reader does: which of two it ranks higher, by texts, by bags, and by two answers to one prompt."""

from collections.abc import Mapping
from typing import Final

import numpy as np

BAGGINGS: Final = 20
"""Ways of sharing texts out among bags, over which the mean is taken: one alone adds the luck of the draw."""


def auroc(first: np.ndarray, second: np.ndarray) -> float:
    """How often a score of the first writer lies above one of the second's, equal ones counting half.

    The area under the receiver's curve (Mann and Whitney 1947): .5 is chance, 1 is always right.

    Raises:
        ValueError: one of them has no score.
    """
    from scipy.stats import rankdata

    if not len(first) or not len(second):
        raise ValueError("each of two writers needs at least one score")
    ranks = rankdata(np.concatenate([first, second]))[: len(first)]
    above = ranks.sum() - len(first) * (len(first) + 1) / 2
    return float(above / (len(first) * len(second)))


def bag_auroc(first: np.ndarray, second: np.ndarray, size: int, *, rng: np.random.Generator) -> float | None:
    """The same for bags of `size` texts, each scored by the sum over its texts, as if these were independent.

    None where a writer's texts do not fill two bags.
    """
    if min(len(first), len(second)) < 2 * size:
        return None
    sums = [
        [scores[apart(len(scores), size, rng=rng)].sum(axis=1) for scores in (first, second)] for _ in range(BAGGINGS)
    ]
    return float(np.mean([auroc(*each) for each in sums]))


def apart(texts: int, size: int, *, rng: np.random.Generator) -> np.ndarray:
    """As many bags of that size as there are texts for, each text in one bag at most: places (bags, size)."""
    bags = texts // size
    places: np.ndarray = rng.permutation(texts)[: bags * size].reshape(bags, size)
    return places


def right_pairs(first: Mapping[str, float], second: Mapping[str, float]) -> float:
    """Of the prompts that both writers answered, how often the first's answer scores above the second's.

    Equal ones count half; .5 is chance.

    Raises:
        ValueError: there is no such prompt.
    """
    both = sorted(set(first) & set(second))
    if not both:
        raise ValueError("the two writers share no prompt")
    gaps = np.array([first[prompt] - second[prompt] for prompt in both])
    return float(np.mean((gaps > 0) + (gaps == 0) / 2))
