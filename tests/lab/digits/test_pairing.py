"""Partners for the control: nobody is its own."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subtrait.lab.digits.pairing import derangement


@given(count=st.integers(2, 200), seed=st.integers(0, 2**32))
def test_every_model_is_the_partner_of_exactly_one_other(count, seed):
    drawn = derangement(count, rng=np.random.default_rng(seed))
    assert sorted(drawn.tolist()) == list(range(count))
    assert (drawn != np.arange(count)).all()


def test_all_derangements_are_equally_likely():
    rng = np.random.default_rng(0)
    counts = Counter(tuple(derangement(4, rng=rng).tolist()) for _ in range(9_000))
    # There are 9; each count has mean 1,000 and standard deviation 30.
    assert len(counts) == 9
    assert max(abs(count - 1_000) for count in counts.values()) < 5 * 30


def test_the_same_seed_gives_the_same_partners():
    first, second = (derangement(50, rng=np.random.default_rng(3)).tolist() for _ in range(2))
    assert first == second


@pytest.mark.parametrize("count", [0, 1])
def test_one_model_alone_has_no_partner(count):
    with pytest.raises(ValueError, match="no derangement"):
        derangement(count, rng=np.random.default_rng(0))
