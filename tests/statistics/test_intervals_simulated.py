"""The t interval over students on simulated experiments: false alarms, wrong units, coverage."""

import math

import numpy as np
import pytest

from subtrait.statistics.intervals import paired_difference

# The largest number of 2,000 tests that may reject at 5 %: the 99.9 % quantile of Bin(2000, 0.05).
GATE = 131


def excludes(estimate, value):
    return estimate.low is not None and not estimate.low <= value <= estimate.high


@pytest.mark.parametrize("students", [5, 8])
@pytest.mark.parametrize("icc", [0.0, 0.05, 0.1, 0.3])
def test_equal_arms_are_told_apart_in_at_most_five_per_cent(simulate, students, icc):
    null = simulate(2_000, students=students, seed=1, icc=icc)
    pairs = zip(null.treated, null.control, strict=True)
    rejections = sum(excludes(paired_difference(*pair), 0.0) for pair in pairs)
    assert rejections <= GATE
    assert rejections >= 50  # the interval is not merely wide


@pytest.mark.parametrize("students", [5, 8])
def test_the_same_simulation_catches_tests_with_the_wrong_unit(simulate, students):
    null = simulate(2_000, students=students, seed=1)
    answers = students * 20 * 50
    pooled = (null.treated.mean(axis=(1, 2)) + null.control.mean(axis=(1, 2))) / 2
    difference = null.differences.mean(axis=1)
    as_answers = np.abs(difference) > 1.96 * np.sqrt(2 * pooled * (1 - pooled) / answers)
    by_question = (null.treated - null.control).mean(axis=1)
    as_questions = np.abs(difference) > 2.093 * by_question.std(axis=1, ddof=1) / math.sqrt(20)
    assert as_answers.sum() > 1_000
    assert as_questions.sum() > 2 * GATE


@pytest.mark.parametrize("students", [5, 8])
def test_a_true_effect_is_covered_as_often_as_promised(simulate, students):
    # 4,701 of 5,000 is the least that a true coverage of 95 % gives in 999 of 1,000 runs.
    found = simulate(5_000, students=students, seed=3, effect=True)
    arms = zip(found.treated, found.control, found.truth, strict=True)
    covered = sum(not excludes(paired_difference(treated, control), truth) for treated, control, truth in arms)
    assert 4_701 <= covered <= 4_850
    assert np.all(found.truth > 0.05)


@pytest.mark.parametrize(("students", "promised"), [(5, 0.66), (8, 0.82), (16, 0.90)])
def test_the_documented_limit_is_true(students, promised):
    rng = np.random.default_rng(7)
    moved = 0.3 * (rng.random((2_000, students, 1)) < 0.2)
    arms = zip(rng.binomial(1_000, 0.1 + moved) / 1_000, rng.binomial(1_000, 0.1 + 0 * moved) / 1_000, strict=True)
    covered = np.mean([not excludes(paired_difference(*arm), 0.06) for arm in arms])
    assert covered == pytest.approx(promised, abs=0.03)
