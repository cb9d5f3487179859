"""Numbers over trials and their intervals."""

import math

import pytest

from subtrait.lab.theorem.estimates import curve, geometric_mean, mean, power, share


def test_the_mean_has_the_t_interval_of_a_printed_table():
    # 2.776445 is the 97.5 % quantile at four degrees of freedom; the standard deviation of 1 to 5 is √2.5.
    found = mean([1.0, 2.0, 3.0, 4.0, 5.0])
    half = 2.776445 * math.sqrt(2.5 / 5)
    assert (found.value, found.n, found.unit, found.level) == (3, 5, "trial", 0.95)
    assert (found.low, found.high) == pytest.approx((3 - half, 3 + half), rel=1e-6)


def test_trials_without_spread_have_no_interval():
    for values in ([1.0], [0.0, 0.0], [1.0, 1 + 1e-15]):
        assert (mean(values).low, mean(values).high) == (None, None)


def test_no_trial_has_no_mean():
    with pytest.raises(ValueError, match="at least one trial"):
        mean([])


def test_a_geometric_mean_is_one_of_logarithms():
    found = geometric_mean([1.0, 100.0])
    logs = mean([0.0, math.log(100)])
    assert (found.value, found.low, found.high) == pytest.approx((10, math.exp(logs.low), math.exp(logs.high)))


def test_a_power_law_gives_its_power():
    x = [1e-3, 1e-2, 1e-1]
    assert power(x, [7 * each**1.5 for each in x]) == pytest.approx(1.5)
    assert power(x, [1.0, 0.0, 1.0]) is None
    assert power(x, [1.0, -1.0, 1.0]) is None


def test_a_curve_says_where_it_leaves_one_and_where_that_is_sure():
    shares = [share([True] * 50), share([True] * 49 + [False]), share([True] * 30 + [False] * 20)]
    found = curve(zip([0.1, 1, 10], shares, strict=True), name="n", setting="s", measured="m")
    assert (found.x, found.value, found.n) == ((0.1, 1, 10), (1, 0.98, 0.6), (50, 50, 50))
    assert (found.first_failure(), found.first_below(), found.first_below(0.5)) == (1, 10, None)
    assert found.high[0] == 1
    # All of 50: the lower bound solves pⁿ = .025.
    assert found.low[0] == pytest.approx(0.025 ** (1 / 50))
    assert found.expected is None
