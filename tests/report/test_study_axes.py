import itertools
import math

import pytest

from subtrait.report.study_axes import FACTOR, MOST_TICKS, ruler


@pytest.mark.parametrize(
    ("values", "scale", "names"),
    [
        ([0.41, 0.3], "share", ["0 %", "10 %", "20 %", "30 %", "40 %", "50 %"]),
        ([], "share", ["0 %", "0.2 %", "0.4 %", "0.6 %", "0.8 %", "1 %"]),
        ([1.3, -0.4], "share", ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]),
        ([0.12, -0.03], "points", ["-5", "0", "5", "10", "15"]),
        ([-0.02], "points", ["-2", "-1", "0", "1"]),
        ([1.98, 2.02], "plain", ["1.98", "1.99", "2", "2.01", "2.02"]),
        ([2.0, 0.96], "plain", ["0", "0.5", "1", "1.5", "2"]),
        ([5], "plain", ["4.4", "4.6", "4.8", "5", "5.2", "5.4", "5.6"]),
        ([0, 5, 20, 50], "plain", ["0", "10", "20", "30", "40", "50"]),
        ([1, 2, 5, 100], "plain", ["1", "2", "5", "10", "20", "50", "100"]),
        ([3, 200], "plain", ["2", "5", "10", "20", "50", "100", "200"]),
        ([1, 1000], "plain", ["1", "10", "100", "1,000"]),
        ([1e-7, 0.1], "plain", ["10⁻⁷", "10⁻⁶", "10⁻⁵", "10⁻⁴", "10⁻³", "10⁻²", "10⁻¹"]),
        ([0.02, 1e5], "plain", ["10⁻²", "1", "10²", "10⁴", "10⁶"]),
    ],
)
def test_ticks_are_round_and_hold_every_value(values, scale, names):
    assert list(ruler(values, scale).names) == names


def test_an_axis_is_logarithmic_beyond_the_factor_where_all_is_positive():
    assert ruler([1, FACTOR * 1.01]).logarithmic
    assert not ruler([1, FACTOR]).logarithmic
    assert not ruler([0, 1, 1000]).logarithmic
    assert not ruler([-1, 1000]).logarithmic
    assert not ruler([0.001, 0.9], "share").logarithmic


def test_equal_factors_are_equal_distances_on_a_logarithmic_axis():
    axis = ruler([1, 10, 100, 1000])
    places = [axis.at(value) for value in (1, 10, 100, 1000)]
    assert len({round(after - before, 6) for before, after in itertools.pairwise(places)}) == 1
    assert axis.zero is None
    assert axis.at(0) == axis.at(-5) == axis.at(1)


def test_zero_stands_where_the_axis_holds_it():
    assert ruler([-0.1, 0.1], "points").zero == pytest.approx(50)
    assert ruler([1.98, 2.02]).zero is None


def test_length_is_that_of_the_drawing():
    across, up = ruler([0.0, 1.0], "share"), ruler([0.0, 1.0], "share", length=240.0)
    assert across.at(1.0) == 98
    assert up.at(1.0) == 238
    assert up.ticks[-1] == up.at(1.0)


EXTREMES = (0.0, -0.0, 1.0, -1.0, 1 + 1e-16, 3e-324, 1e-299, -1e-299, 1e-9, 1e6, 1e12, 1e300, -1e300, 123456.789, 1e-3)


@pytest.mark.parametrize("scale", ["share", "points", "plain"])
def test_whatever_the_values_few_ticks_in_rising_order_stay_on_the_axis(scale):
    for values in itertools.chain(itertools.product(EXTREMES, repeat=1), itertools.product(EXTREMES, repeat=2)):
        axis = ruler(values, scale)
        assert 2 <= len(axis.names) == len(axis.ticks) <= MOST_TICKS, values
        assert all(before < after for before, after in itertools.pairwise(axis.ticks)), values
        assert len(set(axis.names)) == len(axis.names), values
        assert all(math.isfinite(axis.at(value)) and 0 <= axis.at(value) <= 100 for value in values), values
