import importlib.util
from types import SimpleNamespace

import pytest
import torch

from subtrait.errors import InvalidInput, MissingExtra
from subtrait.models import transformers_adapter as adapter


def absent(monkeypatch, name):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda asked: None if asked == name else find(asked))


@pytest.mark.parametrize("name", ["torch", "transformers"])
def test_without_the_libraries_the_error_says_how_to_install_them(monkeypatch, name):
    absent(monkeypatch, name)
    with pytest.raises(MissingExtra, match=r"pip install 'subtrait\[hf\]'"):
        adapter.require()


def test_an_unknown_step_after_the_output_layer_is_refused(network_of):
    network = network_of()
    forward = network.module.forward

    def bent(*args, **kwargs):
        out = forward(*args, **kwargs)
        out.logits = out.logits + 1
        return out

    network.module.forward = bent
    with pytest.raises(InvalidInput, match="LlamaForCausalLM changes its logits") as caught:
        adapter.after_output_layer(network)
    assert caught.value.code == "E_CONFIG"


def test_layers_that_are_called_in_another_way_are_refused(network_of):
    """BLOOM hands its feed-forward parts what is to be added to their outcome."""
    with pytest.raises(InvalidInput, match="layers of BloomForCausalLM depend on each other") as caught:
        adapter.after_output_layer(network_of("Bloom"))
    assert caught.value.code == "E_CONFIG"


def test_layers_that_look_at_what_others_leave_out_are_refused(network_of):
    network = network_of()
    last = adapter.feed_forwards(network)[-1]
    forward = last.forward
    last.forward = lambda states: forward(states) + forward(states).sum(1, keepdim=True)
    with pytest.raises(InvalidInput, match="layers of LlamaForCausalLM depend on each other") as caught:
        adapter.after_output_layer(network)
    assert caught.value.code == "E_CONFIG"


@pytest.mark.parametrize(("architecture", "parts"), [("Llama", 2), ("Qwen2", 2), ("GPT2", 2), ("Mixtral", 0)])
def test_feed_forward_parts_are_those_of_every_layer_and_no_mixtures_of_experts(network_of, architecture, parts):
    assert len(adapter.feed_forwards(network_of(architecture))) == parts


def test_passes_are_as_long_as_the_cache_of_a_cpu_has_room_for(network_of):
    lengths = [
        adapter.pass_tokens_of("cpu", network_of(intermediate_size=size).module.config) for size in (48, 4_096, 99_999)
    ]
    assert lengths == [adapter.LARGEST_PASS, adapter.CACHED_NUMBERS // 4_096, adapter.SMALLEST_PASS]
    assert adapter.pass_tokens_of("cuda", network_of().module.config) > adapter.LARGEST_PASS


def test_positions_that_are_stretched_where_a_row_is_longer_are_not_used(network_of):
    rope = {"rope_type": "longrope", "rope_theta": 1e4, "short_factor": [1.0] * 8, "long_factor": [2.0] * 8}
    stretched = network_of("Phi3", rope_parameters=rope, original_max_position_embeddings=64)
    assert stretched.module.config.max_position_embeddings == 256
    assert (stretched.positions, network_of("Phi3").positions) == (64, 256)


def test_one_gpu_of_an_apple_is_named_as_users_name_it(network_of, monkeypatch):
    network = network_of()
    assert network.placement == "cpu"
    for device, name in (("mps:0", "mps"), ("cuda:1", "cuda:1")):
        monkeypatch.setattr(adapter.Network, "device", torch.device(device))
        assert network.placement == name


def test_every_token_that_ends_a_turn_counts(network_of, tokenizer):
    network = network_of()
    network.module.generation_config.eos_token_id = [7, 9]
    assert adapter.stop_tokens(network, tokenizer) == (2, 7, 9)


def test_the_default_of_several_templates_is_taken(tokenizer):
    several = SimpleNamespace(chat_template={"tool_use": "x", "default": "y"})
    assert adapter.template_source(several) == "y"
    assert adapter.template_source(tokenizer) == tokenizer.chat_template
