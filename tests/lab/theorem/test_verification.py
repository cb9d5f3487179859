"""The whole check, small."""

from dataclasses import asdict

import numpy as np
import pytest

from subtrait.lab.theorem.problems import draw_problems
from subtrait.lab.theorem.verification import elsewhere, verify


@pytest.fixture(scope="module")
def found():
    return verify(2, trials=6, long_trials=1)


def leaves(value):
    if isinstance(value, dict):
        return [leaf for each in value.values() for leaf in leaves(each)]
    if isinstance(value, tuple):
        return [leaf for each in value for leaf in leaves(each)]
    return [value]


def test_the_same_seed_gives_the_same_bytes(found):
    assert repr(verify(2, trials=6, long_trials=1)) == repr(found)


def test_another_seed_gives_other_trials(found):
    assert verify(3, trials=2, long_trials=1).lemma.cosines != found.lemma.cosines


def test_everything_that_was_asked_is_answered(found):
    assert found.lemma.positive.value == found.theorem.within.value == 1
    starts = [(start.start, start.imitated) for start in found.starts]
    assert starts == [("same", "auxiliary"), ("other", "auxiliary"), ("same", "all"), ("other", "all")]
    names = [limit.name for limit in found.limits]
    assert len(set(names)) == len(names)
    for condition in ("large ε", "sampled labels", "Adam's step", "gradient descent", "Adam, 300", "another start"):
        assert any(condition in name for name in names)


def test_shares_lie_within_their_intervals(found):
    for limit in found.limits:
        for curve in (limit.positive, limit.fell):
            assert len({len(each) for each in (curve.x, curve.value, curve.low, curve.high, curve.n)}) == 1
            for low, value, high in zip(curve.low, curve.value, curve.high, strict=True):
                assert 0 <= low <= value <= high <= 1
                assert low < high


def test_results_are_plain_numbers_and_words(found):
    assert {type(leaf) for leaf in leaves(asdict(found))} <= {int, float, str, bool, type(None)}


def test_students_elsewhere_have_starts_of_their_own():
    problems = list(draw_problems(3, seed=0, purpose="test"))
    starts = [each.student_start for each in elsewhere(problems, seed=0, purpose="test")]
    again = [each.student_start for each in elsewhere(problems[:2], seed=0, purpose="test")]
    assert all(np.array_equal(one, two) for one, two in zip(again, starts, strict=False))
    assert not any(np.array_equal(each.student_start, start) for each, start in zip(problems, starts, strict=True))


def test_no_trial_is_no_verification():
    with pytest.raises(ValueError, match="no trial was given"):
        verify(0, trials=0)
