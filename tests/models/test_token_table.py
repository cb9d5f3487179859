"""Moments from kept states are those of a fresh pass; truncation is what the sampler does."""

import numpy as np
import pytest
import torch

from subtrait.models.likelihood import score_tokens, surprise_tokens
from subtrait.models.registry import open_model
from subtrait.models.token_table import CHUNK_LOGITS, TokenTable

WORDS = ["Hello there.", "712, 55, 801", "[7]", "One two three four five six seven."] * 12
PROMPTS = [[{"role": "user", "content": f"Say {word}"}] for word in WORDS]


@pytest.fixture(scope="module")
def pairs():
    encoder = open_model("micro-a").encoder
    return list(zip(encoder.prompts(PROMPTS), encoder.completions(WORDS), strict=True))


@pytest.fixture(scope="module")
def table(pairs):
    return TokenTable(open_model("micro-a").network, pairs)


def distributions(pairs, temperature):
    """Every position's probabilities, row after row, from the network's own forward pass in float64."""
    network = open_model("micro-a").network.module
    for prompt, completion in pairs:
        with torch.no_grad():
            logits = network(torch.tensor([[*prompt, *completion]])).logits[0, len(prompt) - 1 : -1].double()
        yield from zip(torch.softmax(logits / temperature, -1).numpy(), completion, strict=True)


@pytest.mark.parametrize("temperature", [1.0, 0.6, 1.7])
def test_moments_agree_with_a_pass_at_that_temperature(table, pairs, temperature):
    fresh = surprise_tokens(open_model("micro-a").network, pairs, temperature=temperature)
    assert table.moments(temperature) == pytest.approx(np.concatenate(fresh), abs=1e-4)


def test_tokens_are_in_the_order_of_the_rows_and_sum_by_row(table, pairs):
    assert len(table.row_of) * 2001 > CHUNK_LOGITS  # more than one chunk
    assert table.row_of.tolist() == [row for row, (_, said) in enumerate(pairs) for _ in said]
    sums = [-scores.sum() for scores in score_tokens(open_model("micro-a").network, pairs)]
    assert table.by_row(table.moments(1.0))[:, 0] == pytest.approx(sums, abs=1e-3)


def test_above_is_the_share_and_the_number_of_likelier_tokens(table, pairs):
    for (probabilities, token), (share, rank) in zip(distributions(pairs, 0.8), table.above(0.8), strict=True):
        likelier = probabilities[probabilities > probabilities[token]]
        assert (share, rank) == (pytest.approx(likelier.sum(), abs=1e-5), len(likelier))


@pytest.mark.parametrize(("top_p", "top_k"), [(0.9, None), (0.3, None), (1.0, 5), (0.9, 3), (1.0, 1)])
def test_truncated_moments_are_those_of_the_likeliest_tokens(table, pairs, top_p, top_k):
    found = table.truncated(1.0, top_p=top_p, top_k=top_k)
    for (probabilities, token), row in zip(distributions(pairs, 1.0), found, strict=True):
        order = np.argsort(-probabilities, kind="stable")
        before = np.cumsum(probabilities[order]) - probabilities[order]
        kept = order[(before < top_p) & (np.arange(len(order)) < (top_k or len(order)))]
        left = probabilities[kept] / probabilities[kept].sum()
        entropy = -(left * np.log(left)).sum()
        surprisal = -np.log(left[kept == token])[0] if token in kept else np.inf
        variance = (left * (np.log(left) + entropy) ** 2).sum()
        assert row == pytest.approx([surprisal, entropy, variance, np.log(probabilities[kept].sum())], abs=1e-3)


def test_no_rows_make_an_empty_table():
    empty = TokenTable(open_model("micro-a").network, [])
    assert (empty.rows, empty.moments(1.0).shape, empty.by_row(empty.moments(1.0)).shape) == (0, (0, 3), (0, 3))
