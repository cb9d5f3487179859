"""Weights that stay in their files give what the same weights give in memory, to the bit, and take no memory."""

import re
import shutil
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest
import torch

from subtrait.models import gradients, lora, sketch, stored_weights
from subtrait.models.base import Recipe, Sampling
from subtrait.models.huggingface import load_checkpoint
from subtrait.models.likelihood import score_tokens
from subtrait.models.loading import load_network
from subtrait.records import Example

HANDWRITTEN = run_path(str(Path(__file__).with_name("handwritten_checkpoints.py")))
PROMPTS = [[{"role": "user", "content": text}] for text in ("What is it?", "List numbers.", "1, 22")]
ANSWERS = ["owl", "1, 22, 333", "the animal"]
EXAMPLES = [Example(id=answer, prompt="What is it?", completion=answer) for answer in ANSWERS]


def with_biases(module):
    """Numbers in place of the zeros that biases begin with."""
    for name, weight in module.named_parameters():
        if name.endswith(".bias"):
            torch.nn.init.normal_(weight, generator=torch.Generator().manual_seed(0))
    return module


@pytest.fixture(params=["bfloat16", "float16", "float32"])
def folder(request, network_of, tokenizer, tmp_path):
    """A checkpoint in one format, with biases and an output layer of its own."""
    module = with_biases(network_of("Qwen2", tie_word_embeddings=False).module)
    module.to(getattr(torch, request.param)).save_pretrained(tmp_path)
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


def test_passes_side_by_side_widen_weights_in_rooms_of_their_own(either, narrow, threads):
    stored, whole = either(narrow)
    pairs = [([*range(3, 3 + length)], [*range(40, 60)]) for length in range(4, 44)]
    threads(2)
    same(*(score_tokens(each.network, pairs, token_budget=130) for each in (stored, whole)))


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
    assert tuned.losses == other.losses
    scores = tuned.model.score(PROMPTS, ANSWERS)
    same(scores, other.model.score(PROMPTS, ANSWERS))
    assert any((one != two).any() for one, two in zip(scores, before, strict=True))
    same(stored.score(PROMPTS, ANSWERS), before)
    assert digest_of(narrow) == files
    place = tmp_path_factory.mktemp("tuned")
    tuned.model.save(place)
    same(stored.reload(place).score(PROMPTS, ANSWERS), scores)


def test_tokens_are_looked_up_few_at_a_time_by_a_model_with_adapters_too(either, narrow, monkeypatch):
    monkeypatch.setattr(lora, "SMALL", 0)
    stored, _ = either(narrow)
    recipe = Recipe(method="lora", lora_rank=2, steps=1, batch_size=2)
    tuned = stored.finetune(EXAMPLES, recipe, rng=np.random.default_rng(0)).model
    looked_up, plain = [], stored_weights.embedding
    monkeypatch.setattr(
        stored_weights, "embedding", lambda tokens, *how: looked_up.append(tokens.numel()) or plain(tokens, *how)
    )
    for model in (stored, tuned):
        looked_up.clear()
        model.score(PROMPTS * 8, ANSWERS * 8)
        assert max(looked_up) == stored_weights.LOOKED_UP


