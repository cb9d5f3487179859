from itertools import product

import numpy as np
import pytest

from subtrait.statistics.simultaneous import simultaneous_lower_bounds

EXPERIMENTS = 250
MOST_MISSED = 25
"""99.9 % quantile of Bin(250, 0.05)."""


class Untouchable:
    """Stands where a generator goes and fails on any use."""

    def __getattr__(self, name):
        raise AssertionError(f"rng.{name} was used")


def bounds(treated, control, level=0.95, rng=None):
    return simultaneous_lower_bounds(treated, control, level=level, rng=rng or np.random.default_rng(0))


def arms(answers=3, students=6, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(students, answers)), rng.normal(size=(students, answers))


def slow_wild_bound(treated, control, level):
    """The bound by all sign patterns, one at a time, from the definition."""

    def studentised(one, other):
        error = np.sqrt(one.var(axis=0, ddof=1) / len(one) + other.var(axis=0, ddof=1) / len(other))
        return (one.mean(axis=0) - other.mean(axis=0)) / error, error

    largest = []
    for pattern in product((1, -1), repeat=len(treated) + len(control)):
        signs = np.array(pattern)[:, None]
        one = signs[: len(treated)] * (treated - treated.mean(axis=0))
        other = signs[len(treated) :] * (control - control.mean(axis=0))
        largest.append(studentised(one, other)[0].max())
    critical = sorted(largest)[int(np.ceil(level * len(largest))) - 1]
    statistic, error = studentised(treated, control)
    return (statistic - critical) * error


def welch_bound(treated, control, level):
    from scipy.stats import ttest_ind

    corrected = 1 - (1 - level) / treated.shape[1]
    found = ttest_ind(treated, control, equal_var=False, alternative="greater")
    return found.confidence_interval(corrected).low


@pytest.mark.parametrize("level", [0.8, 0.95, 0.995])
@pytest.mark.parametrize("sizes", [(5, 4), (4, 5)])
def test_the_bound_is_the_lower_of_the_sign_patterns_and_welchs(level, sizes):
    treated, control = arms()
    treated, control = treated[: sizes[0]], 2 * control[: sizes[1]]
    found = bounds(treated, control, level)
    slow = np.minimum(slow_wild_bound(treated, control, level), welch_bound(treated, control, level))
    np.testing.assert_allclose(found.low, slow, rtol=1e-8)
    np.testing.assert_allclose(found.shift, treated.mean(axis=0) - control.mean(axis=0), rtol=1e-12)
    assert (found.level, found.students) == (level, sizes)


def test_either_of_the_two_may_decide():
    decided = set()
    for seed in range(20):
        treated, control = arms(answers=1, students=4, seed=seed)
        decided.add(bool(slow_wild_bound(treated, control, 0.9)[0] < welch_bound(treated, control, 0.9)[0]))
    assert decided == {True, False}


def test_six_against_six_needs_no_randomness():
    bounds(*arms(), rng=Untouchable())


def test_beyond_twelve_students_the_seed_decides():
    treated, control = arms(students=8, answers=40)
    same = [bounds(treated, control, rng=np.random.default_rng(3)).low for _ in range(2)]
    np.testing.assert_array_equal(*same)


def test_drawn_patterns_agree_with_the_full_count():
    # Seven a side: 16,384 patterns, of which 4,096 are drawn. Highly correlated answers, so that signs decide.
    rng = np.random.default_rng(4)
    treated, control = (rng.normal(size=(7, 1)) + 0.01 * rng.normal(size=(7, 6)) for _ in range(2))
    slow = np.minimum(slow_wild_bound(treated, control, 0.9), welch_bound(treated, control, 0.9))
    np.testing.assert_allclose(bounds(treated, control, 0.9).low, slow, atol=0.1)


def test_units_and_shared_offsets_carry_over():
    treated, control = arms()
    there, back = bounds(treated, control), bounds(100 * treated + 7, 100 * control + 7)
    np.testing.assert_allclose(back.low, 100 * there.low, rtol=1e-8)
    moved = bounds(treated + np.arange(3), control)
    np.testing.assert_allclose(moved.low, there.low + np.arange(3), rtol=1e-8)


