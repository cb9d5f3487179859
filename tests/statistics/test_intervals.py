import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subtrait.statistics.intervals import clopper_pearson, paired_difference, student_mean

# Student's t quantiles as printed in any table: (degrees of freedom, two-sided level) -> quantile.
T_TABLE = {
    (1, 0.95): 12.706,
    (2, 0.95): 4.303,
    (4, 0.95): 2.776,
    (7, 0.95): 2.365,
    (9, 0.95): 2.262,
    (4, 0.90): 2.132,
    (4, 0.99): 4.604,
    (7, 0.99): 3.499,
}

# Student's sleep data (Student 1908), hours gained under two drugs, as shipped with R.
SLEEP_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SLEEP_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]

rates = st.floats(0, 1, allow_subnormal=False)
levels = st.integers(1, 99).map(lambda percent: percent / 100)


@st.composite
def matrices(draw):
    """Two arms of the same shape."""
    students, questions = draw(st.integers(2, 6)), draw(st.integers(1, 5))
    row = st.lists(rates, min_size=questions, max_size=questions)
    arm = st.lists(row, min_size=students, max_size=students)
    return draw(arm), draw(arm)


def bounds(estimate):
    return estimate.low, estimate.high


@pytest.mark.parametrize(("df", "level"), T_TABLE)
def test_half_width_is_the_tabled_quantile_times_the_standard_error(df, level):
    # Alternating about 0.5 by 0.01 and, for odd counts, one student at 0.5: n and the sum of squares by hand.
    n = df + 1
    offsets = [0.01, -0.01] * (n // 2) + [0.0] * (n % 2)
    estimate = student_mean([0.5 + offset for offset in offsets], level=level)
    error = math.sqrt(0.0001 * (n - n % 2) / (n - 1) / n)
    assert estimate.value == pytest.approx(0.5, abs=1e-12)
    assert (estimate.high - estimate.low) / 2 == pytest.approx(T_TABLE[df, level] * error, rel=2.5e-4)
    assert (estimate.n, estimate.unit, estimate.level) == (n, "student", level)


def test_five_students_by_hand():
    # Mean 0.30, sum of squares 0.10, sd sqrt(0.025) = 0.158114, se 0.0707107, times 2.776445 = 0.196324.
    estimate = student_mean([0.1, 0.2, 0.3, 0.4, 0.5])
    assert bounds(estimate) == pytest.approx((0.103676, 0.496324), abs=1e-6)


@pytest.mark.parametrize("values", [[0.4], [0.0] * 5, [1.0] * 30, [0.1] * 7, [0.1 + 0.2, 0.3]])
def test_no_spread_is_never_certainty(values):
    estimate = student_mean(values)
    assert bounds(estimate) == (None, None)
    assert estimate.value == pytest.approx(values[0])
    assert estimate.n == len(values)


@pytest.mark.parametrize("unit", [1e-3, 1e-7, 1e-200])
def test_a_small_real_spread_still_has_an_interval(unit):
    # Mean 2, sd 1, times 4.302653 / sqrt(3), in units of `unit`; the lower bound would be negative.
    estimate = student_mean([1 * unit, 2 * unit, 3 * unit])
    assert estimate.low == 0
    assert estimate.high / unit == pytest.approx(2 + 4.302653 / math.sqrt(3), rel=1e-6)


def test_bounds_stay_possible_rates():
    # Uncut, these would be 0.025 -+ 3.182 * 0.025 and its mirror image.
    assert bounds(student_mean([0.0, 0.0, 0.0, 0.1])) == (0.0, pytest.approx(0.10456, abs=1e-5))
    assert bounds(student_mean([1.0, 1.0, 1.0, 0.9])) == (pytest.approx(0.89544, abs=1e-5), 1.0)


def test_a_sum_of_probabilities_may_exceed_one_by_rounding():
    assert student_mean([1.0000001, 0.5]).value == 0.75


@given(st.lists(rates, min_size=1, max_size=8), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_order_of_students_changes_no_bit(values, random):
    shuffled = random.sample(values, len(values))
    assert student_mean(shuffled) == student_mean(values)


@given(st.lists(rates, min_size=2, max_size=8), levels, levels)
@settings(deadline=None)
def test_a_higher_level_is_never_narrower(values, one, other):
    narrow, wide = (student_mean(values, level=level) for level in sorted((one, other)))
    if narrow.low is not None:
        assert wide.low <= narrow.low <= narrow.value <= narrow.high <= wide.high


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], r"shape \(0,\)"),
        ([[0.1, 0.2]], r"shape \(1, 2\); needed is \(students\)"),
        ([0.1, float("nan")], r"rates\[1\] is nan"),
        ([0.1, float("inf")], r"rates\[1\] is inf"),
        ([12.0, 30.0], r"rates\[0\] is 12.0; a rate is a number from 0 to 1"),
        ([-0.1], r"rates\[0\] is -0.1"),
        (["owl"], "must be numbers"),
        ([None], r"rates\[0\] is nan"),
    ],
)
def test_what_is_no_list_of_rates_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        student_mean(values)


