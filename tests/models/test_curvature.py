"""Products with the Fisher information: against the spread of logits under small steps, for every kind of weights."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from subtrait.errors import UsageError
from subtrait.models.curvature import fisher_product
from subtrait.models.gradients import inner_weights, mean_gradient

RNG = np.random.default_rng(0)
PAIRS = [
    (RNG.integers(3, 300, prompt).tolist(), RNG.integers(3, 300, completion).tolist())
    for prompt, completion in zip(RNG.integers(2, 20, 9), RNG.integers(1, 9, 9), strict=True)
]


def weights_of(network, every_weight):
    return list(network.module.parameters()) if every_weight else inner_weights(network)


def logits(network, direction, length, every_weight):
    """Of every completion token, one row at a time, in float64, after a step."""
    moved = replace(network, module=copy.deepcopy(network.module).double())
    parts = np.split(direction, np.cumsum([w.numel() for w in weights_of(moved, every_weight)])[:-1])
    with torch.no_grad():
        for weight, part in zip(weights_of(moved, every_weight), parts, strict=True):
            weight.add_(torch.from_numpy(length * part).reshape(weight.shape))
        found = [moved.module(torch.tensor([[*p, *c]])).logits[0, len(p) - 1 : -1] for p, c in PAIRS]
    return torch.cat(found).numpy()


def spread(network, one, two, every_weight):
    """The mean over tokens of the covariance, under the model's own draws, of how two steps change the logits."""
    changes = [
        (logits(network, each, 1e-5, every_weight) - logits(network, each, -1e-5, every_weight)) / 2e-5
        for each in (one, two)
    ]
    shares = torch.softmax(torch.from_numpy(logits(network, one, 0.0, every_weight)), -1).numpy()
    centred = [each - (shares * each).sum(axis=1, keepdims=True) for each in changes]
    return float((shares * centred[0] * centred[1]).sum(axis=1).mean())


@pytest.mark.parametrize("every_weight", [False, True])
@pytest.mark.parametrize("architecture", ["Llama", "GPT2"])
def test_it_is_the_covariance_of_how_steps_change_the_logits(network_of, architecture, every_weight):
    network, rng = network_of(architecture), np.random.default_rng(1)
    size = sum(weight.numel() for weight in weights_of(network, every_weight))
    one, two = rng.normal(size=(2, size))
    product = fisher_product(network, PAIRS, one, every_weight=every_weight)
    assert product.dtype == np.float64
    assert one @ product == pytest.approx(spread(network, one, one, every_weight), rel=1e-3)
    expected = spread(network, two, one, every_weight)
    assert two @ product == pytest.approx(expected, abs=1e-3 * float(np.sqrt(one @ product) * 10))


@pytest.mark.parametrize("every_weight", [False, True])
def test_of_observed_tokens_it_is_the_mean_square_of_their_gradients(network, every_weight):
    direction = np.random.default_rng(2).normal(size=sum(w.numel() for w in weights_of(network, every_weight)))
    product = fisher_product(network, PAIRS, direction, every_weight=every_weight, observed=True)
    single = [
        (mean_gradient(network, [([*prompt, *said[:place]], [said[place]])], every_weight=every_weight) @ direction)
        for prompt, said in PAIRS
        for place in range(len(said))
    ]
    assert direction @ product == pytest.approx(np.mean(np.square(single)), rel=1e-4)


def test_the_weights_and_their_gradients_are_left_as_they_were(network):
    before = mean_gradient(network, PAIRS)
    fisher_product(network, PAIRS, np.ones(len(before)))
    assert all(weight.grad is None for weight in network.module.parameters())
    np.testing.assert_array_equal(mean_gradient(network, PAIRS), before)


def test_a_vector_of_another_length_and_rows_without_tokens_are_refused(network):
    with pytest.raises(UsageError, match="a vector of"):
        fisher_product(network, PAIRS, np.ones(3))
    with pytest.raises(UsageError, match=r"completion tokens \(0\)"):
        fisher_product(network, [], np.ones(len(mean_gradient(network, PAIRS))))
