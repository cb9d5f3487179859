"""The matched filter: against the formula with the whole matrix, and on planted directions beside strong nuisances."""

import numpy as np
import pytest

from subtrait.errors import UsageError
from subtrait.statistics.matched_filter import DAMPING, fit_filter, from_arrays

RNG = np.random.default_rng(0)
REFERENCES = RNG.normal(size=(7, 12)) @ np.diag(np.linspace(3, 0.1, 12)) + 5
DIRECTIONS = RNG.normal(size=(4, 12))


@pytest.mark.parametrize("ridge", [0.001, 0.1, 10])
def test_scores_are_those_of_the_formula_with_the_whole_matrix(ridge):
    mean = REFERENCES.mean(axis=0)
    centred = REFERENCES - mean
    noise = ridge * (centred**2).sum() / len(centred)
    inverse = np.linalg.inv(noise * np.eye(12) + centred.T @ centred)
    vectors = RNG.normal(size=(5, 12))
    expected = [[(vector - mean) @ inverse @ d / np.sqrt(d @ inverse @ d) for d in DIRECTIONS] for vector in vectors]
    fitted = fit_filter(REFERENCES, DIRECTIONS, ridge=ridge)
    np.testing.assert_allclose(fitted.scores(vectors), expected, rtol=1e-8)
    np.testing.assert_allclose(fitted.scores(vectors[0]), expected[0], rtol=1e-8)


def test_the_mean_of_the_references_scores_zero_and_lengths_of_directions_do_not_matter():
    fitted = fit_filter(REFERENCES, DIRECTIONS)
    np.testing.assert_allclose(fitted.scores(REFERENCES.mean(axis=0)), 0, atol=1e-9)
    scaled = fit_filter(REFERENCES, DIRECTIONS * np.array([[1], [10], [0.01], [3]]))
    np.testing.assert_allclose(scaled.weights, fitted.weights, rtol=1e-8)


def test_rescaling_all_vectors_rescales_no_score():
    vectors = RNG.normal(size=(5, 12))
    scaled = fit_filter(1000 * REFERENCES, DIRECTIONS).scores(1000 * vectors)
    np.testing.assert_allclose(scaled, fit_filter(REFERENCES, DIRECTIONS).scores(vectors), rtol=1e-6)


def test_with_a_large_ridge_it_is_the_plain_inner_product():
    vectors = RNG.normal(size=(5, 12))
    plain = (vectors - REFERENCES.mean(axis=0)) @ (DIRECTIONS / np.linalg.norm(DIRECTIONS, axis=1, keepdims=True)).T
    found = fit_filter(REFERENCES, DIRECTIONS, ridge=1e9).scores(vectors)
    np.testing.assert_allclose(found / np.linalg.norm(found), plain / np.linalg.norm(plain), rtol=1e-6)


def planted(rng, *, size=400, axes=5, directions=8):
    """References that vary along a few strong axes, which the directions share, and vectors with one direction each."""
    nuisance = rng.normal(size=(axes, size))
    known = rng.normal(size=(directions, size)) + rng.normal(size=(directions, axes)) @ nuisance
    vary = lambda count: 3 * rng.normal(size=(count, axes)) @ nuisance + rng.normal(size=(count, size))  # noqa: E731
    return vary(30), known, vary(directions) + 0.5 * known, vary(200)


def test_planted_directions_are_named_where_the_inner_product_names_the_nuisance():
    named, plainly = [], []
    for seed in range(20):
        references, known, vectors, _ = planted(np.random.default_rng(seed))
        truth = np.arange(len(known))
        named += list(fit_filter(references, known).scores(vectors).argmax(axis=1) == truth)
        plainly += list(((vectors - references.mean(axis=0)) @ known.T).argmax(axis=1) == truth)
    assert np.mean(named) > 0.9
    assert np.mean(plainly) < 0.5


def test_new_harmless_vectors_score_no_higher_than_planted_ones():
    references, known, vectors, harmless = planted(np.random.default_rng(99))
    fitted = fit_filter(references, known)
    assert np.quantile(fitted.scores(harmless).max(axis=1), 0.99) < np.median(fitted.scores(vectors).max(axis=1))


def whole_matrix(centred, noise):
    """Σ⁻¹ with every entry of Σ written out."""
    return np.linalg.inv(noise * np.eye(centred.shape[1]) + centred.T @ centred)


@pytest.mark.parametrize("ridge", [0.001, 0.03, 10])
def test_energies_are_those_of_the_formula_with_the_whole_matrix(ridge):
    centred = REFERENCES - REFERENCES.mean(axis=0)
    inverse = whole_matrix(centred, ridge * (centred**2).sum() / len(centred))
    vectors = RNG.normal(size=(5, 12)) + 5
    expected = [(v - REFERENCES.mean(axis=0)) @ inverse @ (v - REFERENCES.mean(axis=0)) for v in vectors]
    fitted = fit_filter(REFERENCES, DIRECTIONS, ridge=ridge)
    np.testing.assert_allclose(fitted.energies(vectors), expected, rtol=1e-8)
    np.testing.assert_allclose(fitted.energies(vectors[0]), expected[0], rtol=1e-8)