@pytest.mark.parametrize("level", [0, 1, 95, -0.5, float("nan")])
def test_an_impossible_level_is_refused_everywhere(level):
    for call in (
        lambda: student_mean([0.1, 0.2], level=level),
        lambda: paired_difference([[0.1]], [[0.2]], level=level),
        lambda: clopper_pearson(1, 2, level=level, unit="audit"),
    ):
        with pytest.raises(ValueError, match="confidence level lies between 0 and 1"):
            call()


def test_sleep_data_give_the_interval_that_r_prints():
    # R: t.test(extra ~ group, paired = TRUE): -1.58, interval -2.4598858 to -0.7001142. Here as (hours + 2) / 10.
    arms = [[[(hours + 2) / 10] for hours in arm] for arm in (SLEEP_1, SLEEP_2)]
    estimate = paired_difference(*arms)
    assert estimate.value == pytest.approx(-0.158)
    assert bounds(estimate) == pytest.approx((-0.24598858, -0.07001142), abs=1e-8)
    assert (estimate.n, estimate.unit) == (10, "student")


def test_questions_are_averaged_within_each_student_first():
    # Differences by question: (.2, .4) and (.0, .2); by student .3 and .1; mean .2, sd .141421, se .1. The 0.75
    # quantile at one degree of freedom is tan(pi / 4) = 1. Taking the four cells as units would give se .081650.
    estimate = paired_difference([[0.5, 0.9], [0.5, 0.7]], [[0.3, 0.5], [0.5, 0.5]], level=0.5)
    assert estimate.value == pytest.approx(0.2)
    assert bounds(estimate) == pytest.approx((0.1, 0.3))
    assert estimate.n == 2


def test_what_questions_share_cancels():
    hard_and_easy = np.array([0.05, 0.5, 0.9])
    gain = np.array([[0.01], [0.03], [0.05]])
    estimate = paired_difference(hard_and_easy + gain, np.tile(hard_and_easy, (3, 1)))
    # Differences .01, .03, .05: sd .02, times 4.302653 / sqrt(3).
    assert bounds(estimate) == pytest.approx((0.03 - 0.0496828, 0.03 + 0.0496828), abs=1e-7)


def test_equal_differences_are_never_certainty():
    same = [[0.1 + 0.2, 0.5], [0.3, 0.5], [0.5, 0.3]]
    assert bounds(paired_difference(same, [[0.0, 0.0]] * 3)) == (None, None)
    assert bounds(paired_difference(same, same)) == (None, None)
    assert bounds(paired_difference([[0.3, 0.5]], [[0.2, 0.1]])) == (None, None)


def test_bounds_stay_possible_differences():
    assert bounds(paired_difference([[1.0], [0.0]], [[0.0], [0.9]])) == (-1.0, 1.0)