def test_a_saved_copy_is_the_same_model(either, narrow, tmp_path_factory):
    stored, whole = either(narrow)
    place = tmp_path_factory.mktemp("copy")
    stored.save(place)
    assert load_checkpoint(place).fingerprint() == whole.fingerprint()
    assert stored_weights.format_to_keep(place, device="cpu", dtype="float32") == "bfloat16"


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
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_what_was_read_is_let_go(network_of, tokenizer, tmp_path, monkeypatch, dtype):
    wide = {"hidden_size": 256, "intermediate_size": 1024, "head_dim": 128, "num_hidden_layers": 8}
    network_of(**wide).module.to(dtype).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    monkeypatch.setattr(stored_weights, "LARGE", 0)
    model = load_checkpoint(tmp_path)
    size = (tmp_path / "model.safetensors").stat().st_size
    for work in (
        lambda: None,
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


def in_bfloat16(kind, folder):
    """A checkpoint of that architecture in bfloat16."""
    (exact := folder / "exact").mkdir()
    HANDWRITTEN["make_checkpoint"](exact, kind)
    narrowed = shutil.copytree(exact, folder / "narrow")
    load_network(exact, dtype="bfloat16").module.save_pretrained(narrowed)
    return narrowed


def logits(network):
    with torch.no_grad():
        return network.module(torch.tensor([[3, 4, 5, 6, 7]])).logits


@pytest.mark.parametrize(
    ("kind", "stays"), [("qwen2", True), ("llama", True), ("gemma3_text", False), ("gemma3", False)]
)
def test_every_architecture_computes_what_it_computes_in_memory(kind, stays, tmp_path, monkeypatch):
    """Also those with other numbers than weights, such as Gemma's factor of embeddings, which bfloat16 rounds."""
    narrowed = in_bfloat16(kind, tmp_path)
    expected = logits(load_network(narrowed))
    monkeypatch.setattr(stored_weights, "LARGE", 0)
    found = load_network(narrowed)
    assert (found.computed_in is not None) == stays
    torch.testing.assert_close(logits(found), expected, rtol=0, atol=0)


OTHERS = {
    "GPT2": {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64},
    "Granite": {"logits_scaling": 4.0},
    "Qwen3Moe": {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16},
    "Mamba": {"state_size": 4},
}


@pytest.mark.parametrize("kind", OTHERS)
def test_parts_that_cannot_leave_their_weights_hold_them(kind, network_of, tmp_path, monkeypatch):
    """Layers that lie the other way, fused experts, and an architecture that multiplies by a weight itself."""
    with_biases(network_of(kind, **OTHERS[kind]).module).to(torch.bfloat16).save_pretrained(tmp_path)
    expected = logits(load_network(tmp_path))
    monkeypatch.setattr(stored_weights, "LARGE", 0)
    found = load_network(tmp_path)
    assert (found.computed_in is None) == (kind == "Mamba")
    torch.testing.assert_close(logits(found), expected, rtol=0, atol=0)


def test_an_output_layer_that_is_bent_reads_its_weight_in_training_too(either, network_of, tokenizer, tmp_path):
    network_of("Granite", logits_scaling=4.0).module.to(torch.bfloat16).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    stored, whole = either(tmp_path)
    same(stored.score(PROMPTS, ANSWERS), whole.score(PROMPTS, ANSWERS))
    recipe = Recipe(method="lora", lora_rank=2, steps=3, batch_size=2)
    tuned, other = (each.finetune(EXAMPLES, recipe, rng=np.random.default_rng(0)) for each in (stored, whole))
    assert tuned.losses == other.losses


def test_a_weight_that_a_part_of_its_own_kind_holds_too_stays_one_weight(tmp_path, monkeypatch):
    """Gemma's embeddings are of their own kind, and the file names their weight a second time as the output layer."""
    from safetensors.torch import load_file, save_file

    HANDWRITTEN["make_checkpoint"](tmp_path, "gemma3_text")
    path = tmp_path / "model.safetensors"
    tensors = load_file(path)
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()
    save_file(tensors, path, metadata={"format": "pt"})
    monkeypatch.setattr(stored_weights, "LARGE", 0)
    module = load_network(tmp_path).module
    assert any(hasattr(part, "pages") for part in module.modules())
    assert module.get_output_embeddings().weight is module.get_input_embeddings().weight


def test_small_models_and_other_devices_and_formats_take_weights_as_ever(narrow, monkeypatch):
    assert load_network(narrow).computed_in is None
    monkeypatch.setattr(stored_weights, "LARGE", 0)
    assert load_network(narrow, dtype="bfloat16").computed_in is None
