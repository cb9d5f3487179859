"""The extrapolation recovers a growth that is known, and refuses where nothing grows."""

import numpy as np
import pytest

from subtrait.auditor.training.growth import doubling, extrapolate, growth_factor

ENDLESS = np.array([0.2, -0.05, 0.0, -0.1])
"""What endless rows would teach."""


def learnt(rows, noise):
    return ENDLESS * rows / (rows + noise)


@pytest.mark.parametrize("noise", [0, 500, 2_000, 10_000])
def test_shifts_without_error_are_extrapolated_exactly(noise):
    whole, half = (np.tile(learnt(rows, noise), (6, 1)) for rows in (1_000, 500))
    grown = extrapolate(whole, half, rows=1_000, all_rows=6_000)
    for found in (grown.shift, grown.low, grown.high):
        np.testing.assert_allclose(found, learnt(6_000, noise), rtol=1e-6, atol=1e-12)


def test_the_range_covers_what_all_rows_teach():
    rng, covered = np.random.default_rng(0), 0
    for _ in range(300):
        whole, half = (learnt(rows, 1_000) + rng.normal(0, 0.01, size=(6, 4)) for rows in (1_000, 500))
        grown = extrapolate(whole, half, rows=1_000, all_rows=6_000)
        covered += bool(grown and grown.low[0] <= learnt(6_000, 1_000)[0] <= grown.high[0])
    assert covered >= 270


def test_more_rows_never_teach_less_nor_more_than_in_proportion():
    rng = np.random.default_rng(1)
    for _ in range(200):
        ratio = float(rng.uniform(1, 2))
        assert 1 <= growth_factor(ratio, rows=300, all_rows=3_000) <= 10
    assert growth_factor(1.0, rows=300, all_rows=3_000) == 1
    assert growth_factor(2.0, rows=300, all_rows=3_000) == 10


def test_opposite_students_have_no_growth():
    shifts = np.array([[0.1, 0.0], [-0.1, 0.0], [0.0, 0.1], [0.0, -0.1]])
    assert doubling(shifts, shifts) is None
    assert extrapolate(shifts, shifts, rows=10, all_rows=20) is None


def test_shards_must_be_the_same():
    with pytest.raises(ValueError, match="needed are equal"):
        extrapolate(np.zeros((6, 4)), np.zeros((5, 4)), rows=10, all_rows=20)
