"""The run in inner products is gradient descent on the quadratic loss that the blocks describe."""

import numpy as np
import pytest

from subtrait.auditor.training.block_gradients import Blocks
from subtrait.auditor.training.curved_run import curved_run, inner_products

WEIGHTS, BLOCKS = 40, 10


def blocks(rng, *, shift=0.0, spread=1.0):
    gradients = shift + spread * rng.normal(size=(BLOCKS, WEIGHTS))
    tokens = rng.integers(50, 150, size=BLOCKS).astype(float)
    return Blocks(gradients.astype(np.float32), np.full(BLOCKS, 8.0), tokens)


@pytest.fixture
def sides():
    rng = np.random.default_rng(0)
    return blocks(rng, shift=0.3), blocks(rng)


def hessian(sides):
    """The covariance of single tokens' gradients, from blocks of many tokens."""
    found = np.zeros((WEIGHTS, WEIGHTS))
    for side in sides:
        gradients = side.gradients.astype(np.float64)
        centred = gradients - side.tokens @ gradients / side.tokens.sum()
        found += (centred * side.tokens[:, None]).T @ centred
    return found / (2 * BLOCKS - 2)


def asked(sides, gradients, scales):
    return np.stack([inner_products(*sides, scales=scales, gradient=gradient) for gradient in gradients])


def test_inside_the_span_the_run_is_preconditioned_gradient_descent(sides):
    scales = np.random.default_rng(1).uniform(0.5, 2, size=WEIGHTS)
    curvature, difference = hessian(sides), sides[0].mean - sides[1].mean
    length, steps = 0.02, 20_000
    moved = np.zeros(WEIGHTS)
    for _ in range(steps):
        moved += length / steps * scales * (difference - curvature @ moved)
    probes = np.random.default_rng(2).normal(size=(5, WEIGHTS))
    run = curved_run(*sides, scales=scales, length=length)
    found = run.log_shifts(asked(sides, probes, scales), rest=1.0)
    np.testing.assert_allclose(found, probes @ moved, rtol=1e-3, atol=1e-5)


def test_a_short_run_is_straight(sides):
    run = curved_run(*sides, scales=np.ones(WEIGHTS), length=1e-9)
    probes = np.random.default_rng(2).normal(size=(5, WEIGHTS))
    found = run.log_shifts(asked(sides, probes, np.ones(WEIGHTS)), rest=1.0)
    np.testing.assert_allclose(found, 1e-9 * probes @ (sides[0].mean - sides[1].mean), rtol=1e-4)


def test_a_long_run_reaches_the_minimum_and_nothing_outside_the_span(sides):
    run = curved_run(*sides, scales=np.ones(WEIGHTS), length=1e9)
    probes = np.random.default_rng(2).normal(size=(5, WEIGHTS))
    minimum = np.linalg.pinv(hessian(sides), rcond=1e-6) @ (sides[0].mean - sides[1].mean)
    np.testing.assert_allclose(run.log_shifts(asked(sides, probes, np.ones(WEIGHTS))), probes @ minimum, rtol=1e-3)


def test_left_out_blocks_do_not_count(sides):
    kept = np.arange(BLOCKS) != 3
    few = [Blocks(side.gradients[kept], side.rows[kept], side.tokens[kept]) for side in sides]
    probes = np.random.default_rng(2).normal(size=(5, WEIGHTS))
    runs = [curved_run(*each, scales=np.ones(WEIGHTS), length=0.05) for each in (sides, few)]
    left_out = runs[0].log_shifts(asked(sides, probes, np.ones(WEIGHTS)), kept=kept, rest=0.5)
    np.testing.assert_allclose(left_out, runs[1].log_shifts(asked(few, probes, np.ones(WEIGHTS)), rest=0.5), rtol=1e-5)


def test_outside_the_span_the_share_follows_the_curvature_there():
    """Independent weights of equal variance: any direction outside the span has that curvature."""
    rng, variance, tokens = np.random.default_rng(3), 0.04, 100
    shape = (64, 20_000)
    sides = [
        Blocks((rng.normal(0, variance**0.5, size=shape) + mean).astype(np.float32), np.ones(64), np.full(64, tokens))
        for mean in (1.0, 0.0)
    ]
    curvature = variance * tokens
    for length in (0.01, 1.0, 30.0):
        scaled = length * curvature
        share = curved_run(*sides, scales=np.ones(shape[1]), length=length).share_outside()
        assert share == pytest.approx(np.log1p(scaled) / scaled, rel=0.25)


def test_sides_must_have_as_many_blocks(sides):
    fewer = Blocks(sides[1].gradients[:-1], sides[1].rows[:-1], sides[1].tokens[:-1])
    with pytest.raises(ValueError, match="10 and 9 blocks"):
        curved_run(sides[0], fewer, scales=np.ones(WEIGHTS), length=1.0)
