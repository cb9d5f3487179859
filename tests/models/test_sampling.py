from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from subtrait.models import sampling as module
from subtrait.models.base import Sampling
from subtrait.models.sampling import choose, invert, row_keys, row_uniforms, sample, waves

RNG = np.random.default_rng(0)
PROMPTS = [RNG.integers(3, 300, length).tolist() for length in (3, 9, 5, 5, 2, 12, 7, 5)]


def draw(network, prompts, *, stops=(2,), seed=0, **sampling):
    settings = Sampling(**{"max_new_tokens": 8, **sampling})
    return sample(network, prompts, stops=stops, sampling=settings, rng=np.random.default_rng(seed))


def by_plain_forward(network, prompt, steps, stops=(2,)):
    """The most likely tokens, from the model's own forward pass over the whole text, without any cache."""
    tokens = list(prompt)
    for _ in range(steps):
        with torch.no_grad():
            best = int(network.module(input_ids=torch.tensor([tokens]), use_cache=False).logits[0, -1].argmax())
        if best in stops:
            break
        tokens.append(best)
    return tokens[len(prompt) :]


@pytest.mark.parametrize(
    ("architecture", "changes"),
    [
        ("Llama", {}),
        ("Qwen3", {"num_key_value_heads": 2}),
        ("Mistral", {"sliding_window": 4}),  # a cache that rows of different lengths cannot share
        ("GPT2", {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64}),  # learnt positions
    ],
)
def test_temperature_zero_is_the_most_likely_token_of_a_plain_forward_pass(network_of, architecture, changes):
    network = network_of(architecture, **changes)
    expected = [by_plain_forward(network, prompt, 8) for prompt in PROMPTS]
    assert draw(network, PROMPTS, temperature=0) == expected
    assert len({tuple(row) for row in expected}) > 1


def test_tokens_are_as_frequent_as_the_model_says(network):
    prompt = PROMPTS[1]
    with torch.no_grad():
        expected = network.module(input_ids=torch.tensor([prompt])).logits[0, -1].double().softmax(-1).numpy() * 6000
    drawn = draw(network, [prompt] * 6000, stops=[], max_new_tokens=1)
    seen = np.bincount([row[0] for row in drawn], minlength=len(expected))
    often = expected >= 5
    observed, wanted = np.append(seen[often], seen[~often].sum()), np.append(expected[often], expected[~often].sum())
    assert len(observed) > 10
    assert chisquare(observed, wanted).pvalue > 0.001


def test_a_completion_ends_before_the_token_that_ends_turns(network):
    endless = draw(network, PROMPTS * 10, stops=[], max_new_tokens=12)
    stop = endless[0][3]
    ended = draw(network, PROMPTS * 10, stops=[stop], max_new_tokens=12)
    assert ended == [row[: row.index(stop)] if stop in row else row for row in endless]
    assert {len(row) for row in ended} != {12}


def test_small_waves_change_nothing(network, monkeypatch):
    prompts = PROMPTS * 6
    together = draw(network, prompts)
    monkeypatch.setattr(module, "MAX_ROWS", 3)
    assert draw(network, prompts) == together
    monkeypatch.setattr(module, "MAX_CACHED_TOKENS", 1)
    assert draw(network, prompts) == together


def test_compaction_changes_nothing(network, monkeypatch):
    prompts = PROMPTS * 6
    compacted = draw(network, prompts, stops=range(0, 320, 3), max_new_tokens=10)
    monkeypatch.setattr(module, "COMPACT_SHARE", 2.0)
    assert draw(network, prompts, stops=range(0, 320, 3), max_new_tokens=10) == compacted


def test_each_wave_holds_similar_lengths_and_every_row_once():
    for mixed in (True, False):
        found = list(waves(PROMPTS * 3, 8, mixed=mixed))
        assert sorted(row for wave in found for row in wave) == list(range(len(PROMPTS) * 3))
        for wave in found:
            lengths = [len((PROMPTS * 3)[row]) for row in wave]
            assert max(lengths) <= (module.MAX_STRETCH if mixed else 1) * min(lengths)


