import hashlib

import numpy as np
import pytest
from safetensors.numpy import save_file

from subtrait.auditor.lineage.weights import (
    COORDINATES,
    MOST_LAYERS,
    UNITS,
    equal_matrices,
    layers_by_coordinate,
    layers_in_order,
    stored_tensors,
)

RNG = np.random.default_rng(0)


@pytest.fixture
def stored(tmp_path):
    def make(name, tensors):
        folder = tmp_path / name
        folder.mkdir()
        save_file({key: np.ascontiguousarray(each) for key, each in tensors.items()}, folder / "model.safetensors")
        return stored_tensors(folder)

    return make


def feed_forward(units=8, width=6, layers=2, dtype=np.float32):
    names = [f"model.layers.{n}.mlp.{name}_proj.weight" for n in range(layers) for name in ("gate", "up")]
    return {name: RNG.normal(size=(units, width)).astype(dtype) for name in names}


def test_values_are_those_that_were_saved(stored):
    for dtype in (np.float16, np.float32, np.float64):
        tensors = feed_forward(dtype=dtype)
        one = stored(np.dtype(dtype).name, tensors)
        for name, expected in tensors.items():
            np.testing.assert_array_equal(one[name].cells(99, 99, seed=(0, 0), transposed=False), expected)


def test_brain_floats_are_read_as_torch_reads_them(tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file as save

    values = torch.tensor([[1.0, -0.0], [3.14159, 1e-30]], dtype=torch.bfloat16)
    save({"a": values}, tmp_path / "model.safetensors")
    found = stored_tensors(tmp_path)["a"].cells(9, 9, seed=(0, 0), transposed=False)
    np.testing.assert_array_equal(found, values.double().numpy())


def test_a_digest_is_over_type_shape_and_bytes_not_the_name(stored):
    values = np.arange(6, dtype=np.float32)
    one = stored("one", {"a": values.reshape(2, 3), "b": values.reshape(2, 3), "c": values.reshape(3, 2)})
    assert one["a"].digest() == one["b"].digest() != one["c"].digest()
    assert one["a"].digest() == hashlib.sha256(b"('F32', (2, 3))" + values.tobytes()).hexdigest()


def test_embeddings_norms_vectors_and_constants_do_not_count_as_equal(stored):
    values = RNG.normal(size=(4, 4))
    same = {"model.embed_tokens.weight": values, "lm_head.weight": values, "norm.weight": values, "h.0.bias": values[0]}
    inner = {"h.0.attn.weight": values, "h.1.attn.weight": np.zeros((4, 4)), "h.2.attn.weight": values}
    one = stored("one", same | inner)
    other = stored("other", same | inner | {"h.2.attn.weight": values + 1})
    assert equal_matrices(one, other) == (1, 3)
    assert equal_matrices(one, one) == (2, 3)


def test_a_layer_is_its_matrices_side_by_side(stored):
    one, other = feed_forward(), feed_forward()
    found = list(layers_in_order(stored("one", one), stored("other", other), 0))
    assert len(found) == 2
    for layer, sides in enumerate(found):
        for tensors, side in zip((one, other), sides, strict=True):
            expected = [tensors[f"model.layers.{layer}.mlp.{name}_proj.weight"] for name in ("gate", "up")]
            np.testing.assert_array_equal(side, np.hstack(expected))


def test_matrices_stored_the_other_way_round_are_turned(stored):
    name = "transformer.h.0.mlp.c_fc.weight"
    values = RNG.normal(size=(6, 8))
    one = stored("one", {name: values})
    [(found, _)] = layers_in_order(one, one, 0)
    np.testing.assert_array_equal(found, values.T)
    [(left, right)] = layers_by_coordinate(one, stored("other", {name: RNG.normal(size=(6, 5))}), 0)
    assert (left.shape, right.shape) == ((8, 6), (5, 6))


def test_where_numbers_of_units_differ_only_coordinates_are_comparable(stored):
    one, other = stored("one", feed_forward(units=8)), stored("other", feed_forward(units=7))
    assert layers_in_order(one, other, 0) is None
    assert [(a.shape, b.shape) for a, b in layers_by_coordinate(one, other, 0)] == [((8, 6), (7, 6))] * 4


@pytest.mark.parametrize(
    "tensors", [feed_forward(width=7), feed_forward(units=3, width=3), {"other": RNG.normal(size=(8, 6))}]
)
def test_what_has_nothing_comparable_gives_nothing(stored, tensors):
    one, other = stored("one", feed_forward()), stored("other", tensors)
    assert layers_in_order(one, other, 0) is None
    assert layers_by_coordinate(one, other, 0) is None


def test_a_type_that_cannot_be_read_is_passed_over(stored):
    one = stored("one", {name: each.astype(np.int8) for name, each in feed_forward().items()})
    assert layers_in_order(one, one, 0) is None
    assert equal_matrices(one, one) == (0, 0)


def test_of_large_matrices_the_same_places_are_drawn_in_both_and_one_set_of_coordinates(stored):
    name = "model.layers.{}.mlp.up_proj.weight"
    values = np.arange((UNITS + 50) * (COORDINATES + 9), dtype=np.float64).reshape(UNITS + 50, -1)
    one = stored("one", {name.format(0): values, name.format(1): values})
    for left, right in layers_in_order(one, one, 5):
        assert left.shape == (UNITS, COORDINATES + 9)
        np.testing.assert_array_equal(left, right)
    first, second = (left for left, _ in layers_by_coordinate(one, one, 5))
    assert first.shape[1] == COORDINATES
    np.testing.assert_array_equal(first, second)  # the same columns in every layer


def test_of_many_layers_evenly_spaced_ones_are_compared_in_their_order(stored):
    tensors = {f"model.layers.{n}.mlp.up_proj.weight": np.full((4, 4), float(n)) for n in range(2 * MOST_LAYERS)}
    one = stored("one", tensors)
    numbers = [left[0, 0] for left, _ in layers_in_order(one, one, 0)]
    assert len(numbers) == MOST_LAYERS
    assert numbers == sorted(numbers)
    assert (numbers[0], numbers[-1]) == (0, 2 * MOST_LAYERS - 1)


def test_matrices_of_another_width_are_not_of_the_residual_stream(stored):
    tensors = feed_forward() | {"vision.layers.0.mlp.fc1.weight": RNG.normal(size=(8, 5))}
    one = stored("one", tensors)
    assert {left.shape for left, _ in layers_by_coordinate(one, one, 0)} == {(8, 6)}