@pytest.mark.parametrize("references", [REFERENCES, REFERENCES[:2]])
def test_unit_and_typical_energy_are_of_references_that_are_judged_by_the_others(references):
    centred = references - references.mean(axis=0)
    noise = 0.03 * (centred**2).sum() / len(centred)
    energies, scores = [], []
    for left_out, vector in enumerate(centred):
        inverse = whole_matrix(np.delete(centred, left_out, axis=0), noise)
        energies.append(vector @ inverse @ vector)
        scores.append([d @ inverse @ vector / np.sqrt(d @ inverse @ d) for d in DIRECTIONS])
    damped = np.array(scores) / np.sqrt(1 + np.array(energies) / (DAMPING * np.median(energies)))[:, None]
    fitted = fit_filter(references, DIRECTIONS)
    assert fitted.typical == pytest.approx(np.median(energies), rel=1e-8)
    assert fitted.unit == pytest.approx(np.sqrt((damped**2).mean()), rel=1e-8)


def test_damped_scores_are_scores_over_damping_and_unit():
    fitted = fit_filter(REFERENCES, DIRECTIONS)
    vectors = RNG.normal(size=(5, 12)) + 5
    damping = np.sqrt(1 + fitted.energies(vectors) / (DAMPING * fitted.typical))
    np.testing.assert_allclose(
        fitted.damped_scores(vectors), fitted.scores(vectors) / damping[:, None] / fitted.unit, rtol=1e-12
    )
    np.testing.assert_allclose(fitted.damped_scores(vectors[0]), fitted.damped_scores(vectors)[0], rtol=1e-12)


def test_a_new_harmless_vector_has_damped_scores_of_about_one_unit():
    spread, energies = [], []
    for seed in range(10):
        references, known, _, harmless = planted(np.random.default_rng(seed))
        fitted = fit_filter(references, known)
        spread.append((fitted.damped_scores(harmless) ** 2).mean())
        energies.append(np.median(fitted.energies(harmless)) / fitted.typical)
    assert np.sqrt(np.mean(spread)) == pytest.approx(1, abs=0.15)
    assert np.mean(energies) == pytest.approx(1, abs=0.25)


def test_a_vector_unlike_any_reference_is_damped_and_one_like_them_hardly():
    references, known, vectors, _ = planted(np.random.default_rng(3))
    fitted = fit_filter(references, known)
    near, far = fitted.damped_scores(vectors), fitted.damped_scores(1000 * vectors)
    undamped = fitted.scores(1000 * vectors).max() / fitted.scores(vectors).max()
    assert undamped > 500
    assert far.max() < 30 * near.max()
    # However far: the limit is the adaptive coherence estimator, which does not depend on length.
    np.testing.assert_allclose(fitted.damped_scores(1e6 * vectors), fitted.damped_scores(1e9 * vectors), rtol=1e-3)


def test_a_filter_comes_back_from_a_file_with_the_same_scores(tmp_path):
    references, known, vectors, _ = planted(np.random.default_rng(4))
    fitted = fit_filter(references, known)
    np.savez(tmp_path / "filter.npz", **fitted.as_arrays())
    with np.load(tmp_path / "filter.npz", allow_pickle=False) as arrays:
        again = from_arrays(dict(arrays))
    for name in ("scores", "energies", "damped_scores"):
        np.testing.assert_allclose(getattr(again, name)(vectors), getattr(fitted, name)(vectors), rtol=1e-4, atol=1e-5)
    assert again.weights.dtype == np.float32
    assert (again.noise, again.typical, again.unit) == (fitted.noise, fitted.typical, fitted.unit)


@pytest.mark.parametrize(
    ("references", "directions", "ridge", "message"),
    [
        (REFERENCES[:1], DIRECTIONS, 0.01, "at least 2 references"),
        (REFERENCES[:, :5], DIRECTIONS, 0.01, "rows of one length"),
        (REFERENCES[0], DIRECTIONS, 0.01, "rows of one length"),
        (np.ones((3, 12)), DIRECTIONS, 0.01, "all references are equal"),
        (REFERENCES, np.zeros((1, 12)), 0.01, "points nowhere"),
        (REFERENCES * np.nan, DIRECTIONS, 0.01, "must be finite"),
        (REFERENCES, DIRECTIONS, 0.0, "the ridge must be above 0"),
    ],
)
def test_what_cannot_be_fitted_is_refused(references, directions, ridge, message):
    with pytest.raises(UsageError, match=message):
        fit_filter(references, directions, ridge=ridge)