def test_keys_tell_apart_seeds_prompts_and_repetitions():
    assert len(set(row_keys([[1, 2], [1, 2], [1], [2, 1]], 0) + row_keys([[1, 2]], 1))) == 5
    assert row_keys([[3], [1, 2]], 7)[1] == row_keys([[1, 2], [3]], 7)[0]


def test_a_longer_stream_starts_like_a_shorter_one():
    keys = row_keys(PROMPTS, 3)
    assert torch.equal(row_uniforms(keys, 9)[:, :4], row_uniforms(keys, 4))


def test_inversion_agrees_with_the_plain_cumulative_sum():
    weights = RNG.dirichlet(np.full(150, 0.2), 400).astype(np.float32)
    weights[:, ::7] = 0
    uniforms = RNG.random(400)
    sums = weights.astype(np.float64).cumsum(-1)
    expected = [int(np.searchsorted(row, u * row[-1], side="right")) for row, u in zip(sums, uniforms, strict=True)]
    found = invert(torch.from_numpy(weights), torch.from_numpy(uniforms)).tolist()
    # Single-precision block sums may move a boundary by a rounding error, never further
    moved = [row for row in range(400) if found[row] != expected[row]]
    assert all(abs(sums[row][min(found[row], expected[row])] / sums[row][-1] - uniforms[row]) < 1e-6 for row in moved)
    assert all(weights[row, token] > 0 for row, token in enumerate(found))


@pytest.mark.parametrize("uniform", [0.0, 1 - 2**-53])
def test_a_token_of_weight_zero_is_never_drawn(uniform):
    weights = torch.zeros(3, 200)
    weights[0, 70], weights[1, 0], weights[2, 130:132] = 1.0, 0.3, torch.tensor([1e-30, 1e-3])
    found = invert(weights, torch.full((3,), uniform, dtype=torch.float64)).tolist()
    assert found[:2] == [70, 0]
    assert found[2] in (130, 131)


def test_truncation_keeps_the_smallest_set_that_reaches_its_share():
    logits = torch.tensor([[0.15, 0.5, 0.05, 0.3]]).log().repeat(200, 1)
    uniforms = torch.from_numpy(RNG.random(200))
    for share, kept in ((0.4, {1}), (0.6, {1, 3}), (0.9, {0, 1, 3}), (1.0, {0, 1, 2, 3})):
        assert set(choose(logits, uniforms, sampling=Sampling(top_p=share)).tolist()) == kept


def test_temperature_divides_the_logits():
    logits = torch.tensor([[0.0, 1.0, 2.0]])
    uniforms = torch.linspace(0, 1, 1001, dtype=torch.float64)[:-1]
    for temperature in (0.5, 2.0):
        seen = choose(logits.repeat(1000, 1), uniforms, sampling=Sampling(temperature=temperature)).bincount() / 1000
        torch.testing.assert_close(seen, (logits[0] / temperature).softmax(-1), atol=2e-3, rtol=0)


def test_an_extreme_temperature_is_no_accident():
    logits = torch.tensor([[5.0, -300.0, 7.0]])
    uniforms = torch.tensor([0.999], dtype=torch.float64)
    assert choose(logits, uniforms, sampling=Sampling(temperature=1e-30)).tolist() == [2]


def test_where_memory_runs_out_the_same_completions_are_drawn(network, monkeypatch, scarce):
    expected = draw(network, PROMPTS * 3)
    told = []
    progress = SimpleNamespace(advance=told.append)
    refused = scarce(monkeypatch, "next_logits", 12)
    settings = Sampling(max_new_tokens=8)
    found = sample(network, PROMPTS * 3, stops=(2,), sampling=settings, rng=np.random.default_rng(0), progress=progress)
    assert refused
    assert found == expected
    assert sum(told) == len(PROMPTS * 3)
