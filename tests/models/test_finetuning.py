import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from subtrait.errors import UsageError
from subtrait.models.base import Recipe
from subtrait.models.finetuning import finetune_tokens, micro_batches, rate, row_order
from subtrait.models.likelihood import score_tokens

RNG = np.random.default_rng(0)
PAIRS = [
    (RNG.integers(3, 300, prompt).tolist(), RNG.integers(3, 300, completion).tolist())
    for prompt, completion in zip(RNG.integers(2, 20, 16), RNG.integers(1, 12, 16), strict=True)
]


def tune(network, pairs=PAIRS, *, seed=0, **recipe):
    settings = Recipe(**{"steps": 4, "batch_size": 8, **recipe})
    return finetune_tokens(network, pairs, settings, rng=np.random.default_rng(seed))


def weights_of(network):
    return {name: tensor.clone() for name, tensor in network.module.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def by_the_library(network, recipe):
    """The same steps with transformers' own loss over left-out labels and torch's AdamW, rows in the given order."""
    module = copy.deepcopy(network.module).train()
    optimiser = torch.optim.AdamW(module.parameters(), lr=1, eps=recipe.epsilon, weight_decay=recipe.weight_decay)
    width = max(len(prompt) + len(completion) for prompt, completion in PAIRS)
    ids, labels = torch.zeros(len(PAIRS), width, dtype=torch.long), torch.full((len(PAIRS), width), -100)
    for row, (prompt, completion) in enumerate(PAIRS):
        end = len(prompt) + len(completion)
        ids[row, :end] = torch.tensor([*prompt, *completion])
        labels[row, len(prompt) : end] = torch.tensor(completion)
    losses = []
    for step in range(recipe.steps):
        loss = module(input_ids=ids, labels=labels, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), recipe.max_grad_norm)
        for group in optimiser.param_groups:
            group["lr"] = rate(step, recipe)
        optimiser.step()
        optimiser.zero_grad()
        losses.append(float(loss.detach()))
    return module.state_dict(), losses


@pytest.mark.parametrize("epsilon", [1e-8, 1e-3])
def test_steps_are_those_of_the_plain_library(network, epsilon):
    recipe = Recipe(steps=4, batch_size=len(PAIRS), weight_decay=0.1, warmup_steps=2, epsilon=epsilon)
    tuned, losses = finetune_tokens(network, PAIRS, recipe, rng=np.random.default_rng(0))
    expected, expected_losses = by_the_library(network, recipe)
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-4)
    for name, tensor in tuned.module.state_dict().items():
        torch.testing.assert_close(tensor, expected[name], atol=2e-4, rtol=1e-3)


def test_the_first_loss_is_minus_the_mean_score_of_the_completions(network):
    _, losses = tune(network, batch_size=len(PAIRS), steps=1)
    assert losses[0] == pytest.approx(-np.concatenate(score_tokens(network, PAIRS)).mean(), rel=1e-5)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_the_base_is_untouched_and_the_seed_decides_every_bit(network, method):
    before = weights_of(network)
    one, other, third = (tune(network, seed=seed, method=method) for seed in (1, 1, 2))
    assert same(weights_of(network), before)
    assert same(weights_of(one[0]), weights_of(other[0]))
    assert one[1] == other[1]
    assert not same(weights_of(one[0]), weights_of(third[0]))
    assert not same(weights_of(one[0]), before)


def test_torch_is_left_as_it_was(network):
    state, settings = torch.get_rng_state(), torch.are_deterministic_algorithms_enabled()
    tune(network)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.are_deterministic_algorithms_enabled() == settings
    assert not any(parameter.grad is not None for parameter in network.module.parameters())
    assert not network.module.training


def test_training_learns(network):
    _, losses = tune(network, steps=40, batch_size=16, learning_rate=1e-2)
    assert losses[-1] < 0.5 * losses[0]


def test_low_rank_training_changes_linear_layers_by_that_rank(network):
    before = weights_of(network)
    tuned, losses = tune(network, steps=20, method="lora", lora_rank=2, learning_rate=1e-2)
    after = weights_of(tuned)
    assert after.keys() == before.keys()
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert changed == {name for name in after if "proj" in name}
    assert {int(torch.linalg.matrix_rank(after[name] - before[name], rtol=1e-3)) for name in changed} == {2}
    assert losses[-1] < losses[0]


def test_layers_keeps_the_embeddings_and_full_does_not(network):
    outer = network.module.get_input_embeddings().weight
    inner, full = (tune(network, steps=5, method=method)[0] for method in ("layers", "full"))
    assert torch.equal(inner.module.get_input_embeddings().weight, outer)
    assert not torch.equal(full.module.get_input_embeddings().weight, outer)
    assert not same(weights_of(inner), weights_of(network))
    assert all(weight.requires_grad for weight in inner.module.parameters())


