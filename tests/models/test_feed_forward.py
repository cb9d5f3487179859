"""What goes through feed-forward parts, and that nothing of it stays behind."""

import pytest
import torch

from subtrait.models import transformers_adapter as adapter
from subtrait.models.feed_forward import WORTH_LEAVING_OUT, only_for


def seen_by(parts):
    """For each part, how many positions it is given from now on."""
    seen = [[] for _ in parts]
    for part, counts in zip(parts, seen, strict=True):
        part.register_forward_hook(lambda _part, given, _out, counts=counts: counts.append(given[0][..., 0].numel()))
    return seen


def test_padding_goes_through_no_part_and_what_nobody_looks_at_not_through_the_last(network_of):
    network = network_of()
    parts = adapter.feed_forwards(network)
    tokens, real = torch.tensor([[5, 6, 7, 8], [9, 10, 0, 0]]), torch.tensor([0, 1, 2, 3, 4, 5])
    with torch.no_grad(), only_for(parts, tokens.shape, real=real, looked_at=torch.tensor([3, 5])):
        seen = seen_by(parts)
        adapter.hidden_states(network, tokens)
    assert seen == [[6], [2]]


def test_hardly_any_padding_is_computed_with_the_rest(network_of):
    network = network_of()
    parts = adapter.feed_forwards(network)
    count = int(2 / WORTH_LEAVING_OUT)
    tokens, real = torch.full((1, count), 5), torch.arange(count - 1)
    with torch.no_grad(), only_for(parts, tokens.shape, real=real, looked_at=real):
        seen = seen_by(parts)
        adapter.hidden_states(network, tokens)
    assert seen == [[count], [count]]


def test_everything_goes_through_again_afterwards_even_after_an_error(network_of):
    network = network_of()
    parts, tokens = adapter.feed_forwards(network), torch.tensor([[5, 6, 7]])
    with torch.no_grad():
        before = adapter.hidden_states(network, tokens)
        with (
            pytest.raises(ZeroDivisionError),
            only_for(parts, tokens.shape, real=torch.tensor([0]), looked_at=torch.tensor([0])),
        ):
            raise ZeroDivisionError
        assert torch.equal(adapter.hidden_states(network, tokens), before)
