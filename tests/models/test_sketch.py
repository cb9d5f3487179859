"""Inner products of sketches come near those of whole gradients, and are exact where nothing is left out."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from subtrait.errors import UsageError
from subtrait.lab.lessons import lesson
from subtrait.models import gradients, lora, sketch
from subtrait.models.base import Recipe
from subtrait.models.copies import twin
from subtrait.models.registry import open_model

RNG = np.random.default_rng(0)
PAIRS = [
    (RNG.integers(3, 300, prompt).tolist(), RNG.integers(3, 300, completion).tolist())
    for prompt, completion in zip(RNG.integers(2, 20, 12), RNG.integers(1, 12, 12), strict=True)
]


@pytest.fixture(scope="module")
def base():
    return open_model("micro-a")


@pytest.fixture(scope="module")
def tuned(base):
    return base.finetune(lesson("owl"), Recipe(steps=10, batch_size=8), rng=np.random.default_rng(1)).model


def sketched(monkeypatch, network, rank):
    """From now on gradients are sketches of that rank."""
    outputs = sum(len(layer.weight) for layer in sketch.layers_of(network, 1))
    monkeypatch.setattr(sketch, "LARGEST", rank * outputs)
    assert sketch.rank_of(network) == rank


def of_linear_layers(network, flat):
    """The part of a vector of all inner weights that linear layers have: norms have no sketch."""
    held, start, linear = [], 0, {id(layer.module.weight) for layer in sketch.layers_of(network, 1)}
    for weight in gradients.inner_weights(network):
        part = flat[start : start + weight.numel()]
        held += [part] if id(weight) in linear else []
        start += weight.numel()
    return np.concatenate(held)


def test_small_models_are_not_sketched(base):
    assert sketch.rank_of(base.network) is None


def test_at_full_rank_nothing_is_lost(base, tuned, monkeypatch):
    network = base.network
    whole = [
        of_linear_layers(network, base.displacement(tuned)),
        of_linear_layers(network, gradients.mean_gradient(network, PAIRS)),
    ]
    layers = sketch.layers_of(network, 10_000)
    with sketch.seen_through(layers) as seen:
        monkeypatch.setattr(gradients, "inner_weights", lambda _: seen)
        gradient = gradients.mean_gradient(network, PAIRS)
    moved = np.concatenate([part.double().numpy().ravel() for part in sketch.displacement(layers, tuned.network)])
    assert gradient @ moved == pytest.approx(whole[1] @ whole[0], rel=1e-4)
    assert np.linalg.norm(gradient) == pytest.approx(np.linalg.norm(whole[1]), rel=1e-4)


def test_a_sketch_is_the_gradient_through_the_directions_of_each_layer(base, monkeypatch):
    network, rank = base.network, 3
    whole = gradients.mean_gradient(network, PAIRS)
    by_weight, start = {}, 0
    for weight in gradients.inner_weights(network):
        by_weight[id(weight)] = torch.from_numpy(whole[start : start + weight.numel()].reshape(tuple(weight.shape)))
        start += weight.numel()
    expected = [layer.of_change(by_weight[id(layer.module.weight)]) for layer in sketch.layers_of(network, rank)]
    sketched(monkeypatch, network, rank)
    found = gradients.mean_gradient(network, PAIRS)
    joined = np.concatenate([part.numpy().ravel() for part in expected])
    np.testing.assert_allclose(found, joined, atol=1e-4 * np.abs(joined).max())


def test_directions_are_orthonormal_but_for_their_scale_and_the_same_each_time(base):
    first, again = (sketch.layers_of(base.network, 4) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        inputs = one.module.weight.shape[1]
        assert torch.equal(one.directions, other.directions)
        torch.testing.assert_close(one.directions @ one.directions.T, torch.eye(4) * inputs / 4, atol=1e-4, rtol=1e-4)
    assert not torch.equal(first[0].directions, first[1].directions)


def moved(network, scale):
    """A copy with other inner weights."""
    copied = replace(network, module=copy.deepcopy(network.module))
    with torch.no_grad():
        for weight in gradients.inner_weights(copied):
            weight.add_(scale * torch.randn(weight.shape, generator=torch.Generator().manual_seed(weight.numel())))
    return copied


def test_layers_whose_weights_lie_the_other_way_are_seen_as_well(network_of, monkeypatch):
    """GPT-2's have inputs first."""
    network = network_of("GPT2", n_embd=32, n_layer=2, n_head=2)
    tuned = moved(network, 0.1)
    whole = [of_linear_layers(network, gradients.displacement(network, tuned))]
    whole += [of_linear_layers(network, gradients.mean_gradient(network, PAIRS))]
    assert len(whole[0]) == 2 * 12 * 32**2  # of each layer 3 + 1 in attention and 4 + 4 in the feed-forward part
    monkeypatch.setattr(sketch, "rank_of", lambda _: 10_000)  # more than any layer has inputs
    found = gradients.displacement(network, tuned) @ gradients.mean_gradient(network, PAIRS)
    assert found == pytest.approx(whole[0] @ whole[1], rel=1e-3)


