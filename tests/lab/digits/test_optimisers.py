"""Against PyTorch's optimiser classes, step by step."""

import pytest
import torch

from subtrait.lab.digits.optimisers import new_step


@pytest.mark.parametrize(("name", "theirs"), [("adam", torch.optim.Adam), ("sgd", torch.optim.SGD)])
@pytest.mark.parametrize("rate", [3e-4, 0.1])
def test_twenty_steps_are_those_of_pytorch(name, theirs, rate):
    torch.manual_seed(0)
    start, slopes = torch.randn(1_001), torch.randn(20, 1_001) * torch.logspace(-9, 1, 1_001)
    slopes[:, :10] = 0
    ours, gradient = start.clone(), torch.zeros(1_001)
    reference = torch.nn.Parameter(start.double())
    optimiser = theirs([reference], lr=rate)
    step = new_step(name, rate, weights=ours, gradient=gradient)
    for slope in slopes:
        gradient.copy_(slope)
        step()
        reference.grad = slope.double()
        optimiser.step()
        torch.testing.assert_close(ours.double(), reference.detach(), rtol=1e-5, atol=2e-6 * rate / 3e-4)
    assert torch.equal(ours[:10], start[:10])
    assert not torch.equal(ours[10:], start[10:])


def test_every_optimiser_begins_anew():
    weights, gradient = torch.zeros(8), torch.ones(8)
    for _ in range(2):
        before = weights.clone()
        new_step("adam", 0.01, weights=weights, gradient=gradient)()
        # The first step of Adam has the length of the learning rate, whatever the gradient.
        torch.testing.assert_close(before - weights, torch.full((8,), 0.01))
