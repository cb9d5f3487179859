"""Rows padded on the right, and their states: against the whole pass of each row alone."""

import pytest
import torch

from subtrait.models import transformers_adapter as adapter
from subtrait.models.padded_rows import right_padded, states_at

PAIRS = [([5, 6, 7, 8, 9, 10], [11, 12]), ([13], [14]), ([15, 16, 17], [18, 19, 20])]


def test_right_padding_predicts_completion_tokens_only():
    rows = right_padded([([1, 2, 3], [4, 5]), ([6], [7])])
    assert rows.tokens.tolist() == [[1, 2, 3, 4], [6, 0, 0, 0]]
    assert rows.real.tolist() == [0, 1, 2, 3, 4]
    assert rows.places.tolist() == [2, 3, 4]
    assert rows.targets.tolist() == [4, 5, 7]


@pytest.mark.parametrize("architecture", ["Llama", "Qwen2", "Gemma2", "Gemma3Text", "Mixtral", "Phi"])
def test_states_and_gradients_are_those_of_each_row_alone(network_of, architecture):
    network = network_of(architecture)
    weights = [weight for weight in network.module.parameters() if weight.dim() > 1]

    def summed(states):
        found = torch.autograd.grad(states.square().sum(), weights, allow_unused=True)
        return [torch.zeros_like(weight) if grad is None else grad for weight, grad in zip(weights, found, strict=True)]

    alone = [adapter.hidden_states(network, torch.tensor([[*p, *c][:-1]]))[0, len(p) - 1 :] for p, c in PAIRS]
    together = states_at(network, right_padded(PAIRS))
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-4, rtol=1e-4)
    for found, expected in zip(summed(together), summed(torch.cat(alone)), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)


def test_states_may_be_read_in_another_way(network):
    rows = right_padded(PAIRS)
    given = torch.arange(rows.tokens.numel()).reshape(rows.tokens.shape)
    assert states_at(network, rows, read=lambda _: given[..., None])[:, 0].tolist() == rows.places.tolist()
