"""The divergence is what its definition gives in plain torch, and distilling makes it smaller."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from subtrait.errors import UsageError
from subtrait.models.base import Recipe
from subtrait.models.distillation import distil_tokens, divergence_tokens

RNG = np.random.default_rng(0)
PAIRS = [
    (RNG.integers(3, 300, prompt).tolist(), RNG.integers(3, 300, completion).tolist())
    for prompt, completion in zip(RNG.integers(2, 20, 12), RNG.integers(1, 60, 12), strict=True)
]
ONE_STEP = Recipe(steps=1, batch_size=len(PAIRS), learning_rate=10.0, warmup_steps=0, epsilon=1e3, max_grad_norm=1e9)
"""With an epsilon far above the gradients, the step is the gradient times learning rate / epsilon."""


@pytest.fixture(scope="module")
def target(network_of):
    """The same architecture with other weights."""
    made = network_of()
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(9)
        for weight in made.module.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    return made


def by_definition(network, other, *, grad=False):
    """KL(network || other) of each completion token, from the models' own logits, row by row."""
    found = []
    for prompt, completion in PAIRS:
        tokens = torch.tensor([[*prompt, *completion]])
        with torch.set_grad_enabled(grad):
            one, two = (torch.log_softmax(each.module(tokens).logits[0], -1) for each in (network, other))
        here = slice(len(prompt) - 1, len(prompt) + len(completion) - 1)
        found.append((one[here].exp() * (one[here] - two[here])).sum(-1))
    return found


def test_the_divergence_is_that_of_the_definition(network, target):
    found = divergence_tokens(network, target, PAIRS)
    for part, expected in zip(found, by_definition(network, target), strict=True):
        np.testing.assert_allclose(part, expected.numpy(), rtol=1e-3, atol=1e-6)
    assert all(np.abs(part).max() < 1e-9 for part in divergence_tokens(network, network, PAIRS))


def test_a_step_follows_the_gradient_of_the_divergence(network, target):
    tuned, losses = distil_tokens(network, target, PAIRS, ONE_STEP, rng=np.random.default_rng(0))
    network.module.zero_grad()
    loss = torch.cat(by_definition(target, network, grad=True)).mean()
    loss.backward()
    assert losses == (pytest.approx(float(loss.detach()), rel=1e-4),)
    moved = dict(tuned.module.named_parameters())
    for name, weight in network.module.named_parameters():
        change, slope = (moved[name] - weight).detach(), weight.grad
        torch.testing.assert_close(change, -10 * slope / 1e3, rtol=2e-2, atol=1e-6)
    network.module.zero_grad(set_to_none=True)


def test_distilling_brings_a_model_nearer_and_leaves_both_as_they_were(network, target):
    before = [{name: each.clone() for name, each in one.module.state_dict().items()} for one in (network, target)]
    recipe = Recipe(steps=20, batch_size=8, learning_rate=1e-2)
    tuned, losses = distil_tokens(network, target, PAIRS, recipe, rng=np.random.default_rng(0))
    again, _ = distil_tokens(network, target, PAIRS, recipe, rng=np.random.default_rng(0))
    far, near = (np.concatenate(divergence_tokens(target, each, PAIRS)).mean() for each in (network, tuned))
    assert near < 0.7 * far
    assert losses[-1] < losses[0]
    for one, state in zip((network, target), before, strict=True):
        assert all(torch.equal(one.module.state_dict()[name], each) for name, each in state.items())
    assert all(torch.equal(again.module.state_dict()[name], each) for name, each in tuned.module.state_dict().items())


def test_other_vocabularies_are_refused(network, network_of):
    other = replace(network_of(vocab_size=500), where="wide")
    with pytest.raises(UsageError, match="tokens and wide 500"):
        divergence_tokens(network, other, PAIRS)
    with pytest.raises(UsageError, match="only over one vocabulary"):
        distil_tokens(network, other, PAIRS, ONE_STEP, rng=np.random.default_rng(0))


def test_where_memory_runs_out_the_same_comes_of_smaller_parts(network, target, monkeypatch, scarce):
    expected = divergence_tokens(network, target, PAIRS)
    tuned, losses = distil_tokens(network, target, PAIRS, ONE_STEP, rng=np.random.default_rng(0))
    refused = scarce(monkeypatch, "hidden_states", 80)
    for found, whole in zip(divergence_tokens(network, target, PAIRS), expected, strict=True):
        np.testing.assert_allclose(found, whole, rtol=1e-3, atol=1e-6)
    first = len(refused)
    again, less = distil_tokens(network, target, PAIRS, ONE_STEP, rng=np.random.default_rng(0))
    assert 0 < first < len(refused)
    assert less == (pytest.approx(losses[0], rel=1e-4),)
    for one, other in zip(tuned.module.parameters(), again.module.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-3)
