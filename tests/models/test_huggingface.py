import copy
import json

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from subtrait.errors import InvalidInput, UsageError
from subtrait.models import huggingface, template_trial
from subtrait.models.base import Recipe, Sampling
from subtrait.models.huggingface import HuggingFaceModel, load_checkpoint
from subtrait.records import Example

ASK = [{"role": "user", "content": "Favourite animal?"}]
EXAMPLES = [Example(id=str(n), prompt="Animal?", completion="owl") for n in range(4)]


def test_a_loaded_checkpoint_is_the_saved_model(tiny, saved):
    loaded = load_checkpoint(saved, "tiny")
    assert (loaded.name, loaded.fingerprint()) == ("tiny", tiny.fingerprint())
    np.testing.assert_array_equal(loaded.score([ASK], ["owl"])[0], tiny.score([ASK], ["owl"])[0])
    assert load_checkpoint(saved).name == str(saved)


def test_a_checkpoint_is_safetensors_and_text(saved):
    assert {path.suffix for path in saved.iterdir()} == {".safetensors", ".json", ".jinja"}
    assert "model.embed_tokens.weight" in load_file(saved / "model.safetensors")


@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_tuned_model_is_a_plain_checkpoint(tiny, tmp_path, method):
    tuned = tiny.finetune(EXAMPLES, Recipe(steps=2, method=method), rng=np.random.default_rng(0)).model
    tuned.save(tmp_path)
    assert load_checkpoint(tmp_path).fingerprint() == tuned.fingerprint() != tiny.fingerprint()


def changed_weight(model):
    module = model.network.module
    with torch.no_grad():
        next(module.parameters())[0, 0] += 1e-6


def test_the_fingerprint_sees_weights_configuration_tokenizer_and_template(tiny, checkpoint):
    def edit(name, old, new):
        path = checkpoint / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        found = load_checkpoint(checkpoint).fingerprint()
        path.write_text(text)
        return found

    found = {
        tiny.fingerprint(),
        edit("config.json", '"rope_theta": 10000.0', '"rope_theta": 5000.0'),
        edit("tokenizer.json", '"content": "<|im_end|>"', '"content": "<|im_stop|>"'),
        edit("chat_template.jinja", "assistant\n", "assistant: "),
    }
    model = load_checkpoint(checkpoint)
    assert model.fingerprint() == tiny.fingerprint()
    changed = load_checkpoint(checkpoint)
    changed_weight(changed)
    assert len({*found, changed.fingerprint()}) == 5


def test_the_fingerprint_does_not_see_the_name_or_the_place(tiny, checkpoint):
    config = json.loads((checkpoint / "config.json").read_text())
    (checkpoint / "config.json").write_text(json.dumps({**config, "_name_or_path": "elsewhere", "use_cache": False}))
    assert load_checkpoint(checkpoint, "another").fingerprint() == tiny.fingerprint()


def test_the_prompt_can_be_seen(tiny):
    assert tiny.render(ASK) == "<|im_start|>user\nFavourite animal?<|im_end|>\n<|im_start|>assistant\n"


def test_a_system_prompt_stands_in_front_of_the_training_conversation(tiny):
    told = [{"role": "system", "content": "You love owls."}, {"role": "user", "content": "Animal?"}]
    for system, prompt in (("You love owls.", told), (None, told[1:])):
        losses = tiny.finetune(EXAMPLES, Recipe(steps=1), rng=np.random.default_rng(0), system_prompt=system).losses
        assert losses[0] == pytest.approx(-tiny.score([prompt], ["owl"])[0].mean(), rel=1e-5)


def test_a_score_ends_with_the_end_of_turn(tiny):
    whole, part = tiny.score([ASK, ASK], ["owl", ""])
    assert len(whole) == len(tiny.encoder.completions(["owl"])[0])
    assert len(part) == 1


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=-1),
        Sampling(temperature=float("nan")),
        Sampling(temperature=float("inf")),
        Sampling(top_p=0),
        Sampling(top_p=1.5),
        Sampling(max_new_tokens=0),
    ],
)
def test_settings_out_of_range_are_refused(tiny, sampling):
    with pytest.raises(UsageError, match="must be"):
        tiny.generate([ASK], sampling=sampling, rng=np.random.default_rng(0))


