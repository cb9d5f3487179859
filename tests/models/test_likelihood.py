import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from subtrait.errors import UsageError
from subtrait.models import transformers_adapter as adapter
from subtrait.models.likelihood import SHORT_PASS, WORTH_SHARING, batches, passes, score_tokens, surprise_tokens
from subtrait.models.shared_context import SharedContext
from subtrait.models.side_by_side import MOST_LANES

RNG = np.random.default_rng(0)
PAIRS = [
    (RNG.integers(3, 300, prompt).tolist(), RNG.integers(3, 300, completion).tolist())
    for prompt, completion in ((5, 3), (2, 9), (11, 1), (5, 3), (1, 4), (30, 20))
]


def by_plain_forward(network, prompt, completion):
    """One row through the model's own forward pass in float64."""
    module = copy.deepcopy(network.module).double()
    with torch.no_grad():
        logits = module(input_ids=torch.tensor([[*prompt, *completion]]), use_cache=False).logits[0]
    found = logits.log_softmax(-1)[len(prompt) - 1 : -1].gather(-1, torch.tensor(completion)[:, None])
    return found[:, 0].numpy()


ARCHITECTURES = pytest.mark.parametrize(
    ("architecture", "changes"),
    [
        ("Llama", {}),
        ("Gemma2", {"final_logit_softcapping": 3.0, "sliding_window": 12}),  # bends its logits after the output layer
        ("Granite", {"logits_scaling": 4.0}),
        ("Cohere", {"logit_scale": 0.3}),
        ("GPT2", {"n_embd": 32, "n_head": 2, "n_layer": 2}),  # layers under other names
        ("Phi", {"num_key_value_heads": 2, "tie_word_embeddings": False}),  # an output layer with a bias
    ],
)


@ARCHITECTURES
def test_scores_are_those_of_a_plain_forward_pass_in_double_precision(network_of, architecture, changes):
    network = network_of(architecture, **changes)
    for (prompt, completion), found in zip(PAIRS, score_tokens(network, PAIRS), strict=True):
        np.testing.assert_allclose(found, by_plain_forward(network, prompt, completion), atol=1e-4)
        assert found.dtype == np.float64


@ARCHITECTURES
@pytest.mark.parametrize("shared", [WORTH_SHARING - 1, WORTH_SHARING, 20])
def test_what_all_prompts_begin_with_is_read_once_and_changes_no_score(network_of, architecture, changes, shared):
    network = network_of(architecture, **changes)
    context = RNG.integers(3, 300, shared).tolist()
    pairs = [([*context, row, *prompt], completion) for row, (prompt, completion) in enumerate(PAIRS, start=3)]
    for (prompt, completion), found in zip(pairs, score_tokens(network, pairs, token_budget=60), strict=True):
        np.testing.assert_allclose(found, by_plain_forward(network, prompt, completion), atol=1e-4)


def test_batches_hold_every_row_once_within_the_limit():
    lengths = RNG.integers(1, 60, 100).tolist()
    found = list(batches(lengths, 200))
    assert sorted(row for batch in found for row in batch) == list(range(100))
    assert all(len(batch) * max(lengths[row] for row in batch) <= 200 for batch in found)


def latest_ends(parts, lengths):
    """Tokens that are read until all is done, by two threads and by four, in sum."""
    found = []
    for lanes in (2, MOST_LANES):
        free = [0] * lanes
        for part in parts:
            free[free.index(min(free))] += len(part) * lengths[part[0]]
        found.append(max(free))
    return sum(found)


def lengths_of(kind, rows):
    drawn = np.random.default_rng(rows)
    return {"equal": [90] * rows, "mixed": np.exp(drawn.uniform(2.7, 7.3, rows)).astype(int).tolist()}[kind]


@pytest.mark.parametrize("kind", ["equal", "mixed"])
@pytest.mark.parametrize("rows", range(1, 120))
def test_passes_hold_every_row_once_within_the_limit_and_end_no_later_than_plain_batches(network, kind, rows):
    lengths = lengths_of(kind, rows)
    found = passes(SharedContext(network, 0, None), [([1] * (length - 1), [2]) for length in lengths], limit=720)
    assert sorted(row for each in found for row in each) == list(range(rows))
    assert all(len(each) == 1 or len(each) * lengths[each[0]] <= 720 for each in found)
    assert latest_ends(found, lengths) <= latest_ends(list(batches(lengths, 720)), lengths)


