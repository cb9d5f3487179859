"""Pictures, noise and the orders they come in."""

import numpy as np
import pytest
import scipy.stats
import torch

from subtrait.lab.digits.inputs import pictures, shuffled, uniform_noise
from subtrait.lab.digits.pictures import Pictures


def rngs(*seeds):
    return [np.random.default_rng(seed) for seed in seeds]


@pytest.mark.parametrize("brightest", [16, 255])
def test_black_is_minus_one_and_the_brightest_is_one(brightest):
    shown = Pictures(np.array([[0, brightest], [brightest, 0]], np.uint8), np.zeros(2, np.int64), brightest=brightest)
    found = pictures(shown)(torch.tensor([[1, 0], [0, 0]]))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, torch.tensor([[[1.0, -1], [-1, 1]], [[-1, 1], [-1, 1]]]))


def test_noise_is_uniform_between_minus_one_and_one():
    drawn = uniform_noise(500, 64, rngs=rngs(0, 1))(torch.arange(500).expand(2, -1))
    assert drawn.shape == (2, 500, 64)
    for own in drawn:
        assert scipy.stats.kstest(own.numpy().ravel(), scipy.stats.uniform(-1, 2).cdf).pvalue > 1e-3


def test_every_network_has_noise_of_its_own_whoever_stands_beside_it():
    rows = torch.tensor([[4, 0, 4]])
    alone = [uniform_noise(5, 7, rngs=rngs(seed))(rows)[0] for seed in (0, 1)]
    beside = uniform_noise(5, 7, rngs=rngs(0, 1))(rows.expand(2, -1))
    assert torch.equal(beside, torch.stack(alone))
    assert torch.equal(alone[0][0], alone[0][2])
    assert not torch.equal(alone[0], alone[1])


def test_every_epoch_shows_every_row_once_to_every_network():
    found = list(shuffled(10, 4, epochs=3, rngs=rngs(0, 1)))
    assert [tuple(rows.shape) for rows in found] == [(2, 4), (2, 4), (2, 2)] * 3
    epochs = torch.cat(found, dim=1).reshape(2, 3, 10)
    assert torch.equal(epochs.sort(-1).values, torch.arange(10).expand(2, 3, 10))
    assert len({tuple(order) for order in epochs.flatten(0, 1).tolist()}) == 6


def test_no_epoch_shows_nothing():
    assert list(shuffled(10, 4, epochs=0, rngs=rngs(0))) == []