@given(matrices(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_order_of_students_and_questions_changes_no_bit(arms, random):
    treated, control = (np.array(arm) for arm in arms)
    students = random.sample(range(treated.shape[0]), treated.shape[0])
    questions = random.sample(range(treated.shape[1]), treated.shape[1])
    moved = [arm[np.ix_(students, questions)] for arm in (treated, control)]
    assert paired_difference(*moved) == paired_difference(treated, control)


@given(matrices())
@settings(deadline=None)
def test_swapping_the_arms_mirrors_the_interval(arms):
    there, back = paired_difference(*arms), paired_difference(*arms[::-1])
    assert back.value == -there.value
    if there.low is None:
        assert bounds(back) == (None, None)
    else:
        assert bounds(back) == (-there.high, -there.low)


@given(matrices(), levels, levels)
@settings(deadline=None)
def test_a_higher_level_of_the_difference_is_never_narrower(arms, one, other):
    narrow, wide = (paired_difference(*arms, level=level) for level in sorted((one, other)))
    if narrow.low is not None:
        assert wide.low <= narrow.low <= narrow.high <= wide.high


@given(matrices())
@settings(deadline=None)
def test_asking_every_question_twice_adds_no_certainty(arms):
    once, twice = paired_difference(*arms), paired_difference(*(np.repeat(arm, 2, axis=1) for arm in arms))
    assert twice.n == once.n
    assert (twice.low is None) == (once.low is None)
    if once.low is not None:
        assert bounds(twice) == pytest.approx(bounds(once), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("treated", "control", "message"),
    [
        ([[0.1, 0.2]], [[0.1]], r"treated has shape \(1, 2\) and control \(1, 1\)"),
        ([[0.1], [0.2]], [[0.1]], r"treated has shape \(2, 1\) and control \(1, 1\)"),
        ([0.1, 0.2], [0.1, 0.2], r"treated has shape \(2,\); needed is \(students, questions\)"),
        ([], [], r"treated has shape \(0,\)"),
        ([[], []], [[], []], r"treated has shape \(2, 0\)"),
        ([[0.1, 0.2], [0.1]], [[0.1, 0.2]], "every row equally long"),
        ([[0.1, 0.2]], [[0.1, float("nan")]], r"control\[0, 1\] is nan"),
        ([[0.1, 20.0]], [[0.1, 0.1]], r"treated\[0, 1\] is 20.0"),
    ],
)
def test_arms_that_do_not_pair_are_refused(treated, control, message):
    with pytest.raises(ValueError, match=message):
        paired_difference(treated, control)


def tail(successes, trials, share):
    """P(X >= successes) for X ~ Bin(trials, share), summed exactly in fractions."""
    p = Fraction(share)
    terms = (math.comb(trials, k) * p**k * (1 - p) ** (trials - k) for k in range(successes, trials + 1))
    return float(sum(terms, Fraction(0)))


def test_clopper_pearson_agrees_with_r():
    # R, from the help page of binom.test: binom.test(682, 925), Mendel's peas: 0.7076683 to 0.7654066.
    estimate = clopper_pearson(682, 925, unit="audit")
    assert bounds(estimate) == pytest.approx((0.7076683, 0.7654066), abs=5e-8)
    assert estimate.value == pytest.approx(0.7372973, abs=5e-8)
    assert (estimate.n, estimate.unit, estimate.level) == (925, "audit", 0.95)


@pytest.mark.parametrize("trials", [1, 2, 7, 30])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_each_bound_puts_half_of_the_error_in_its_binomial_tail(trials, level):
    half = (1 - level) / 2
    for successes in range(trials + 1):
        estimate = clopper_pearson(successes, trials, level=level, unit="dataset")
        at_least = tail(successes, trials, estimate.low) if successes else half
        at_most = 1 - tail(successes + 1, trials, estimate.high) if successes < trials else half
        assert (at_least, at_most) == pytest.approx((half, half), rel=1e-6)


@pytest.mark.parametrize("trials", [1, 5, 30, 200])
def test_all_failures_and_all_successes_still_leave_doubt(trials):
    # With no success the upper bound solves (1 - p)^n = 0.025; thirty failures leave up to 11.57 %.
    edge = 1 - 0.025 ** (1 / trials)
    none, every = clopper_pearson(0, trials, unit="audit"), clopper_pearson(trials, trials, unit="audit")
    assert bounds(none) == (0.0, pytest.approx(edge))
    assert bounds(every) == (pytest.approx(1 - edge), 1.0)


@pytest.mark.parametrize("trials", [1, 5, 10, 20, 35, 50])
def test_exact_coverage_is_never_below_the_level(trials):
    intervals = [bounds(clopper_pearson(k, trials, unit="audit")) for k in range(trials + 1)]
    # Coverage changes only at the bounds, so its minimum is found right beside them.
    edges = [edge + step for pair in intervals for edge in pair for step in (-1e-9, 1e-9)]
    shares = [p for p in [*edges, *np.linspace(0.01, 0.99, 12)] if 0 <= p <= 1]
    pmf = [[math.comb(trials, k) * p**k * (1 - p) ** (trials - k) for k in range(trials + 1)] for p in shares]
    inside = [[low <= p <= high for low, high in intervals] for p in shares]
    coverage = (np.array(pmf) * np.array(inside)).sum(axis=1)
    assert coverage.min() >= 0.95 - 1e-7  # 1e-9 beside a bound moves a tail by at most 50 times that


@given(st.integers(1, 60), st.data())
@settings(deadline=None)
def test_counting_failures_instead_mirrors_the_interval(trials, data):
    successes = data.draw(st.integers(0, trials))
    there = clopper_pearson(successes, trials, unit="audit")
    back = clopper_pearson(trials - successes, trials, unit="audit")
    assert bounds(back) == pytest.approx((1 - there.high, 1 - there.low), abs=1e-9)
    assert there.low <= there.value <= there.high


@pytest.mark.parametrize(
    ("successes", "trials", "unit", "message"),
    [
        (0, 0, "audit", "trials is 0"),
        (-1, 5, "audit", "successes is -1; allowed are 0 to 5"),
        (6, 5, "audit", "successes is 6; allowed are 0 to 5"),
        (1, 5, "", "unit is ''"),
        (1, 5, "answer", "answers share their student"),
        (1, 5, "question", "answers share their student"),
    ],
)
def test_counts_that_are_no_independent_trials_are_refused(successes, trials, unit, message):
    with pytest.raises(ValueError, match=message):
        clopper_pearson(successes, trials, unit=unit)
