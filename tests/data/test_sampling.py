from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import chisquare

from subtrait.data.sampling import sample_rows
from subtrait.errors import UsageError


def test_every_subset_is_equally_likely():
    # 8 rows, 3 drawn: 56 subsets, 200 times each on average. The seed is fixed, so that this never fails by chance.
    rng = np.random.default_rng(20)
    counts = Counter(tuple(sample_rows(range(8), 3, rng=rng)) for _ in range(56 * 200))
    assert set(counts) == set(combinations(range(8), 3))
    assert chisquare(list(counts.values())).pvalue > 1e-3


def test_late_rows_of_a_long_stream_are_drawn_as_often_as_early_ones():
    rng = np.random.default_rng(21)
    drawn = [row for _ in range(300) for row in sample_rows(range(5_000), 20, rng=rng)]
    tenths = np.histogram(drawn, bins=10, range=(0, 5_000))[0]
    assert chisquare(tenths).pvalue > 1e-3


@pytest.mark.parametrize(("rows", "size"), [(0, 3), (2, 3), (3, 3), (50, 1), (50, 7)])
def test_the_sample_is_in_order_without_repeats_and_as_large_as_it_can_be(rows, size):
    drawn = sample_rows(iter(range(rows)), size, rng=np.random.default_rng(1))
    assert drawn == sorted(set(drawn))
    assert len(drawn) == min(rows, size)


def test_the_same_seed_draws_the_same_rows():
    first, again, other = (sample_rows(range(900), 9, rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == again != other


def test_the_stream_is_read_to_its_end():
    rows = iter(range(100))
    sample_rows(rows, 2, rng=np.random.default_rng(1))
    assert list(rows) == []


def test_a_sample_of_nothing_is_refused():
    with pytest.raises(UsageError, match="0 rows"):
        sample_rows([1], 0, rng=np.random.default_rng(1))
