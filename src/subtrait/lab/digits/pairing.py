"""Which model's initial weights the student of another initialisation takes."""

import numpy as np
from numpy.typing import NDArray


def derangement(count: int, *, rng: np.random.Generator) -> NDArray[np.int64]:
    """A permutation of 0 to `count` - 1 that leaves no number in its place, uniform over all of them.

    Permutations are drawn until one fits, 2.7 on average (e, by Montmort). The authors' control takes the first one
    drawn; a model that is then its own control learns from its own teacher, which lifts the mean of the control.

    Raises:
        ValueError: `count` is below 2, so there is none.
    """
    if count < 2:
        raise ValueError(f"there is no derangement of {count} numbers; give 2 or more")
    while True:
        drawn = rng.permutation(count)
        if (drawn != np.arange(count)).all():
            return drawn
