"""A curved run is gradient descent on a quadratic loss; its ends are the straight line and the minimum."""

import numpy as np
import pytest

from subtrait.auditor.training import curved_run
from subtrait.auditor.training.curved_run import PRODUCTS, CurvedRun

WEIGHTS = 30


@pytest.fixture
def hessian():
    """Curvatures over three orders of magnitude, in turned axes."""
    rng = np.random.default_rng(0)
    turned = np.linalg.qr(rng.normal(size=(WEIGHTS, WEIGHTS)))[0]
    return (turned * np.geomspace(0.1, 100, WEIGHTS)) @ turned.T


@pytest.fixture
def difference():
    return np.random.default_rng(1).normal(size=WEIGHTS)


def run_of(hessian, length, scales=None):
    return CurvedRun(
        scales=np.ones(WEIGHTS) if scales is None else scales, length=length, curvature=lambda v: hessian @ v
    )


def descent(run, difference, steps=100_000):
    """The same, a small step at a time."""
    moved = np.zeros(WEIGHTS)
    for _ in range(steps):
        moved += run.length / steps * run.scales * (difference - run.curvature(moved))
    return moved


def test_it_is_preconditioned_gradient_descent(hessian, difference, monkeypatch):
    monkeypatch.setattr(curved_run, "PRODUCTS", WEIGHTS)
    scales = np.random.default_rng(2).uniform(0.5, 2, size=WEIGHTS)
    run = run_of(hessian, 0.3, scales)
    np.testing.assert_allclose(run.goes(difference), descent(run, difference), rtol=1e-3, atol=1e-5)


def test_a_few_products_are_enough_where_the_start_lies_along_steep_directions(hessian, difference):
    run = run_of(hessian, 0.3)
    start = hessian @ difference  # as gradients of rows are: largest where the loss is steep
    real = descent(run, start, steps=20_000)
    assert np.linalg.norm(run.goes(start) - real) < 0.05 * np.linalg.norm(real)


def test_a_short_run_is_straight(hessian, difference):
    run = run_of(hessian, 1e-9)
    np.testing.assert_allclose(run.goes(difference), run.straight(difference), rtol=1e-4)
    np.testing.assert_allclose(run.straight(difference), 1e-9 * difference)


def test_a_long_run_reaches_the_minimum(hessian, difference, monkeypatch):
    monkeypatch.setattr(curved_run, "PRODUCTS", WEIGHTS)
    np.testing.assert_allclose(run_of(hessian, 1e9).goes(difference), np.linalg.solve(hessian, difference), rtol=1e-4)


def test_without_curvature_the_line_is_straight(difference):
    run = run_of(np.zeros((WEIGHTS, WEIGHTS)), 2.0)
    np.testing.assert_allclose(run.goes(difference), 2.0 * difference)


def test_directions_that_are_used_up_end_the_products(difference):
    asked = []
    run = CurvedRun(scales=np.ones(WEIGHTS), length=1.0, curvature=lambda v: asked.append(1) or 3.0 * v)
    np.testing.assert_allclose(run.goes(difference), -np.expm1(-3.0) / 3.0 * difference)
    assert len(asked) == 1 < PRODUCTS


def test_no_difference_goes_nowhere(hessian):
    assert not run_of(hessian, 1.0).goes(np.zeros(WEIGHTS)).any()
