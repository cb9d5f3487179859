"""Weights that stay in their files give what the same weights give in memory, to the bit, and take no memory."""

import json
import re
import shutil
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest
import torch

from subtrait.models import gradients, lora, sketch, stored_weights
from subtrait.models.base import Recipe, Sampling
from subtrait.models.footprint import footprint
from subtrait.models.huggingface import load_checkpoint
from subtrait.models.loading import load_network
from subtrait.records import Example

HANDWRITTEN = run_path(str(Path(__file__).with_name("handwritten_checkpoints.py")))
PROMPTS = [[{"role": "user", "content": text}] for text in ("What is it?", "List numbers.", "1, 22")]
ANSWERS = ["owl", "1, 22, 333", "the animal"]
EXAMPLES = [Example(id=answer, prompt="What is it?", completion=answer) for answer in ANSWERS]


@pytest.fixture(params=["bfloat16", "float16", "float32"])
def folder(request, network_of, tokenizer, tmp_path):
    """A checkpoint in one format, with an output layer of its own."""
    network_of(tie_word_embeddings=False).module.to(getattr(torch, request.param)).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    return tmp_path


@pytest.fixture
def narrow(network_of, tokenizer, tmp_path):
    """A checkpoint in 16-bit numbers whose output layer is that of the embeddings."""
    network_of().module.to(torch.bfloat16).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    return tmp_path


@pytest.fixture
def either(monkeypatch):
    """The model in a folder, with weights that stay there and with weights in memory."""

    def load(folder, load=load_checkpoint):
        whole = load(folder)
        monkeypatch.setattr(stored_weights, "LARGE", 0)
        stored = load(folder)
        network = getattr(stored, "network", stored)
        assert any(hasattr(part, "pages") for part in network.module.modules())
        return stored, whole

    return load


def same(one, other):
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_scores_texts_and_fingerprints_are_the_same_to_the_bit(either, folder):
    stored, whole = either(folder)
    same(stored.score(PROMPTS, ANSWERS), whole.score(PROMPTS, ANSWERS))
    same(stored.surprise(PROMPTS, ANSWERS), whole.surprise(PROMPTS, ANSWERS))
    texts = [each.generate(PROMPTS, sampling=Sampling(), rng=np.random.default_rng(0)) for each in (stored, whole)]
    assert texts[0] == texts[1]
    assert stored.fingerprint() == whole.fingerprint()
    assert stored.network.dtype == whole.network.dtype == "float32"


def test_embeddings_that_are_the_output_layer_too_are_read_from_one_place(either, narrow):
    stored, whole = either(narrow)
    module = stored.network.module
    assert module.get_output_embeddings().weight is module.get_input_embeddings().weight
    same(stored.score(PROMPTS, ANSWERS), whole.score(PROMPTS, ANSWERS))
    same(stored.divergence(whole, PROMPTS, ANSWERS), [np.zeros(len(each)) for each in whole.score(PROMPTS, ANSWERS)])


def test_shards_are_read_where_they_are(either, network_of, tokenizer, tmp_path):
    network_of().module.to(torch.bfloat16).save_pretrained(tmp_path, max_shard_size="20KB")
    tokenizer.save_pretrained(tmp_path)
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 1
    stored, whole = either(tmp_path)
    same(stored.score(PROMPTS, ANSWERS), whole.score(PROMPTS, ANSWERS))
    assert stored.fingerprint() == whole.fingerprint()


def test_gradients_are_those_of_weights_in_memory(either, folder, monkeypatch):
    stored, whole = either(folder)
    same(stored.gradient(PROMPTS, ANSWERS), whole.gradient(PROMPTS, ANSWERS))
    monkeypatch.setattr(sketch, "LARGEST", 2_000)
    assert sketch.rank_of(stored.network) is not None
    same(stored.gradient(PROMPTS, ANSWERS), whole.gradient(PROMPTS, ANSWERS))


@pytest.mark.parametrize("method", ["full", "layers"])
def test_fine_tuning_trains_a_copy_in_memory(either, folder, method, digest_of):
    stored, whole = either(folder)
    before, files = stored.score(PROMPTS, ANSWERS), digest_of(folder)
    recipe = Recipe(method=method, steps=3, batch_size=2)
    tuned, other = (each.finetune(EXAMPLES, recipe, rng=np.random.default_rng(0)) for each in (stored, whole))
    assert tuned.losses == other.losses
    same(tuned.model.score(PROMPTS, ANSWERS), other.model.score(PROMPTS, ANSWERS))
    same(stored.displacement(tuned.model), whole.displacement(other.model))
    same(stored.score(PROMPTS, ANSWERS), before)
    assert digest_of(folder) == files
    assert tuned.model.network.computed_in is None


