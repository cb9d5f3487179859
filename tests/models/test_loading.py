"""Checkpoints become networks as they are, on the device and in the format that were asked for."""

import json
from types import SimpleNamespace

import pytest
import torch

from subtrait.errors import InvalidInput, UsageError
from subtrait.models import loading


def edit(folder, **fields):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"intermediate_size": 50}, r"layers.0.mlp.gate_proj.weight \[50, 32\], the weights have \[48, 32\]"),
        ({"num_key_value_heads": 2}, r"k_proj.weight \[32, 32\], the weights have \[16, 32\]"),
        (
            {"num_hidden_layers": 100},
            "describes a model of 784640 numbers, the weights have 25728",
        ),  # by hand: 100 · 7744 + 10240
        ({"num_hidden_layers": 1}, "knows nothing of"),
        ({"attention_bias": True}, "no tensor for"),
        ({"model_type": "owl"}, "owl"),
        ({"hidden_act": "owl"}, "owl"),
    ],
)
def test_weights_that_do_not_fit_the_architecture_are_refused(checkpoint, fields, said):
    edit(checkpoint, **fields)
    with pytest.raises(InvalidInput, match=said) as caught:
        loading.load_network(checkpoint)
    assert caught.value.code == "E_CONFIG"


def test_a_network_is_loaded_in_single_precision_ready_to_use(saved, capfd):
    network = loading.load_network(saved)
    assert {parameter.dtype for parameter in network.module.parameters()} == {torch.float32}
    assert not network.module.training
    assert (network.device.type, network.positions) == ("cpu", 256)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_network_of_lower_precision_holds_the_rounded_weights(saved, dtype):
    exact, rounded = (loading.load_network(saved, dtype=each) for each in ("float32", dtype))
    assert (rounded.dtype, rounded.placement) == (dtype, "cpu")
    for one, other in zip(exact.module.parameters(), rounded.module.parameters(), strict=True):
        torch.testing.assert_close(one.to(getattr(torch, dtype)), other, rtol=0, atol=0)


def test_a_device_that_is_not_there_is_answered_with_those_that_are(saved):
    with pytest.raises(UsageError, match="no device 'cuda:99': it has cpu"):
        loading.load_network(saved, device="cuda:99")


def test_a_model_that_one_device_has_no_room_for_is_spread(saved, monkeypatch):
    # There is no GPU here: the same CPU stands for both, and accelerate moves what is computed between them
    monkeypatch.setattr(loading, "check_device", lambda _: None)
    monkeypatch.setattr(loading, "gpu_rooms", lambda: {"cpu": 80_000, "meta": 80_000})
    asked = {}

    def placed(outline, rooms):
        asked["map"] = device_map(outline, rooms)
        return dict.fromkeys(asked["map"], "cpu")

    device_map = loading.device_map
    monkeypatch.setattr(loading, "device_map", placed)
    network = loading.load_network(saved, device="cuda")
    assert set(asked["map"].values()) == {"cpu", "meta"}
    plain = loading.load_network(saved)
    tokens = torch.tensor([[3, 4, 5]])
    torch.testing.assert_close(network.module(tokens).logits, plain.module(tokens).logits, rtol=0, atol=0)
    assert network.placement == "cpu"
    several = SimpleNamespace(parameters=plain.module.parameters, hf_device_map={"a": 0, "b": 1})
    assert type(plain)(module=several, where="here").placement == "cuda"


def test_an_outline_takes_no_memory_and_has_every_weight(saved):
    outline = loading.outline_of(saved, "bfloat16")
    assert {weight.device.type for weight in outline.parameters()} == {"meta"}
    assert {weight.dtype for weight in outline.parameters()} == {torch.bfloat16}
    assert sum(weight.numel() for weight in outline.parameters()) == 25_728  # by hand: 2 · 7744 + 10240


@pytest.mark.parametrize("take", [lambda: torch.empty(2**50), lambda: bytearray(2**60)], ids=["torch", "python"])
def test_weights_that_there_is_no_memory_for_are_no_fault_of_the_checkpoint(saved, monkeypatch, take):
    monkeypatch.setattr(loading, "_read", lambda *_: take())
    with pytest.raises(UsageError, match="take more memory than there is on cpu: use a lower --dtype") as caught:
        loading.load_network(saved)
    assert "\n" not in str(caught.value)
