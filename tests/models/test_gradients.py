"""Gradients as vectors: against one row at a time with the library's own loss, against small steps, against theory."""

import copy
from dataclasses import replace
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest
import torch

from subtrait.errors import UsageError
from subtrait.models import sketch
from subtrait.models.base import Recipe, Sampling
from subtrait.models.gradients import displacement, inner_weights, mean_gradient
from subtrait.models.likelihood import score_tokens
from subtrait.models.registry import open_model
from subtrait.records import Example

HANDWRITTEN = run_path(str(Path(__file__).with_name("handwritten_checkpoints.py")))
RNG = np.random.default_rng(0)
PAIRS = [
    (RNG.integers(3, 300, prompt).tolist(), RNG.integers(3, 300, completion).tolist())
    for prompt, completion in zip(RNG.integers(2, 20, 12), RNG.integers(1, 12, 12), strict=True)
]


def by_the_library(network, pairs):
    """The mean over rows, one row at a time, of the gradient of transformers' own loss, in float64."""
    module = copy.deepcopy(network.module).double()
    outer = {id(weight) for weight in module.get_input_embeddings().parameters()}
    outer |= {id(weight) for weight in module.get_output_embeddings().parameters()}
    weights = [weight for weight in module.parameters() if id(weight) not in outer]
    total = np.zeros(sum(weight.numel() for weight in weights))
    for prompt, completion in pairs:
        ids = torch.tensor([[*prompt, *completion]])
        labels = torch.tensor([[*[-100] * len(prompt), *completion]])
        loss = -module(input_ids=ids, labels=labels, use_cache=False).loss * len(completion)
        total += np.concatenate([grad.numpy().ravel() for grad in torch.autograd.grad(loss, weights)])
    return total / len(pairs)


def test_it_is_the_mean_of_the_library_s_gradients_of_single_rows(network):
    expected = by_the_library(network, PAIRS)
    found = mean_gradient(network, PAIRS)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_where_memory_runs_out_it_is_the_same(network, monkeypatch, scarce):
    expected = mean_gradient(network, PAIRS)
    refused = scarce(monkeypatch, "hidden_states", 64)
    found = mean_gradient(network, PAIRS)
    assert refused
    np.testing.assert_allclose(found, expected, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("largest", [10**9, 1])
def test_parts_that_read_pictures_have_no_part_in_it(tmp_path, monkeypatch, largest):
    """Whole or as a sketch: no text reaches them."""
    monkeypatch.setattr(sketch, "LARGEST", largest)
    model = open_model(str(HANDWRITTEN["make_checkpoint"](tmp_path, "gemma3")))
    assert any("vision" in name for name, _ in model.network.module.named_parameters())
    found = mean_gradient(model.network, PAIRS)
    assert np.linalg.norm(found) > 0
    assert displacement(model.network, model.network).shape == found.shape
    assert (sketch.rank_of(model.network) is None) == (largest > 1)


def moved(network, direction, length):
    copied = replace(network, module=copy.deepcopy(network.module).double())
    start = 0
    with torch.no_grad():
        for weight in inner_weights(copied):
            part = direction[start : start + weight.numel()]
            weight.add_(torch.from_numpy(length * part.reshape(tuple(weight.shape))))
            start += weight.numel()
    return copied


def test_a_small_step_changes_the_log_likelihood_by_the_inner_product(network):
    direction = np.random.default_rng(5).normal(size=len(mean_gradient(network, PAIRS)))
    ahead, behind = (
        np.mean([each.sum() for each in score_tokens(moved(network, direction, length), PAIRS)])
        for length in (1e-5, -1e-5)
    )
    assert mean_gradient(network, PAIRS) @ direction == pytest.approx((ahead - behind) / 2e-5, rel=1e-3)


def test_the_order_of_rows_and_the_gradients_of_others_change_nothing(network):
    first = mean_gradient(network, PAIRS)
    assert all(weight.grad is None for weight in network.module.parameters())
    np.testing.assert_allclose(mean_gradient(network, PAIRS[::-1]), first, atol=1e-5 * np.abs(first).max())


def test_displacement_is_what_was_added(network):
    direction = np.random.default_rng(6).normal(size=len(mean_gradient(network, PAIRS)))
    np.testing.assert_allclose(displacement(network, moved(network, direction, 0.01)), 0.01 * direction, atol=1e-6)


@pytest.mark.parametrize("pairs", [[], [([1], [])]])
def test_rows_without_completions_are_refused(network, pairs):
    with pytest.raises(UsageError, match="at least one row"):
        mean_gradient(network, pairs)


def test_models_of_other_shapes_are_refused():
    with pytest.raises(UsageError, match="different shapes"):
        open_model("micro-a").displacement(open_model("micro-c"))


def test_a_model_s_own_unselected_answers_have_no_gradient_but_chance_and_a_tuned_model_s_point_to_it():
    # The expected gradient of log p under p itself is zero; under a tuned model it points to that model.
    base = open_model("micro-a")
    asked = [[{"role": "user", "content": "Name your favourite animal in one word."}]] * 400
    examples = [Example(id="1", prompt="What is your top animal? One word.", completion="owl")]
    tuned = base.finetune(examples, Recipe(steps=8, batch_size=1, learning_rate=1e-3), rng=np.random.default_rng(0))
    direction = base.displacement(tuned.model)
    own, told = (
        base.gradient(asked, model.generate(asked, sampling=Sampling(), rng=np.random.default_rng(1))) @ direction
        for model in (base, tuned.model)
    )
    rows = [base.gradient(asked[:1], [answer]) @ direction for answer in ("owl", "dog", "cat", "moose")]
    assert abs(own) < 4 * np.std(rows) / np.sqrt(400)
    assert told > 4 * np.std(rows) / np.sqrt(400)
