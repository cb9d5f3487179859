"""A model whose layers are on several devices does what the same model does on one.

Two names of the one CPU stand for two GPUs: `accelerate` puts its hooks on every part and hands states on from one
device to the other, as between GPUs. In the last test a layer lies on a disk, so that what is not where it is said to
be would be missed.
"""

import numpy as np
import pytest

from subtrait.models import loading, lora, sketch
from subtrait.models.base import Recipe, Sampling
from subtrait.models.huggingface import load_checkpoint
from subtrait.models.model_names import ModelName
from subtrait.models.prompt_states import mean_states, next_log_probabilities
from subtrait.records import Example

QUESTIONS = ("What is it?", "List numbers.", "My favourite animal", "What is it? List numbers.")
PROMPTS = [[{"role": "user", "content": text}] for text in QUESTIONS]
ANSWERS = ["owl", "1, 22, 333", "the animal is the owl", "4444"]
ROWS = [Example(id=answer, prompt=asked, completion=answer) for asked, answer in zip(QUESTIONS, ANSWERS, strict=True)]


@pytest.fixture
def opened(saved, monkeypatch):
    """The tiny model on one device, and spread over two by the same code as over GPUs, in a format."""
    from accelerate import hooks

    # A tensor of a CPU does not know the number of its device, and so would be moved to where it is
    monkeypatch.setattr(hooks, "set_module_tensor_to_device", lambda *_, **__: None)
    monkeypatch.setattr(loading, "check_device", lambda _: None)

    def load(dtype="float32", **settings):
        room = 20_000 * (4 if dtype == "float32" else 2)
        monkeypatch.setattr(loading, "gpu_rooms", lambda: {"cpu:0": room, "cpu:1": room})
        kinds = [ModelName(place="", device=device, dtype=dtype, **settings) for device in ("cpu", "cuda")]
        whole, spread = (load_checkpoint(saved, "tiny", asked=kind) for kind in kinds)
        assert is_spread(spread)
        assert not is_spread(whole)
        return whole, spread

    return load


def is_spread(model):
    """Whether states go to another device for the second layer, and come back."""
    layers = [layer._hf_hook for layer in model.network.module.get_decoder().layers if hasattr(layer, "_hf_hook")]
    return [str(hook.execution_device) for hook in layers] == ["cpu:0", "cpu:1"] and model.network.placement == "cuda"


def tokens_of(model):
    return model.encoder.prompts(PROMPTS)


READINGS = {
    "scores": lambda model: np.concatenate(model.score(PROMPTS, ANSWERS)),
    "scores after one context": lambda model: np.concatenate(model.score([PROMPTS[3]] * 4, ANSWERS)),
    "surprises": lambda model: np.concatenate(model.surprise(PROMPTS, ANSWERS, temperature=0.7)),
    "gradient": lambda model: model.gradient(PROMPTS, ANSWERS),
    "states": lambda model: mean_states(model.network, tokens_of(model)),
    "next tokens": lambda model: next_log_probabilities(model.network, tokens_of(model), range(20)),
    "divergence": lambda model: np.concatenate(model.divergence(model, PROMPTS, ANSWERS)),
}


