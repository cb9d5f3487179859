"""Derivatives written by hand, against differences and against each other."""

import numpy as np
import pytest

from subtrait.lab.theorem.network import ACTIVATIONS, Network

NETWORKS = [Network((3, 2)), Network((4, 6, 3)), Network((4, 6, 5, 3), "silu"), Network((2, 3, 4, 3, 2))]


def drawn(network, seed=1, inputs=5):
    rng = np.random.default_rng(seed)
    shape = (inputs, network.widths[-1])
    weights, direction = network.draw(rng=rng), rng.standard_normal(network.size)
    return weights, rng.standard_normal((inputs, network.widths[0])), direction, rng.standard_normal(shape)


def difference(function, weights, direction, step=1e-5):
    """Central, with an error of the order of step²."""
    return (function(weights + step * direction) - function(weights - step * direction)) / (2 * step)


def test_outputs_are_those_computed_by_hand():
    # Hidden: tanh(1·2 + 0·1 − 2) = 0 and tanh(0·2 + .5·1 + 0) = tanh(.5); output 3·0 + 2·tanh(.5) + 1.
    weights = np.array([1, 0, 0, 0.5, -2, 0, 3, 2, 1.0])
    assert Network((2, 2, 1)).outputs(weights, np.array([[2.0, 1.0]])) == pytest.approx(1 + 2 * np.tanh(0.5))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slopes_are_those_of_the_activation(name):
    at = np.linspace(-4, 4, 41)
    value, slope = ACTIVATIONS[name](at)
    np.testing.assert_allclose(slope, difference(lambda x: ACTIVATIONS[name](x)[0], at, 1.0), atol=1e-9)
    assert value[20] == 0


def test_only_tanh_is_odd():
    at = np.linspace(0.1, 3, 9)
    assert np.array_equal(ACTIVATIONS["tanh"](-at)[0], -ACTIVATIONS["tanh"](at)[0])
    assert (ACTIVATIONS["silu"](-at)[0] > -ACTIVATIONS["silu"](at)[0]).all()


def test_huge_values_overflow_nowhere():
    value, slope = ACTIVATIONS["silu"](np.array([-1e300, 1e300]))
    assert (value.tolist(), slope.tolist()) == ([0, 1e300], [0, 1])


@pytest.mark.parametrize("network", NETWORKS)
def test_pulling_back_gives_the_gradient_of_finite_differences(network):
    weights, inputs, _, by_output = drawn(network)
    found = network.pull_back(weights, network.trace(weights, inputs), by_output)
    expected = [
        difference(lambda at: (network.outputs(at, inputs) * by_output).sum(), weights, axis)
        for axis in np.eye(network.size)
    ]
    np.testing.assert_allclose(found, expected, atol=1e-8)


@pytest.mark.parametrize("network", NETWORKS)
def test_pushing_forward_gives_the_change_of_finite_differences(network):
    weights, inputs, direction, _ = drawn(network)
    found = network.push_forward(weights, network.trace(weights, inputs), direction)
    expected = difference(lambda at: network.outputs(at, inputs), weights, direction)
    np.testing.assert_allclose(found, expected, atol=1e-7)


@pytest.mark.parametrize("network", NETWORKS)
def test_both_derivatives_are_transposes_of_each_other(network):
    weights, inputs, direction, by_output = drawn(network)
    trace = network.trace(weights, inputs)
    forward = (network.push_forward(weights, trace, direction) * by_output).sum()
    assert forward == pytest.approx(network.pull_back(weights, trace, by_output) @ direction, rel=1e-12)


def test_layers_are_views_that_fill_the_vector():
    network = Network((3, 4, 2))
    weights = np.zeros(network.size)
    for layer in network.layers(weights):
        layer[:] = layer + 1
    assert (weights == 1).all()
    assert [layer.shape for layer in network.layers(weights)] == [(4, 4), (5, 2)]


def test_initial_weights_have_the_variance_that_keeps_activations_at_their_size():
    network = Network((24, 200, 100))
    first, last = network.layers(network.draw(rng=np.random.default_rng(3)))
    # 5,000 and 20,100 normal draws: a standard deviation is off by 1 % and .5 %.
    assert first.std() == pytest.approx(25**-0.5, rel=0.04)
    assert last.std() == pytest.approx(201**-0.5, rel=0.02)
