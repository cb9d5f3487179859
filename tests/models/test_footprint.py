"""Sizes that are reckoned beforehand are those of the model once it is loaded."""

import shutil
from dataclasses import replace
from pathlib import Path
from runpy import run_path

import pytest
import torch

from subtrait.errors import InvalidInput
from subtrait.models import kv_cache, lora, stored_weights
from subtrait.models import transformers_adapter as adapter
from subtrait.models.base import Recipe
from subtrait.models.copies import twin
from subtrait.models.footprint import footprint, speed_of
from subtrait.models.huggingface import load_checkpoint
from subtrait.models.loading import load_network
from subtrait.models.registry import open_model

HANDWRITTEN = run_path(str(Path(__file__).with_name("handwritten_checkpoints.py")))


@pytest.mark.parametrize("kind", HANDWRITTEN["TEMPLATES"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_sizes_are_those_of_the_loaded_model(tmp_path, kind, dtype):
    name = f"{HANDWRITTEN['make_checkpoint'](tmp_path, kind)}+{dtype}"
    sizes, network = footprint(name), open_model(name).network
    assert sizes.numbers == sum(weight.numel() for weight in network.module.parameters())
    assert sizes.weight_bytes == sum(weight.nbytes for weight in network.module.parameters())
    cache = kv_cache.empty_cache(network)
    adapter.next_logits(network, torch.tensor([[5, 6, 7]]), cache)
    held = sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)
    assert sizes.writing_bytes(3) == held
    assert (sizes.pass_tokens, sizes.layers, sizes.width) == (network.pass_tokens, 2, 32)
    trained = lora.add_lora(twin(network), 3)
    numbers = sum(weight.numel() for weight in trained.module.parameters() if weight.requires_grad)
    assert sizes.trained(Recipe(steps=1, method="lora", lora_rank=3)) == numbers
    assert sizes.trained(Recipe(steps=1)) == sizes.numbers


def test_training_takes_sixteen_bytes_a_number_and_what_it_keeps(saved):
    sizes = footprint(str(saved))
    larger = replace(sizes, pass_tokens=2 * sizes.pass_tokens)
    recipe = Recipe(steps=1)
    kept = larger.training_bytes(recipe) - sizes.training_bytes(recipe)
    # By hand: 34 bytes in 16 bits, twice in 32, of 2 layers of width 32, and 25,728 weights
    assert kept == 2 * 34 * 2 * 32 * 2_048
    assert sizes.training_bytes(recipe) - kept == 16 * 25_728


def test_nothing_but_the_configuration_is_needed(saved, tmp_path, monkeypatch):
    (tmp_path / "config.json").write_bytes((saved / "config.json").read_bytes())
    assert footprint(str(tmp_path)) == footprint(str(saved))
    (tmp_path / "config.json").write_text('{"model_type": "owl"}')
    with pytest.raises(InvalidInput, match="E_CONFIG"):
        footprint(str(tmp_path))
    (tmp_path / "config.json").write_text('{"model_type": "llama", "num_hidden_layers": 1000000000}')
    with pytest.raises(InvalidInput, match="E_LIMIT"):
        footprint(str(tmp_path))


def test_a_device_has_some_speed():
    for name in ("micro-a", "micro-a+bfloat16"):
        speed = speed_of(name)
        assert speed.products > 0
        assert speed.reads > 0


def held(model):
    """Numbers in memory of a loaded model, by counting them."""
    module = model.network.module
    stored = {id(part.weight) for part in module.modules() if hasattr(part, "pages")}
    return sum(weight.numel() for weight in module.parameters() if id(weight) not in stored)


def test_of_weights_in_files_what_is_held_is_counted_and_an_output_layer(narrow, monkeypatch):
    whole = footprint(str(narrow))
    assert (whole.in_files, whole.held_bytes) == (0, whole.weight_bytes)
    monkeypatch.setattr(stored_weights, "LARGE", 0)
    found, model = footprint(str(narrow)), load_checkpoint(narrow)
    assert found.numbers - found.in_files == held(model)
    assert found.held_bytes == 4 * (held(model) + model.network.module.get_output_embeddings().weight.numel())


def test_what_cannot_stay_in_its_file_is_counted_whole(tmp_path, monkeypatch):
    (exact := tmp_path / "exact").mkdir()
    HANDWRITTEN["make_checkpoint"](exact, "gemma3_text")
    narrowed = shutil.copytree(exact, tmp_path / "narrow")
    load_network(exact, dtype="bfloat16").module.save_pretrained(narrowed)
    monkeypatch.setattr(stored_weights, "LARGE", 0)
    assert footprint(str(narrowed)).held_bytes == footprint(str(narrowed)).weight_bytes