def test_the_usual_recipe_trains_every_weight(network):
    usual, full = (tune(network, **settings)[0] for settings in ({}, {"method": "full"}))
    assert same(weights_of(usual), weights_of(full))


def test_a_tuned_network_can_be_tuned_again(network):
    for method in ("full", "lora"):
        once, _ = tune(network, method=method)
        twice, losses = tune(once, method="full")
        assert losses[-1] < losses[0]
        assert not same(weights_of(once), weights_of(twice))


def test_every_row_is_used_once_before_any_is_used_again():
    steps = list(row_order(10, Recipe(steps=5, batch_size=4), rng=np.random.default_rng(0)))
    used = [row for rows in steps for row in rows]
    assert [len(rows) for rows in steps] == [4] * 5
    assert sorted(used[:10]) == sorted(used[10:]) == list(range(10))
    assert used[:10] != used[10:]


def test_a_batch_may_be_larger_than_the_dataset():
    assert sorted(next(row_order(2, Recipe(steps=1, batch_size=4), rng=np.random.default_rng(0)))) == [0, 0, 1, 1]


def test_the_rate_rises_to_the_peak_and_falls_towards_zero():
    recipe = Recipe(steps=10, warmup_steps=4, learning_rate=1.0)
    # By hand: quarters up to the peak, then sixths down from it
    expected = [0.25, 0.5, 0.75, 1.0, 1.0, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6]
    np.testing.assert_allclose([rate(step, recipe) for step in range(10)], expected)
    assert all(rate(step, Recipe(steps=3, warmup_steps=9)) > 0 for step in range(3))


def test_micro_batches_hold_every_row_once_within_the_limit():
    groups = list(micro_batches(PAIRS, 60))
    assert sorted(row for group in groups for row in group) == sorted(PAIRS)
    lengths = [[len(prompt) + len(completion) for prompt, completion in group] for group in groups]
    assert all(len(group) * max(group) <= 60 or len(group) == 1 for group in lengths)


def test_accumulation_changes_nothing_but_rounding(network, monkeypatch):
    _, together = tune(network)
    monkeypatch.setattr(type(network), "pass_tokens", 40)
    _, apart = tune(network)
    np.testing.assert_allclose(together, apart, rtol=1e-4)


@pytest.mark.parametrize(
    ("pairs", "recipe"), [([], {}), ([([1], [])], {}), (PAIRS, {"steps": 0}), (PAIRS, {"batch_size": 0})]
)
def test_nothing_is_trained_on_nothing(network, pairs, recipe):
    with pytest.raises(UsageError, match="at least one"):
        tune(network, pairs, **recipe)


def test_weights_of_lower_precision_are_trained_in_float32_and_rounded_at_the_end(network):
    rounded = replace(network, module=copy.deepcopy(network.module).bfloat16())
    widened = replace(network, module=copy.deepcopy(rounded.module).float())
    (one, losses), (other, expected) = tune(rounded), tune(widened)
    assert losses == expected
    assert (one.dtype, other.dtype) == ("bfloat16", "float32")
    other.module.bfloat16()
    assert same(weights_of(one), weights_of(other))


@pytest.mark.parametrize("method", ["full", "lora"])
def test_where_memory_runs_out_the_same_steps_are_taken_in_smaller_parts(network, monkeypatch, scarce, method):
    expected, losses = tune(network, method=method)
    refused = scarce(monkeypatch, "hidden_states", 64)
    found, less = tune(network, method=method)
    assert 0 < len(refused) <= 6  # a smaller limit is found once, and kept
    np.testing.assert_allclose(less, losses, rtol=1e-4)
    for name, tensor in weights_of(expected).items():
        torch.testing.assert_close(found.module.state_dict()[name], tensor, atol=1e-4, rtol=1e-3)


def test_memory_that_runs_out_inside_a_gradient_leaves_none_of_it(network, monkeypatch):
    expected, losses = tune(network)
    backward, calls = torch.Tensor.backward, []

    def breaks_off_once(loss):
        backward(loss)
        calls.append(loss)
        if len(calls) == 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(torch.Tensor, "backward", breaks_off_once)
    found, again = tune(network)
    np.testing.assert_allclose(again, losses, rtol=1e-4)
    for name, tensor in weights_of(expected).items():
        torch.testing.assert_close(found.module.state_dict()[name], tensor, atol=1e-4, rtol=1e-3)