@pytest.mark.parametrize("large", [True, False])
def test_adapters_leave_the_files_as_they_are(either, narrow, large, monkeypatch, digest_of, tmp_path_factory):
    """Kept beside the weights of a large model, added into those of a small one."""
    monkeypatch.setattr(lora, "SMALL", 0 if large else 10**9)
    stored, whole = either(narrow)
    before, files = stored.score(PROMPTS, ANSWERS), digest_of(narrow)
    recipe = Recipe(method="lora", lora_rank=2, steps=3, batch_size=2)
    tuned, other = (each.finetune(EXAMPLES, recipe, rng=np.random.default_rng(0)) for each in (stored, whole))
    # peft rounds what an adapter begins with to the format of the weights
    np.testing.assert_allclose(tuned.losses, other.losses, rtol=1e-2)
    scores = tuned.model.score(PROMPTS, ANSWERS)
    assert any((one != two).any() for one, two in zip(scores, before, strict=True))
    same(stored.score(PROMPTS, ANSWERS), before)
    assert digest_of(narrow) == files
    place = tmp_path_factory.mktemp("tuned")
    tuned.model.save(place)
    same(stored.reload(place).score(PROMPTS, ANSWERS), scores)


def test_a_saved_copy_is_the_same_model(either, narrow, tmp_path_factory):
    stored, whole = either(narrow)
    place = tmp_path_factory.mktemp("copy")
    stored.save(place)
    assert load_checkpoint(place).fingerprint() == whole.fingerprint()


def test_layers_wider_than_what_is_widened_together_go_by_parts(either, folder, monkeypatch):
    stored, whole = either(folder)
    monkeypatch.setattr(stored_weights, "PART", 32 * 5)  # five rows of a layer
    for one, other in zip(stored.score(PROMPTS, ANSWERS), whole.score(PROMPTS, ANSWERS), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def resident(folder):
    """Bytes of the weights in `folder` that are in this process's memory, by the kernel's own account."""
    maps = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text(), flags=re.M)
    held = [each for each in maps if str(folder) in each and ".safetensors" in each]
    return [1024 * int(re.search(r"^Rss: +(\d+)", each, re.M)[1]) for each in held]


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux tells what is in memory")
def test_what_was_read_is_let_go(network_of, tokenizer, tmp_path, monkeypatch):
    wide = {"hidden_size": 256, "intermediate_size": 1024, "head_dim": 128, "num_hidden_layers": 8}
    network_of(**wide).module.to(torch.bfloat16).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    monkeypatch.setattr(stored_weights, "LARGE", 0)
    model = load_checkpoint(tmp_path)
    size = (tmp_path / "model.safetensors").stat().st_size
    for work in (
        lambda: model.score(PROMPTS, ANSWERS),
        lambda: model.generate(PROMPTS, sampling=Sampling(max_new_tokens=3), rng=np.random.default_rng(0)),
        model.fingerprint,
        lambda: gradients.mean_gradient(model.network, [([3, 4], [5])]),
    ):
        work()
        assert len(resident(tmp_path)) == 1
        assert sum(resident(tmp_path)) < size / 10


def test_weights_of_several_formats_are_read_whole(narrow, monkeypatch):
    from safetensors.torch import load_file, save_file

    path = narrow / "model.safetensors"
    tensors = load_file(path)
    tensors["model.norm.weight"] = tensors["model.norm.weight"].float() + 1e-4
    save_file(tensors, path, metadata={"format": "pt"})
    monkeypatch.setattr(stored_weights, "LARGE", 0)
    network = load_network(narrow)
    assert network.computed_in is None
    torch.testing.assert_close(network.module.model.norm.weight.data, tensors["model.norm.weight"], rtol=0, atol=0)


@pytest.mark.parametrize("kind", ["qwen2", "llama", "gemma3_text", "gemma3"])
def test_every_architecture_computes_what_it_computes_in_memory(either, kind, tmp_path):
    """Also those with more than weights in their numbers, such as Gemma's factor of embeddings."""
    plain = tmp_path / "exact"
    plain.mkdir()
    HANDWRITTEN["make_checkpoint"](plain, kind)
    narrowed = shutil.copytree(plain, tmp_path / "narrow")
    load_network(plain, dtype="bfloat16").module.save_pretrained(narrowed)
    whole = load_network(narrowed)
    tokens = torch.tensor([[3, 4, 5, 6]])
    expected = whole.module(tokens).logits
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(stored_weights, "LARGE", 0)
        found = load_network(narrowed)
    torch.testing.assert_close(found.module(tokens).logits, expected, rtol=0, atol=0)


def test_small_models_and_other_devices_and_formats_take_weights_as_ever(narrow, monkeypatch):
    assert load_network(narrow).computed_in is None
    monkeypatch.setattr(stored_weights, "LARGE", 0)
    assert load_network(narrow, dtype="bfloat16").computed_in is None


def test_an_estimate_counts_only_what_is_held(narrow, monkeypatch):
    whole = footprint(str(narrow))
    assert (whole.in_files, whole.held_bytes) == (False, whole.weight_bytes)
    monkeypatch.setattr(stored_weights, "LARGE", 0)
    stored = footprint(str(narrow))
    width = json.loads((narrow / "config.json").read_text())["hidden_size"]
    assert (stored.in_files, stored.held_bytes) == (True, 4 * 2**15 * width)  # a block of the vocabulary in float32
