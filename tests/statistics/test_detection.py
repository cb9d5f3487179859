import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subtrait.statistics.detection import auroc, detection_rate

values = st.lists(st.integers(-5, 5), min_size=1, max_size=12)


@given(values, values)
@settings(deadline=None)
def test_auroc_is_the_share_of_pairs_in_order(carriers, nulls):
    slow = np.mean([1.0 if c > n else 0.5 if c == n else 0.0 for c in carriers for n in nulls])
    assert auroc(carriers, nulls) == pytest.approx(slow)


def test_auroc_is_mann_and_whitneys_u_over_the_pairs():
    from scipy.stats import mannwhitneyu

    rng = np.random.default_rng(1)
    carriers, nulls = rng.normal(1, 1, size=50), rng.normal(size=80)
    assert auroc(carriers, nulls) == pytest.approx(mannwhitneyu(carriers, nulls).statistic / (50 * 80))


@given(values, values, st.sampled_from([0.0, 0.01, 0.1, 0.25, 0.5]))
@settings(deadline=None)
def test_detection_is_the_most_that_any_threshold_allows(carriers, nulls, false_alarms):
    allowed = [
        np.mean([value > threshold for value in carriers])
        for threshold in [*nulls, *carriers]
        if np.mean([value > threshold for value in nulls]) <= false_alarms
    ]
    assert detection_rate(carriers, nulls, false_alarms=false_alarms) == pytest.approx(max(allowed))


def test_one_in_a_hundred_nulls_may_lie_above():
    nulls = list(range(100))
    assert detection_rate([98.5], nulls, false_alarms=0.01) == 1
    assert detection_rate([98.5], nulls, false_alarms=0.009) == 0
    assert detection_rate([98], nulls, false_alarms=0.01) == 0


@pytest.mark.parametrize(
    ("carriers", "nulls", "share", "message"),
    [
        ([], [1], 0.01, "carriers must be numbers"),
        ([1], [float("nan")], 0.01, "nulls must be numbers"),
        ([1], [1], 1.0, "false_alarms is 1.0"),
    ],
)
def test_what_cannot_be_compared_is_refused(carriers, nulls, share, message):
    with pytest.raises(ValueError, match=message):
        detection_rate(carriers, nulls, false_alarms=share)