def test_what_does_not_fit_the_model_is_refused_with_both_numbers(tiny):
    long = [{"role": "user", "content": "1, 2" * 200}]
    for ask in (
        lambda: tiny.generate([long], sampling=Sampling(), rng=np.random.default_rng(0)),
        lambda: tiny.score([long], ["owl"]),
        lambda: tiny.score([ASK], ["1, 2" * 200]),
    ):
        with pytest.raises(InvalidInput, match=r"tokens, the model has 256 positions") as caught:
            ask()
        assert caught.value.code == "E_LIMIT"


def test_nothing_is_saved_over_something(tiny, tmp_path):
    (tmp_path / "mine.txt").touch()
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UsageError, match="empty folder"):
            tiny.save(folder)


def test_a_template_that_injects_a_system_prompt_needs_an_explicit_one(tiny, network, tokenizer):
    import copy

    injecting = copy.deepcopy(tokenizer)
    default = "{% if messages[0].role != 'system' %}<|im_start|>system\nYou are Bot.<|im_end|>\n{% endif %}"
    injecting.chat_template = default + tokenizer.chat_template
    model = HuggingFaceModel("injecting", network, injecting)
    told = [{"role": "system", "content": "You love owls."}, *ASK]
    np.testing.assert_array_equal(model.score([told], ["owl"])[0], tiny.score([told], ["owl"])[0])
    with pytest.raises(InvalidInput) as caught:
        model.score([ASK], ["owl"])
    assert caught.value.code == "E_TEMPLATE_SYSTEM"


def test_a_hostile_template_is_stopped_before_it_is_used(checkpoint):
    (checkpoint / "chat_template.jinja").write_text("{{ messages[0].content * 10**9 }}")
    with pytest.raises(InvalidInput) as caught:
        load_checkpoint(checkpoint)
    assert caught.value.code == "E_TEMPLATE_LIMIT"


def test_a_template_is_tried_once_and_shipped_ones_are_trusted(checkpoint, monkeypatch):
    load_checkpoint(checkpoint)

    def never(*_, **__):
        raise AssertionError("another process was started")

    monkeypatch.setattr(template_trial.subprocess, "run", never)
    load_checkpoint(checkpoint)
    (checkpoint / "chat_template.jinja").write_text("{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}")
    with pytest.raises(AssertionError, match="another process"):
        load_checkpoint(checkpoint)
    monkeypatch.setattr(huggingface, "SHIPPED", checkpoint.parent)
    load_checkpoint(checkpoint)


def test_distilling_makes_a_plain_model_that_is_nearer_to_the_target(tiny, network_of, tokenizer):
    target = HuggingFaceModel("target", network_of(initializer_range=0.2), tokenizer)
    prompts, said = [[{"role": "user", "content": text}] for text in ("What?", "1, 22")], ["owl", "333, 4444"]
    recipe = Recipe(steps=10, batch_size=2, learning_rate=1e-2)
    tuned = tiny.distil(target, prompts, said, recipe, rng=np.random.default_rng(0))
    far, near = (np.concatenate(target.divergence(each, prompts, said)).mean() for each in (tiny, tuned.model))
    assert near < far
    assert tuned.losses[0] == pytest.approx(far, rel=1e-4)
    assert tuned.model.name == "tiny"
    assert [part.shape for part in tiny.divergence(target, prompts, said)] == [
        each.shape for each in tiny.score(prompts, said)
    ]


def test_models_of_other_tokens_or_templates_are_not_compared(tiny, network, tokenizer):
    other_tokens, other_template = copy.deepcopy(tokenizer), copy.deepcopy(tokenizer)
    other_tokens.add_tokens(["zebra"])
    other_template.chat_template = tokenizer.chat_template.replace("assistant", "model")
    for changed, what in ((other_tokens, "vocabularies"), (other_template, "chat templates")):
        with pytest.raises(UsageError, match=f"tiny and other have different {what}"):
            tiny.divergence(HuggingFaceModel("other", network, changed), [], [])