def test_the_order_of_students_and_answers_changes_nothing():
    treated, control = arms()
    turned = bounds(treated[::-1, ::-1], control[::-1, ::-1])
    np.testing.assert_allclose(turned.low[::-1], bounds(treated, control).low, rtol=1e-10)


def test_a_higher_level_and_more_answers_give_lower_bounds():
    treated, control = arms(answers=12)
    assert (bounds(treated, control, 0.99).low < bounds(treated, control, 0.9).low).all()
    assert (bounds(treated, control).low[:3] < bounds(treated[:, :3], control[:, :3]).low).all()


def test_students_that_all_agree_bound_nothing():
    treated, control = arms()
    treated[:, 1], control[:, 1] = 0.1 + 0.2, 0.0
    control[:, 1] = 0.3
    found = bounds(treated, control)
    assert found.low[1] == -np.inf
    assert np.isfinite(found.low[[0, 2]]).all()
    assert np.isneginf(bounds(np.ones((6, 2)), np.zeros((6, 2))).low).all()


def draw_arms(kind, rng, answers=16):
    """Six treated, six control students, and the true shifts."""
    truth = np.zeros(answers)
    if kind == "shares of one answer distribution":
        odds = np.exp(rng.normal(size=answers) * 1.5 + 0.3 * rng.normal(size=(12, answers)))
        rates = odds / odds.sum(axis=1, keepdims=True)
    elif kind == "answers that move together":
        rates = 0.5 * rng.normal(size=(12, answers)) + rng.normal(size=(12, 1))
    elif kind == "skewed":
        rates = rng.exponential(size=(12, answers))
    else:
        rates = 0.02 * rng.normal(size=(12, answers))
    if kind == "strengths that differ between students":
        rates[:6, 0] += 0.3 * rng.beta(2, 4, size=6)
        truth[0] = 0.1
    if kind == "treated twice as spread":
        rates[:6] *= 2
    return rates[:6], rates[6:], truth


@pytest.mark.parametrize(
    "kind",
    [
        "normal",
        "shares of one answer distribution",
        "answers that move together",
        "skewed",
        "strengths that differ between students",
        "treated twice as spread",
    ],
)
def test_all_shifts_lie_above_their_bounds_at_the_level(kind):
    rng = np.random.default_rng(5)
    missed = 0
    for _ in range(EXPERIMENTS):
        treated, control, truth = draw_arms(kind, rng)
        missed += bool((bounds(treated, control, rng=Untouchable()).low > truth).any())
    assert missed <= MOST_MISSED


def test_bounds_of_single_answers_would_miss_far_too_often():
    # The same count with one answer's bound at a time: 16 chances to miss.
    rng = np.random.default_rng(6)
    missed = 0
    for _ in range(EXPERIMENTS):
        treated, control, _ = draw_arms("normal", rng)
        missed += bool((welch_bound(treated, control, 1 - 16 * 0.05) > 0).any())
    assert missed > 2 * MOST_MISSED


def test_a_shift_of_five_points_clears_three_and_names_its_answer():
    rng = np.random.default_rng(7)
    rates = 0.1 + 0.005 * rng.normal(size=(12, 16))
    rates[:6, 4] += 0.05
    low = bounds(rates[:6], rates[6:], 0.995).low
    assert np.flatnonzero(low > 0.03).tolist() == [4]


@pytest.mark.parametrize(
    ("treated", "control", "level", "message"),
    [
        (np.zeros((3, 2)), np.zeros((6, 2)), 0.95, r"treated has shape \(3, 2\); .* at least 4 students"),
        (np.zeros((6, 0)), np.zeros((6, 0)), 0.95, r"shape \(6, 0\)"),
        (np.zeros((6, 2)), np.zeros((6, 3)), 0.95, "treated has 2 answers and control 3"),
        (np.zeros((6, 1)), [[0.0]] * 5 + [[np.nan]], 0.95, r"control\[5, 0\] is nan"),
        (np.zeros((6, 1)), np.zeros((6, 1)), 0.9999, "level is 0.9999"),
    ],
)
def test_what_cannot_be_bounded_is_refused(treated, control, level, message):
    with pytest.raises(ValueError, match=message):
        bounds(treated, control, level)
