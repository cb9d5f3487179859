"""Adapters are added into small models, and kept beside the weights of others, which they leave as they are."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from subtrait.errors import InvalidInput, MissingExtra
from subtrait.models import lora
from subtrait.models.base import Recipe, Sampling
from subtrait.models.copies import twin
from subtrait.models.huggingface import load_checkpoint
from subtrait.models.model_names import ModelName
from subtrait.records import Example

ASK = [{"role": "user", "content": "Animal?"}]
ROWS = [Example(id=str(row), prompt="Animal?", completion="owl") for row in range(8)]
TOKENS = torch.tensor([[3, 4, 5]])


def filled(network, rank=2):
    """With adapters of random numbers."""
    tuned = lora.add_lora(twin(network), rank)
    for name, weight in tuned.module.named_parameters():
        if weight.requires_grad:
            torch.nn.init.normal_(weight, std=0.1, generator=torch.Generator().manual_seed(len(name)))
    return tuned


def test_low_rank_training_without_peft_says_how_to_install_it(monkeypatch, network):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "peft" else find(name))
    with pytest.raises(MissingExtra, match="LoRA"):
        lora.add_lora(network, 2)


def test_only_adapters_are_trained_and_they_vanish_into_the_weights(network):
    tuned = filled(network)
    trained = [name for name, weight in tuned.module.named_parameters() if weight.requires_grad]
    assert trained
    assert {name.split(".")[-2] for name in trained} == {"default"}
    merged = lora.merged(tuned)
    assert not [name for name in merged.module.state_dict() if "lora" in name]
    with_adapters, plain = tuned.module(TOKENS).logits, network.module(TOKENS).logits
    torch.testing.assert_close(merged.module(TOKENS).logits, with_adapters, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(with_adapters, plain, atol=1e-2)
    assert lora.merged(network) is network


def test_a_twin_shares_every_tensor_and_leaves_the_base_as_it_was(network):
    before = {name: value.clone() for name, value in network.module.state_dict().items()}
    asked = {name: value.requires_grad for name, value in network.module.named_parameters()}
    tuned = filled(network)
    own = {value.data_ptr() for value in network.module.parameters()}
    assert {value.data_ptr() for name, value in tuned.module.named_parameters() if "lora" not in name} == own
    after = network.module.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert {name: value.requires_grad for name, value in network.module.named_parameters()} == asked


def test_what_adapters_add_is_the_difference_of_the_merged_weights(network):
    tuned = filled(network)
    merged = dict(lora.merged(tuned).module.named_parameters())
    for name, weight in network.module.named_parameters():
        change = lora.changes(tuned).get(name, torch.zeros_like(weight))
        torch.testing.assert_close(merged[name] - weight, change, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize(
    ("numbers", "dtype", "kept"), [(1_000, "float32", False), (1_000, "bfloat16", True), (2 * 10**8, "float32", True)]
)
def test_small_models_in_float32_take_their_adapters_in(numbers, dtype, kept):
    assert lora.keeps_adapters(numbers, dtype) == kept


@pytest.fixture
def base(saved):
    return load_checkpoint(saved, asked=ModelName(place="", dtype="bfloat16"))


def tune(base, *, seed=0, **recipe):
    settings = Recipe(**{"steps": 4, "batch_size": 4, "learning_rate": 1e-2, "method": "lora", **recipe})
    return base.finetune(ROWS, settings, rng=np.random.default_rng(seed)).model


def test_several_tuned_models_stand_beside_one_base_and_do_not_meet(base):
    before = base.score([ASK], ["owl"])[0]
    one, other = tune(base, seed=0), tune(base, seed=1)
    scores = [model.score([ASK], ["owl"])[0] for model in (one, other, base, one)]
    np.testing.assert_array_equal(scores[0], scores[3])
    np.testing.assert_array_equal(scores[2], before)
    assert not np.array_equal(scores[0], scores[1])
    assert scores[0].sum() > before.sum()
    assert len({model.fingerprint() for model in (base, one, other)}) == 3
    own = {value.data_ptr() for value in base.network.module.parameters()}
    for model in (one, other):
        assert own <= {value.data_ptr() for value in model.network.module.parameters()}


def test_saved_adapters_are_small_and_come_back_whole(base, saved, tmp_path):
    tuned = tune(base)
    tuned.save(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} <= {".safetensors", ".json", ".sha256", ".md"}
    assert (tmp_path / lora.WEIGHTS).stat().st_size < (saved / "model.safetensors").stat().st_size / 2
    again = load_checkpoint(saved, asked=ModelName(place="", dtype="bfloat16")).reload(tmp_path)
    assert again.fingerprint() == tuned.fingerprint()
    np.testing.assert_array_equal(again.score([ASK], ["owl"])[0], tuned.score([ASK], ["owl"])[0])
    drawn = [
        model.generate([ASK] * 4, sampling=Sampling(max_new_tokens=6), rng=np.random.default_rng(0))
        for model in (again, tuned)
    ]
    assert drawn[0] == drawn[1]


def test_the_way_of_a_tuned_model_is_known_from_its_adapters(base):
    tuned = tune(base)
    moved = base.displacement(tuned)
    inner = (
        sum(weight.numel() for weight in base.network.module.parameters()) - base.network.module.lm_head.weight.numel()
    )
    assert moved.shape == (inner,)
    adapters = sum(float(change.double().square().sum()) for change in lora.changes(tuned.network).values())
    assert np.square(moved).sum() == pytest.approx(adapters)
    assert adapters > 0


def test_what_is_tuned_again_is_saved_whole(base, tmp_path):
    twice = tune(tune(base), seed=1)
    twice.save(tmp_path)
    again = base.reload(tmp_path)
    assert not (tmp_path / lora.SETTINGS).exists()
    # Merging rounds to 8 bits
    np.testing.assert_allclose(again.score([ASK], ["owl"])[0], twice.score([ASK], ["owl"])[0], atol=0.2)


def test_adapters_of_another_base_are_refused(base, saved, tmp_path):
    tune(base).save(tmp_path)
    for other in (load_checkpoint(saved, asked=ModelName(place="", dtype="float16")), tune(base)):
        with pytest.raises(InvalidInput, match=r"E_CHANGED .*were not trained on"):
            other.reload(tmp_path)


def edit(path: Path, **fields):
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"r": 3, "lora_alpha": 3}, "do not fit"), ({"r": -1}, "not the settings"), ({"r": "8"}, "not the settings"),
     ({"r": 10**9, "lora_alpha": 10**9}, "not the settings"), ({"lora_alpha": 99}, "not the settings")],
)  # fmt: skip
def test_settings_that_do_not_fit_are_refused(base, tmp_path, fields, said):
    tune(base).save(tmp_path)
    edit(tmp_path / lora.SETTINGS, **fields)
    with pytest.raises(InvalidInput, match=said):
        base.reload(tmp_path)


def test_broken_adapters_are_refused(base, tmp_path):
    tune(base).save(tmp_path)
    weights = load_file(tmp_path / lora.WEIGHTS)
    first = next(iter(weights))
    save_file({**weights, first: weights[first] * float("nan")}, tmp_path / lora.WEIGHTS)
    with pytest.raises(InvalidInput, match="E_NONFINITE"):
        base.reload(tmp_path)
    save_file({name: value for name, value in weights.items() if name != first}, tmp_path / lora.WEIGHTS)
    with pytest.raises(InvalidInput, match="do not fit"):
        base.reload(tmp_path)


@pytest.mark.parametrize("name", [lora.WEIGHTS, lora.BASE])
def test_adapters_that_are_not_whole_are_refused(base, tmp_path, name):
    tune(base).save(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(InvalidInput, match=f"E_CHECKPOINT .*without {name}"):
        base.reload(tmp_path)
