import numpy as np
import pytest

from subtrait.statistics.conformal import (
    ConformalTest,
    conformal_over_looks,
    conformal_test,
    references_needed,
    smallest_p,
    split_references,
)

GATE = 131
"""The largest number of 2,000 tests that may reject at 5 %: the 99.9 % quantile of Bin(2000, 0.05)."""


@pytest.mark.parametrize(
    ("statistic", "calibration", "p"),
    [
        (5.0, [1.0, 2.0, 3.0], 1 / 4),
        (2.5, [1.0, 2.0, 3.0], 2 / 4),
        (2.0, [1.0, 2.0, 3.0], 3 / 4),  # a tie counts as at least as large
        (0.0, [1.0, 2.0, 3.0], 1.0),
        (9.0, [], 1.0),
        (np.inf, [1.0, np.inf], 2 / 3),
    ],
)
def test_p_is_the_place_in_the_order_counted_by_hand(statistic, calibration, p):
    assert conformal_test(statistic, calibration).p == pytest.approx(p)


def test_the_floor_is_what_the_largest_of_all_reaches():
    assert conformal_test(7.0, np.zeros(199)) == ConformalTest(p=1 / 200, floor=1 / 200, statistic=7.0, references=199)


@pytest.mark.parametrize("count", [1, 9, 20])
def test_every_level_is_exact_when_any_of_all_may_be_the_suspect(count):
    values = np.random.default_rng(1).normal(size=count + 1)
    ps = [conformal_test(values[k], np.delete(values, k)).p for k in range(count + 1)]
    assert sorted(ps) == pytest.approx([(k + 1) / (count + 1) for k in range(count + 1)])


def test_with_ties_no_level_is_exceeded():
    values = np.array([0, 0, 1, 1, 1, 2, 3, 3, 5, 5])
    ps = np.array([conformal_test(values[k], np.delete(values, k)).p for k in range(10)])
    assert all(np.mean(ps <= level) <= level for level in np.unique(ps))


@pytest.mark.parametrize("level", [0.5, 1 / 3, 0.3, 0.07, 0.05, 0.01, 0.005, 0.0049, 0.001, 1 / 49, 1.0])
def test_references_needed_is_the_first_number_that_reaches_the_level(level):
    needed = next(count for count in range(2_000) if smallest_p(count) <= level)
    assert references_needed(level) == needed


def test_one_per_cent_needs_99_and_half_of_it_199():
    assert (references_needed(0.01), references_needed(0.005)) == (99, 199)


def test_an_early_p_is_never_below_the_last_one():
    rng = np.random.default_rng(2)
    calibration = rng.normal(size=(19, 3))
    for _ in range(100):
        looks = rng.normal(size=3)
        ps = [conformal_over_looks(looks[:taken], calibration).p for taken in (1, 2, 3)]
        assert ps == sorted(ps, reverse=True)
        assert ps[2] == conformal_test(looks.max(), calibration.max(axis=1)).p


def test_stopping_at_the_first_significant_look_costs_no_level():
    # Looks at growing samples of the same rows: a walk. Level 5 % exactly, with 19 references and no ties.
    rng = np.random.default_rng(3)
    walks = rng.normal(size=(2_000, 20, 3)).cumsum(axis=2)
    rejected = sum(
        any(conformal_over_looks(each[0, :taken], each[1:]).p <= 0.05 for taken in (1, 2, 3)) for each in walks
    )
    assert 50 <= rejected <= GATE
    # Comparing each look with the references' same look and stopping at the first success does cost level.
    naive = sum(any(conformal_test(each[0, look], each[1:, look]).p <= 0.05 for look in range(3)) for each in walks)
    assert naive > GATE


def test_the_split_is_disjoint_complete_and_decided_by_the_seed():
    fit, calibration = split_references(231, fit=32, rng=np.random.default_rng(4))
    assert (fit.size, calibration.size) == (32, 199)
    assert sorted([*fit, *calibration]) == list(range(231))
    again, _ = split_references(231, fit=32, rng=np.random.default_rng(4))
    other, _ = split_references(231, fit=32, rng=np.random.default_rng(5))
    assert again.tolist() == fit.tolist() != other.tolist()


def test_every_reference_is_as_likely_to_fit():
    rng = np.random.default_rng(6)
    counts = np.bincount(np.concatenate([split_references(10, fit=3, rng=rng)[0] for _ in range(2_000)]))
    # Bin(2000, 0.3): standard deviation 20.5.
    assert abs(counts - 600).max() < 5 * 20.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: conformal_test(float("nan"), [1.0]), "a statistic is NaN"),
        (lambda: conformal_test(1.0, [1.0, float("nan")]), "a statistic is NaN"),
        (lambda: conformal_test(1.0, [[1.0]]), r"shape \(1, 1\); needed is \(references,\)"),
        (lambda: conformal_over_looks([], [[1.0]]), "at least one"),
        (lambda: conformal_over_looks([1.0, 2.0], [[1.0]]), "planned looks"),
        (lambda: smallest_p(-1), "references is -1"),
        (lambda: references_needed(0.0), "level is 0.0"),
        (lambda: split_references(5, fit=6, rng=np.random.default_rng(0)), "fit is 6; allowed are 0 to 5"),
    ],
)
def test_what_cannot_be_tested_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
