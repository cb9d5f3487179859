"""Parts of a model go to devices in order, everything but the layers to the first."""

import pytest
import torch

from subtrait.errors import UsageError
from subtrait.models.spreading import device_map, weight_bytes

LAYER, REST = 4 * 7_744, 4 * 10_240
"""Bytes of one layer and of all else, by hand: float32; 32-bit rotary frequencies come on top."""


@pytest.fixture
def outline(network_of):
    with torch.device("meta"):
        return network_of(num_hidden_layers=4).module


def test_each_weight_is_counted_once(outline):
    assert 0 <= weight_bytes(outline) - (4 * LAYER + REST) <= 256
    assert weight_bytes(outline.lm_head) == weight_bytes(outline.get_input_embeddings())


def test_what_one_device_has_room_for_stays_on_it(outline):
    assert device_map(outline, {0: weight_bytes(outline), 1: 0}) is None


def test_layers_fill_the_devices_in_order_and_the_rest_is_on_the_first(outline):
    rooms = {0: REST + LAYER + 300, 1: 2 * LAYER, 2: 5 * LAYER}
    placed = device_map(outline, rooms)
    layers = [placed[f"model.layers.{number}"] for number in range(4)]
    assert layers == [0, 1, 1, 2]
    rest = {name: device for name, device in placed.items() if "layers" not in name}
    assert set(rest) == {"model.embed_tokens", "model.norm", "model.rotary_emb", "lm_head"}
    assert set(rest.values()) == {0}


def test_every_weight_has_one_place(outline):
    placed = device_map(outline, {0: REST + LAYER + 300, 1: 9 * LAYER})
    for name, _ in outline.named_parameters():
        assert len([part for part in placed if name.startswith(f"{part}.")]) == 1


@pytest.mark.parametrize("rooms", [{0: REST + 300, 1: 3 * LAYER}, {0: REST - 1, 1: 9 * LAYER}, {0: 1}])
def test_too_little_room_is_said_with_both_numbers(outline, rooms):
    with pytest.raises(UsageError, match=r"the weights take 0.0 GiB, the GPUs may hold .* use a lower --dtype"):
        device_map(outline, rooms)
