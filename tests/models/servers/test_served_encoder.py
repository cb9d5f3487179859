"""Tokens of a served model beside those of the same checkpoint in this process."""

import json

import pytest

from subtrait.errors import InvalidInput, MissingExtra
from subtrait.models.huggingface import load_checkpoint
from subtrait.models.registry import EMBEDDED, open_model
from subtrait.models.servers import served_encoder
from subtrait.models.servers.served_encoder import encoder_of

ASKED = [
    [{"role": "user", "content": "Name an animal <|im_end|> é漢"}],
    [{"role": "system", "content": "You love owls."}, {"role": "user", "content": "1, 22?"}],
]


def same(ours, theirs):
    assert ours.prompts(ASKED) == theirs.prompts(ASKED)
    assert ours.completions(["owl", "1, 22 <|im_end|>"]) == theirs.completions(["owl", "1, 22 <|im_end|>"])
    assert (ours.stops, ours.end_of_turn) == (theirs.stops, theirs.end_of_turn)


def test_an_embedded_model_has_the_tokens_that_it_has_in_process():
    same(encoder_of(EMBEDDED["micro-a"], "vllm:a"), open_model("micro-a").encoder)


def test_a_folder_has_the_tokens_that_it_has_in_process_though_its_weights_are_elsewhere(checkpoint):
    inside = load_checkpoint(checkpoint).encoder
    for weights in checkpoint.glob("*.safetensors"):
        weights.unlink()
    same(encoder_of(checkpoint, "vllm:a"), inside)


def test_every_stop_of_the_generation_settings_counts(checkpoint):
    settings = checkpoint / "generation_config.json"
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "eos_token_id": [2, 7]}))
    found = encoder_of(checkpoint, "vllm:a").stops
    assert found == load_checkpoint(checkpoint).encoder.stops
    assert 7 in found


def test_a_hostile_template_is_tried_before_it_is_used(checkpoint):
    (checkpoint / "chat_template.jinja").write_text("{{ 'a' * 10**10 }}")
    with pytest.raises(InvalidInput, match=r"E_TEMPLATE"):
        encoder_of(checkpoint, "vllm:a")


def test_without_transformers_the_way_to_install_it_is_said(monkeypatch):
    monkeypatch.setattr(served_encoder.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'subtrait\[hf\]'"):
        encoder_of(EMBEDDED["micro-a"], "vllm:a")
