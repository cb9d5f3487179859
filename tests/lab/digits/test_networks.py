"""Gradients by hand against automatic differentiation, one network at a time."""

import numpy as np
import pytest
import torch

from subtrait.lab.digits.networks import Stack, draw_weights, perturbed
from subtrait.lab.digits.settings import Architecture

ARCHITECTURES = [
    Architecture(hidden=hidden, activation=activation, bias=bias)
    for hidden in ((), (7,), (9, 6), (5, 6, 7))
    for activation in ("relu", "gelu", "sigmoid")
    for bias in (True, False)
]
ACTIVATIONS = {"relu": torch.relu, "gelu": torch.nn.functional.gelu, "sigmoid": torch.sigmoid}


def some_models(architecture, count=3):
    """Weights with biases that are not 0, so that they matter."""
    drawn = [draw_weights(architecture, 8, outputs=4, rng=np.random.default_rng(seed)) for seed in range(count)]
    return [[weight + np.float32(0.1) for weight in weights] for weights in drawn]


def by_autograd(weights, architecture, x):
    """The logits of one network in float64, from weights that record gradients."""
    step = 2 if architecture.bias else 1
    for place in range(0, len(weights), step):
        x = x @ weights[place]
        x = x + weights[place + 1] if architecture.bias else x
        x = ACTIVATIONS[architecture.activation](x) if place + step < len(weights) else x
    return x


def gradients(stack, models):
    """Read off from one step of gradient descent."""
    before = stack.weights()
    stack.new_step("sgd", 1.0)()
    pairs = zip(before, stack.weights(), strict=True)
    assert len(before) == models
    return [[old - new for old, new in zip(*pair, strict=True)] for pair in pairs]


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
def test_logits_and_gradients_are_those_of_automatic_differentiation(architecture):
    models = some_models(architecture)
    generator = torch.Generator().manual_seed(0)
    x, slope = (torch.randn(3, 5, size, generator=generator) for size in (8, 4))
    stack = Stack(models, architecture)
    logits = stack.logits(x)
    stack.backward(slope)
    for number, found in enumerate(gradients(stack, 3)):
        weights = [torch.from_numpy(weight).double().requires_grad_() for weight in models[number]]
        expected = by_autograd(weights, architecture, x[number].double())
        torch.testing.assert_close(logits[number].double(), expected.detach(), rtol=1e-4, atol=1e-5)
        wanted = torch.autograd.grad(expected, weights, slope[number].double())
        for ours, theirs in zip(found, wanted, strict=True):
            torch.testing.assert_close(torch.from_numpy(ours).double(), theirs, rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES[6:12], ids=str)
def test_a_second_pass_replaces_the_gradients_of_the_first(architecture):
    once, twice = (Stack(some_models(architecture), architecture) for _ in range(2))
    x, slope = torch.randn(3, 5, 8), torch.randn(3, 5, 4)
    twice.logits(torch.randn(3, 9, 8))
    twice.backward(torch.randn(3, 9, 4))
    for stack in (once, twice):
        stack.logits(x)
        stack.backward(slope)
    for one, other in zip(gradients(once, 3), gradients(twice, 3), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_stack_holds_copies():
    models = some_models(Architecture(hidden=(5,)))
    stack = Stack(models, Architecture(hidden=(5,)))
    for weights, kept in zip(models, stack.weights(), strict=True):
        assert all(np.array_equal(a, b) and a is not b for a, b in zip(weights, kept, strict=True))
    stack.logits(torch.ones(3, 2, 8))
    stack.backward(torch.ones(3, 2, 4))
    stack.new_step("adam", 0.1)()
    assert not np.array_equal(stack.weights()[0][0], models[0][0])
    assert np.array_equal(models[0][0], some_models(Architecture(hidden=(5,)))[0][0])


@pytest.mark.parametrize("bias", [True, False])
def test_weights_are_drawn_with_variance_one_over_the_inputs_and_biases_are_0(bias):
    architecture = Architecture(hidden=(300, 200), bias=bias)
    drawn = draw_weights(architecture, 64, outputs=13, rng=np.random.default_rng(0))
    matrices, biases = (drawn[::2], drawn[1::2]) if bias else (drawn, [])
    assert [matrix.shape for matrix in matrices] == [(64, 300), (300, 200), (200, 13)]
    assert [each.shape for each in biases] == ([(1, 300), (1, 200), (1, 13)] if bias else [])
    assert all(not each.any() for each in biases)
    for matrix in matrices:
        # The standard deviation of a variance of n normal numbers is sqrt(2 / n).
        assert matrix.dtype == np.float32
        assert matrix.var() * len(matrix) == pytest.approx(1, abs=4 * np.sqrt(2 / matrix.size))
        assert abs(matrix.mean()) < 4 / np.sqrt(len(matrix) * matrix.size)


@pytest.mark.parametrize("bias", [True, False])
def test_noise_is_as_large_as_asked_for_and_leaves_biases(bias):
    architecture = Architecture(hidden=(300, 200), bias=bias)
    before = draw_weights(architecture, 64, outputs=13, rng=np.random.default_rng(0))
    after = perturbed(before, architecture, spread=0.5, rng=np.random.default_rng(1))
    moves = [new - old for old, new in zip(before, after, strict=True)]
    matrices, biases = (moves[::2], moves[1::2]) if bias else (moves, [])
    assert all(not each.any() for each in biases)
    for matrix in matrices:
        assert matrix.var() * len(matrix) == pytest.approx(0.25, rel=4 * np.sqrt(2 / matrix.size))