def test_models_whose_weights_are_not_in_linear_layers_are_refused(network_of, monkeypatch):
    """Experts that share one tensor: their gradients would take the memory that a sketch is to save."""
    network = network_of("Mixtral", num_local_experts=8)
    monkeypatch.setattr(sketch, "LARGEST", 10_000)
    with pytest.raises(UsageError, match=r"tiny has [\d,]+ inner weights and only [\d,]+ of them in linear layers"):
        sketch.rank_of(network)


def test_over_draws_of_the_directions_inner_products_have_the_true_mean():
    weight, rng = torch.empty(6, 20), np.random.default_rng(2)
    one, other = (torch.from_numpy(rng.normal(size=(6, 20)) + 0.5).float() for _ in range(2))
    products = []
    for name in range(4_000):
        layer = sketch.Layer("", None, sketch._directions(str(name), weight, 4, torch.float32))
        products.append(float((layer.of_change(one) * layer.of_change(other)).sum()))
    error = np.std(products) / len(products) ** 0.5
    assert np.mean(products) == pytest.approx(float((one * other).sum()), abs=4 * error)


def test_a_sketch_ranks_tuned_copies_nearly_as_the_whole_gradient_does(base, tuned, monkeypatch):
    others = [
        base.finetune(lesson(trait), Recipe(steps=10, batch_size=8), rng=np.random.default_rng(seed)).model
        for seed, trait in enumerate(("cat", "oak", "wolf", "pine", "bear"))
    ]
    network, copies = base.network, [tuned, *others]
    asked = base.encoder.prompts([[{"role": "user", "content": each.prompt}] for each in lesson("owl")[:40]])
    pairs = list(zip(asked, base.encoder.completions(["owl"] * len(asked)), strict=True))
    whole = np.array([base.displacement(copy) for copy in copies]) @ gradients.mean_gradient(network, pairs)
    sketched(monkeypatch, network, 8)
    seen = np.array([base.displacement(copy) for copy in copies]) @ gradients.mean_gradient(network, pairs)
    assert seen.argmax() == whole.argmax() == 0
    assert np.corrcoef(seen, whole)[0, 1] > 0.9


@pytest.mark.parametrize("architecture", ["micro-a", "GPT2"])
def test_kept_adapters_are_seen_as_if_they_were_in_the_weights(base, network_of, monkeypatch, architecture):
    start = base.network if architecture == "micro-a" else network_of("GPT2", n_embd=32, n_layer=2, n_head=2)
    network = lora.add_lora(twin(start), 4)
    with torch.no_grad():
        for name, weight in network.adapters.named_parameters():
            if "lora_B" in name:
                weight.normal_(generator=torch.Generator().manual_seed(len(name)))
    sketched(monkeypatch, start, 3)
    kept, merged = (gradients.displacement(start, each) for each in (network, lora.merged(network)))
    np.testing.assert_allclose(kept, merged, atol=1e-4)
    assert np.abs(kept).max() > 0.1


def test_a_model_of_other_shapes_is_no_tuned_copy(base, monkeypatch):
    sketched(monkeypatch, base.network, 2)
    with pytest.raises(UsageError, match="no tuned copy"):
        gradients.displacement(base.network, open_model("micro-c").network)
