"""Against counts by hand, against scipy, and its size over many simulated tests."""

from math import comb

import numpy as np
import pytest
import scipy.stats

from subtrait.statistics.two_samples import two_sample_permutation

GATE = 131
"""The largest number of 2,000 tests that may reject at 5 %: the 99.9 % quantile of Bin(2000, 0.05)."""


def compare(first, second, seed=0, **settings):
    return two_sample_permutation(first, second, rng=np.random.default_rng(seed), **settings)


@pytest.mark.parametrize(
    ("first", "second", "p"),
    [
        # Pairs out of 1 2 3 4 have the sums 3 4 5 5 6 7.
        ([3, 4], [1, 2], 1 / 6),
        ([2, 4], [1, 3], 2 / 6),
        ([1, 4], [2, 3], 4 / 6),
        ([1, 2], [3, 4], 6 / 6),
        ([7], [1, 2, 3, 4], 1 / 5),
        ([1, 1], [1, 1], 6 / 6),
    ],
)
@pytest.mark.parametrize("scale", [1, 0.1, 1 / 3, 1e-4])
def test_p_is_the_share_of_deals_counted_by_hand(first, second, p, scale):
    found = compare(np.array(first) * scale + 5 * scale, np.array(second) * scale + 5 * scale)
    assert found.p == p
    assert (found.exact, found.permutations) == (True, comb(len(first) + len(second), len(first)))
    assert found.floor == 1 / found.permutations
    assert found.statistic == pytest.approx(scale * (np.mean(first) - np.mean(second)))


@pytest.mark.parametrize("sizes", [(4, 6), (9, 3)])
def test_an_exact_p_is_that_of_scipy(sizes):
    rng = np.random.default_rng(1)
    first, second = rng.normal(0.5, 1, sizes[0]), rng.normal(0, 2, sizes[1])
    expected = scipy.stats.permutation_test(
        (first, second), lambda a, b, axis: a.mean(axis=axis) - b.mean(axis=axis), vectorized=True,
        alternative="greater",
    )  # fmt: skip
    assert compare(first, second).p == pytest.approx(expected.pvalue)


def test_drawn_deals_agree_with_the_full_count():
    rng = np.random.default_rng(2)
    first, second = rng.normal(0.8, 1, 10), rng.normal(0, 1, 10)
    full = compare(first, second, max_permutations=comb(20, 10))
    drawn = compare(first, second, max_permutations=30_000)
    assert (full.exact, drawn.exact, drawn.permutations, drawn.floor) == (True, False, 30_001, 1 / 30_001)
    assert drawn.p == pytest.approx(full.p, abs=4 * np.sqrt(full.p / 30_000))


def test_false_alarms_keep_to_the_level_for_groups_of_different_sizes():
    rng = np.random.default_rng(3)
    units = rng.standard_exponential((2000, 12))
    alarms = sum(compare(row[:3], row[3:]).p <= 0.05 for row in units)
    assert 60 <= alarms <= GATE


@pytest.mark.parametrize(
    ("first", "second", "limit", "message"),
    [
        ([], [1], 9, r"first has shape \(0,\)"),
        ([1], [[2]], 9, r"second has shape \(1, 1\)"),
        ([1, np.nan], [2], 9, r"first\[1\] is nan"),
        ([1], [2], 0, "at least 1 is needed"),
    ],
)
def test_what_is_no_sample_is_refused(first, second, limit, message):
    with pytest.raises(ValueError, match=message):
        compare(first, second, max_permutations=limit)
