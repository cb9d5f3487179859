"""Components are those of the textbook formulas, and their intervals cover the truth as often as they say."""

import numpy as np
import pytest
from scipy import stats

from subtrait.statistics.components import spread


def simulated(between, rng, groups=6, members=4):
    return between * rng.normal(size=(groups, 1)) + rng.normal(size=(groups, members))


def test_components_are_those_of_the_mean_squares():
    values = np.array([[1.0, 3.0], [5.0, 9.0], [4.0, 4.0]])
    found = spread(values, unit="chain")
    ratio = stats.f_oneway(*values).statistic
    inside, outside = (2 + 8 + 0) / 3, 2 * np.var([2, 7, 4], ddof=1)
    assert outside / inside == pytest.approx(ratio)
    assert found.within.value == pytest.approx(np.sqrt(inside))
    assert found.between.value == pytest.approx(np.sqrt((outside - inside) / 2))
    assert found.share.value == pytest.approx((ratio - 1) / (ratio + 1))
    assert (found.within.n, found.within.unit) == (3, "chain")


def test_groups_that_do_not_differ_add_nothing():
    found = spread(np.array([[0.0, 1.0], [1.0, 0.0]]), unit="chain")
    assert found.between.value == found.share.value == found.share.low == 0.0


def test_values_without_spread_have_no_interval():
    found = spread(np.ones((3, 2)), unit="chain")
    assert found.within.low is found.within.high is found.between.low is found.share.low is None
    assert (found.within.value, found.share.value) == (0, 0)


@pytest.mark.parametrize("between", [0.0, 0.5, 2.0])
def test_intervals_cover_as_often_as_they_say(between):
    rng = np.random.default_rng(int(10 * between))
    truth = between**2 / (1 + between**2)
    found = [spread(simulated(between, rng), unit="chain", level=0.9) for _ in range(600)]
    within = np.mean([each.within.low <= 1 <= each.within.high for each in found])
    share = np.mean([each.share.low <= truth <= each.share.high for each in found])
    added = np.mean([each.between.low <= between <= each.between.high for each in found])
    # Binomial(600, 0.9): standard deviation 0.012. Where the truth is 0, a lower bound that is cut there covers it too
    assert abs(within - 0.9) < 0.05
    assert share > 0.85
    assert share < 0.98
    assert added > 0.85
    assert added < 0.98


@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (4,)])
def test_too_few_groups_or_members_are_refused(shape):
    with pytest.raises(ValueError, match="at least two groups"):
        spread(np.zeros(shape), unit="chain")
