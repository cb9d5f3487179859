import numpy as np
import pytest

from subtrait.statistics.whitening import inverse, row_covariance, shift_covariance, shrunk, spread, whiten

NAN = float("nan")


def rows(count, size, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, size)) @ rng.normal(size=(size, size))


def slow_ledoit_wolf(means):
    """Ledoit and Wolf (2004): the estimators m, d², b² and a² of their section on the bona fide estimator, by loops."""
    deviations = means - means.mean(axis=0)
    count, size = deviations.shape
    sample = sum(np.outer(each, each) for each in deviations) / count

    def squared(matrix):
        return float(np.sum(matrix * matrix)) / size

    m = np.trace(sample) / size
    d2 = squared(sample - m * np.eye(size))
    b2 = min(sum(squared(np.outer(each, each) - sample) for each in deviations) / count**2, d2)
    return b2 / d2 * m * np.eye(size) + (d2 - b2) / d2 * sample


def test_the_covariance_of_rows_is_numpys_over_complete_rows():
    scores = rows(30, 4)
    expected = np.cov(scores, rowvar=False)
    incomplete = np.full((2, 4), 100.0)
    incomplete[:, 1] = NAN
    np.testing.assert_allclose(row_covariance(np.vstack([incomplete, scores])), expected, rtol=1e-10)


@pytest.mark.parametrize(("count", "size"), [(5, 12), (32, 8), (200, 3)])
def test_the_covariance_of_shifts_is_ledoits_and_wolfs(count, size):
    means = rows(count, size)
    np.testing.assert_allclose(shift_covariance(means), slow_ledoit_wolf(means), rtol=1e-9, atol=1e-12)


def test_fewer_references_than_hypotheses_can_still_be_whitened_by():
    means = rows(6, 40)
    assert np.linalg.matrix_rank(np.cov(means, rowvar=False)) == 5
    assert np.linalg.eigvalsh(shift_covariance(means)).min() > 0


def test_shrinkage_fades_with_more_references():
    means = rows(20_000, 3)
    np.testing.assert_allclose(shift_covariance(means), np.cov(means, rowvar=False), rtol=0.05, atol=0.02)


def test_references_that_shift_alike_have_no_covariance():
    assert (shift_covariance(np.ones((3, 2))) == 0).all()


def test_the_spread_is_each_hypothesis_own_variance():
    means = rows(9, 3)
    np.testing.assert_allclose(spread(means), np.diag(means.var(axis=0, ddof=1)), rtol=1e-12)


def test_shrinkage_adds_a_share_of_the_mean_variance():
    np.testing.assert_allclose(shrunk(np.array([[1.0, 0.5], [0.5, 3.0]]), 0.1), [[1.2, 0.5], [0.5, 3.2]])


def test_the_inverse_undoes_the_covariance_and_is_symmetric():
    covariance = np.cov(rows(50, 6), rowvar=False)
    found = inverse(covariance)
    np.testing.assert_allclose(found @ covariance, np.eye(6), atol=1e-9)
    assert (found == found.T).all()


def test_a_whitened_shift_is_what_the_other_shifts_do_not_explain():
    # (W⁻¹ d)_s / (W⁻¹)_ss is the residual of d_s after regression on the other components, 1 / (W⁻¹)_ss its variance.
    covariance = np.cov(rows(50, 5), rowvar=False)
    shift = np.arange(1.0, 6.0)
    found = whiten(shift, inverse(covariance))
    for column in range(5):
        others = [other for other in range(5) if other != column]
        weights = np.linalg.solve(covariance[np.ix_(others, others)], covariance[others, column])
        residual = shift[column] - weights @ shift[others]
        variance = covariance[column, column] - weights @ covariance[others, column]
        assert found[column] == pytest.approx(residual / np.sqrt(variance), rel=1e-8)


def test_whitening_independent_hypotheses_divides_by_their_standard_deviations():
    found = whiten(np.array([[1.0, 1.0], [4.0, -9.0]]), inverse(np.diag([4.0, 9.0])))
    np.testing.assert_allclose(found, [[0.5, 1 / 3], [2.0, -3.0]])


def test_whitened_normal_shifts_have_unit_variance():
    covariance = np.cov(rows(50, 4), rowvar=False)
    shifts = np.random.default_rng(2).multivariate_normal(np.zeros(4), covariance, size=20_000)
    # The standard error of a variance of 20,000 is 0.01.
    np.testing.assert_allclose(whiten(shifts, inverse(covariance)).var(axis=0), 1.0, atol=0.05)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: row_covariance(np.array([[1.0, NAN], [1.0, 2.0]])), "1 of 2 rows have every score"),
        (lambda: shift_covariance(np.ones((1, 3))), r"shape \(1, 3\)"),
        (lambda: spread(np.ones((1, 3))), "at least 2 references"),
        (lambda: shrunk(np.eye(2), -0.1), r"shrinkage is -0.1"),
        (lambda: inverse(np.ones((2, 2))), "without any variance"),
    ],
)
def test_what_cannot_be_whitened_by_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
