"""How well a statistic separates data sets that carry something from those that do not."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray


def auroc(carriers: ArrayLike, nulls: ArrayLike) -> float:
    """The chance that a carrier's statistic exceeds a null's, ties counting half: the area under the ROC curve.

    It equals the Mann and Whitney U statistic over the number of pairs.

    Raises:
        ValueError: if either side is empty or holds NaN.
    """
    positive, negative = _values(carriers, "carriers"), np.sort(_values(nulls, "nulls"))
    below = np.searchsorted(negative, positive, side="left")
    up_to = np.searchsorted(negative, positive, side="right")
    return float((below + up_to).sum() / (2 * positive.size * negative.size))


def detection_rate(carriers: ArrayLike, nulls: ArrayLike, *, false_alarms: float) -> float:
    """The share of carriers above a threshold that at most the share `false_alarms` of the nulls exceeds.

    The threshold is a null: the largest once the floor(`false_alarms` · nulls) largest are set aside. A tie with it
    is no detection. It is chosen on these nulls, so it describes them and promises nothing for others.

    Raises:
        ValueError: as `auroc`, and if `false_alarms` is not from 0 to below 1.
    """
    if not 0 <= false_alarms < 1:
        raise ValueError(f"false_alarms is {false_alarms}; allowed is a share from 0 to below 1, such as 0.01")
    positive, negative = _values(carriers, "carriers"), np.sort(_values(nulls, "nulls"))
    spent = math.floor(false_alarms * negative.size + 1e-9)
    return float(np.mean(positive > negative[negative.size - 1 - spent]))


def _values(values: ArrayLike, name: str) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64).ravel()
    if array.size == 0 or np.isnan(array).any():
        raise ValueError(f"{name} must be numbers, at least one and none of them NaN")
    return array