@pytest.mark.parametrize("rows", [9, 20, 36, 42, 52])
def test_a_short_pass_at_the_end_is_made_even_with_others(network, rows):
    pairs = [([1] * 60, [2] * 30) for _ in range(rows)]
    found = passes(SharedContext(network, 0, None), pairs, limit=720)
    assert latest_ends(found, [90] * rows) < latest_ends(list(batches([90] * rows, 720)), [90] * rows)


def test_passes_are_whole_where_none_go_side_by_side():
    on_a_gpu = SimpleNamespace(device=torch.device("cuda"))
    pairs = [([1] * 60, [2] * 30) for _ in range(40)]
    assert [len(each) for each in passes(SharedContext(on_a_gpu, 0, None), pairs, limit=720)] == [8] * 5


def test_a_row_longer_than_the_limit_goes_alone():
    assert list(batches([5, 900, 5], 100)) == [[1], [0, 2]]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_surprise_is_that_of_the_whole_distribution_at_each_place(network, temperature):
    found = surprise_tokens(network, PAIRS, temperature=temperature)
    module = copy.deepcopy(network.module).double()
    for (prompt, completion), rows in zip(PAIRS, found, strict=True):
        with torch.no_grad():
            logits = module(input_ids=torch.tensor([[*prompt, *completion]]), use_cache=False).logits[0]
        p = torch.softmax(logits[len(prompt) - 1 : -1] / temperature, -1).numpy()
        entropy = (p * -np.log(p)).sum(axis=1)
        second = (p * np.log(p) ** 2).sum(axis=1)
        expected = [-np.log(p[np.arange(len(completion)), completion]), entropy, second - entropy**2]
        np.testing.assert_allclose(rows, np.stack(expected, axis=1), atol=2e-4)


def test_at_temperature_one_surprisal_is_minus_the_score(network):
    for rows, scores in zip(surprise_tokens(network, PAIRS, temperature=1), score_tokens(network, PAIRS), strict=True):
        np.testing.assert_allclose(rows[:, 0], -scores, atol=1e-5)


def test_a_batch_is_cut_where_padding_would_cost_more_than_a_sixth_unless_it_is_short():
    lengths = RNG.integers(1, 2000, 400).tolist()
    found = list(batches(lengths, 10**9))
    for batch in found:
        longest, shortest = (pick(lengths[row] for row in batch) for pick in (max, min))
        assert longest <= 1.15 * shortest or longest * len(batch) <= SHORT_PASS
    assert any(len(batch) * max(lengths[row] for row in batch) > SHORT_PASS for batch in found)


def test_few_rows_of_many_lengths_make_few_passes():
    assert len(list(batches([120, 100, 80, 60], 2048))) == 1
    assert list(batches([120, 100, 80, 60], 200)) == [[0], [1, 2], [3]]


@pytest.mark.parametrize("budget", [1, 20, 500])
def test_the_token_budget_bounds_what_is_computed_together(network, budget, monkeypatch):
    seen, states = [], adapter.hidden_states

    def watched(network, tokens):
        seen.append(tuple(tokens.shape))
        return states(network, tokens)

    expected = score_tokens(network, PAIRS)
    monkeypatch.setattr(adapter, "hidden_states", watched)
    found = score_tokens(network, PAIRS, token_budget=budget)
    passes = [(rows, length) for rows, length in seen if length != adapter.TRIAL_TOKENS]
    assert sum(rows for rows, _ in passes) >= len(PAIRS) - 1
    assert all(rows == 1 or rows * length <= budget for rows, length in passes)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("room", [30, 60])
def test_where_memory_runs_out_scores_stay(network, monkeypatch, scarce, room):
    expected = score_tokens(network, PAIRS * 9)
    refused = scarce(monkeypatch, "hidden_states", room * 2)
    found = score_tokens(network, PAIRS * 9, token_budget=400)
    assert refused
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_row_that_no_memory_holds_is_refused(network, monkeypatch, scarce):
    scarce(monkeypatch, "hidden_states", 3)
    with pytest.raises(UsageError, match="one row alone takes more memory"):
        score_tokens(network, PAIRS)