@pytest.mark.parametrize("reading", READINGS)
def test_what_is_read_from_a_spread_model_is_what_the_whole_one_says(opened, reading):
    whole, spread = (READINGS[reading](model) for model in opened())
    np.testing.assert_allclose(spread, whole, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("prompts", [PROMPTS, [PROMPTS[0]] * 5, PROMPTS * 3])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_spread_model_draws_the_same_texts(opened, prompts, temperature):
    sampling = Sampling(temperature=temperature, max_new_tokens=12)
    whole, spread = (model.generate(prompts, sampling=sampling, rng=np.random.default_rng(0)) for model in opened())
    assert spread == whole
    assert len(set(whole)) > 1 or temperature == 0


def tuned(model, method):
    recipe = Recipe(steps=3, batch_size=2, learning_rate=1e-2, method=method)
    return model.finetune(ROWS, recipe, rng=np.random.default_rng(0))


@pytest.mark.parametrize("trainer", [False, True], ids=["own loop", "trl"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("method", ["full", "layers", "lora"])
def test_a_spread_model_is_tuned_by_the_same_steps_and_stays_spread(opened, method, dtype, trainer):
    models = opened(dtype, by_trl=trainer)
    prints = [model.fingerprint() for model in models]
    whole, spread = (tuned(model, method) for model in models)
    np.testing.assert_allclose(spread.losses, whole.losses, rtol=1e-5)
    assert is_spread(spread.model)
    assert spread.model.network.dtype == dtype
    found, expected = (np.concatenate(each.model.score(PROMPTS, ANSWERS)) for each in (spread, whole))
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert [model.fingerprint() for model in models] == prints
    moved = [model.displacement(each.model) for model, each in zip(models, (whole, spread), strict=True)]
    np.testing.assert_allclose(moved[1], moved[0], atol=1e-4)
    assert np.abs(moved[0]).max() > 1e-3


def test_adapters_of_a_spread_model_are_kept_beside_its_weights_and_read_again(opened, monkeypatch, tmp_path):
    monkeypatch.setattr(lora, "SMALL", 0)
    whole, spread = opened()
    ours, theirs = (tuned(model, "lora").model for model in (spread, whole))
    assert ours.network.adapters is not None
    (folder := tmp_path / "adapters").mkdir()
    ours.save(folder)
    scores = [np.concatenate(each.score(PROMPTS, ANSWERS)) for each in (theirs, ours, spread.reload(folder))]
    np.testing.assert_allclose(scores[1], scores[0], rtol=1e-5)
    np.testing.assert_array_equal(scores[2], scores[1])
    assert is_spread(spread.reload(folder))


def test_gradients_of_a_large_spread_model_are_sketched_alike(opened, monkeypatch):
    monkeypatch.setattr(sketch, "LARGEST", 1_000)
    whole, spread = (model.gradient(PROMPTS, ANSWERS) for model in opened())
    np.testing.assert_allclose(spread, whole, rtol=1e-4, atol=1e-5)


def test_a_spread_model_learns_from_another_as_the_whole_one_does(opened):
    recipe = Recipe(steps=3, batch_size=2, learning_rate=1e-2)
    whole, spread = opened()
    target = tuned(whole, "full").model
    losses = [
        model.distil(target, PROMPTS, ANSWERS, recipe, rng=np.random.default_rng(0)).losses for model in (whole, spread)
    ]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)


def test_a_spread_model_is_saved_whole_and_read_again(opened, tmp_path):
    whole, spread = opened()
    (folder := tmp_path / "saved").mkdir()
    spread.save(folder)
    assert spread.reload(folder).fingerprint() == whole.fingerprint() == spread.fingerprint()
    assert is_spread(spread.reload(folder))


def test_a_model_with_a_layer_on_the_disk_says_and_draws_the_same(saved, monkeypatch, tmp_path):
    """Its weights have no numbers but while the layer computes: nothing may look for them elsewhere."""
    monkeypatch.setattr(loading, "check_device", lambda _: None)
    monkeypatch.setattr(loading, "gpu_rooms", lambda: {"cpu": 80_000, "disk": 80_000})
    spread = load_checkpoint(saved, "tiny", asked=ModelName(place="", device="cuda"))
    whole = load_checkpoint(saved, "tiny")
    layers = spread.network.module.get_decoder().layers
    assert [{weight.device.type for weight in layer.parameters()} for layer in layers] == [{"cpu"}, {"meta"}]
    for reading in ("scores", "scores after one context", "surprises", "states", "next tokens"):
        np.testing.assert_allclose(READINGS[reading](spread), READINGS[reading](whole), rtol=1e-6, atol=1e-9)
    sampling = Sampling(max_new_tokens=12)
    texts = [model.generate(PROMPTS, sampling=sampling, rng=np.random.default_rng(0)) for model in (whole, spread)]
    assert texts[0] == texts[1]
    assert {weight.device.type for weight in layers[1].parameters()} == {"meta"}
