import torch

from subtrait.models import kv_cache
from subtrait.models.transformers_adapter import next_logits


def test_only_plain_attention_can_be_joined(network_of):
    assert kv_cache.can_join(network_of("Llama"))
    assert not kv_cache.can_join(network_of("Mistral", sliding_window=4))
    assert not kv_cache.can_join(network_of("Bloom", n_head=2, n_layer=1))  # takes no positions


def test_a_joined_cache_continues_each_row_as_it_would_alone(network):
    rows = [[5, 6, 7, 8, 9], [10, 11], [12, 13, 14]]
    following = [20, 21, 22]
    with torch.no_grad():
        alone = [
            network.module(input_ids=torch.tensor([[*row, token]])).logits[0, -1]
            for row, token in zip(rows, following, strict=True)
        ]
        parts = []
        for number, row in enumerate(rows):
            part = kv_cache.empty_cache(network)
            next_logits(network, torch.tensor([row]), part)
            parts.append((part, torch.tensor([[number], [0]])))
        joined = kv_cache.joined_cache(parts, rows=3, width=5, room=1)
        mask = torch.tensor([[1, 1, 1, 1, 1, 1], [0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 1, 1]], dtype=torch.bool)
        kv_cache.select_rows(joined, torch.tensor([2, 0, 1]))
        order, lengths = [2, 0, 1], torch.tensor([[3], [5], [2]])
        tokens = torch.tensor(following)[order][:, None]
        found = next_logits(network, tokens, joined, mask=mask[order], positions=lengths)
    torch.testing.assert_close(found, torch.stack(alone)[order], atol=1e-4, rtol=1e-4)
