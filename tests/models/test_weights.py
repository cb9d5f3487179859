import json

import numpy as np
import pytest
from safetensors.numpy import save, save_file

from subtrait.errors import InvalidInput
from subtrait.models.weights import check_finite, read_header, read_tensors, shard_index, weight_files


def file_of(header, body=b""):
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(raw).to_bytes(8, "little") + raw + body


def entry(start, stop, dtype="F32", shape=None):
    return {"dtype": dtype, "shape": [(stop - start) // 4] if shape is None else shape, "data_offsets": [start, stop]}


def refused(work, *arguments):
    with pytest.raises(InvalidInput) as caught:
        work(*arguments)
    return caught.value


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def test_a_header_is_read_as_the_library_wrote_it(path):
    tensors = {"b.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "a": np.zeros(2, np.float16)}
    path.write_bytes(save(tensors))
    found = {tensor.name: tensor for tensor in read_header(path)}
    assert {name: (one.dtype, one.shape) for name, one in found.items()} == {
        "a": ("F16", (2,)),
        "b.weight": ("F32", (2, 3)),
    }
    kept = path.read_bytes()[found["b.weight"].start : found["b.weight"].stop]
    np.testing.assert_array_equal(np.frombuffer(kept, "<f4"), np.arange(6))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04\x95",
        b"\x80\x05cos\nsystem\n(S'true'\ntR." + b"x" * 99,
        b"PK\x03\x04" + bytes(99),
        (2**63).to_bytes(8, "little") + bytes(99),
        (10**6).to_bytes(8, "little") + b"{}",
        (2 * 10**8).to_bytes(8, "little") + b"{}",
        file_of(b"not json"),
        file_of(b"[" * 100_000),
        file_of([]),
        file_of({"a": entry(0, 8)}, bytes(4)),
        file_of({"a": entry(0, 8)}, bytes(12)),
        file_of({"a": entry(0, 8), "b": entry(4, 12)}, bytes(12)),
        file_of({"a": entry(0, 4), "b": entry(8, 12)}, bytes(12)),
        file_of({"a": entry(-4, 4)}, bytes(4)),
        file_of({"a": entry(0, 8, shape=[3])}, bytes(8)),
        file_of({"a": entry(0, 8, shape=[2**40, 2**40])}, bytes(8)),
        file_of({"a": entry(0, 8, dtype="OBJECT")}, bytes(8)),
        file_of({"a": {"dtype": "F32"}}),
    ],
)
def test_what_is_no_safetensors_file_is_refused(path, content):
    path.write_bytes(content)
    assert refused(read_header, path).code == "E_SAFETENSORS"


def test_a_name_that_appears_twice_is_refused(path):
    twice = b'{"a":%s,"\\u0061":%s}' % ((json.dumps(entry(0, 4)).encode(),) * 2)
    path.write_bytes(file_of(twice, bytes(4)))
    error = refused(read_header, path)
    assert error.code == "E_DUPTENSOR"
    assert "a appears twice" in str(error)


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\x1b[31m", "a" * 600, "", "a/b", "a..b", "é"])
def test_an_odd_name_is_refused(path, name):
    path.write_bytes(file_of({name: entry(0, 4)}, bytes(4)))
    error = refused(read_header, path)
    assert error.code == "E_NAME"
    assert "\x1b" not in str(error)


BFLOAT16_NAN, FLOAT8_NAN = np.array([0x3F80, 0x7FC1], "<u2"), np.array([0x38, 0x7F], "u1")


@pytest.mark.parametrize(
    ("dtype", "numbers"),
    [
        ("F32", np.array([1, np.nan], "<f4")),
        ("F32", np.array([1, -np.inf], "<f4")),
        ("F16", np.array([1, np.inf], "<f2")),
        ("F64", np.array([1, np.nan], "<f8")),
        ("BF16", BFLOAT16_NAN),
        ("F8_E4M3", FLOAT8_NAN),
    ],
)
def test_nan_and_infinity_are_found_and_named(path, dtype, numbers):
    raw = numbers.tobytes()
    header = {"fine": entry(0, 8), "bad.weight": entry(8, 8 + len(raw), dtype, [2])}
    path.write_bytes(file_of(header, np.array([1, -3e38], "<f4").tobytes() + raw))
    error = refused(lambda: check_finite(path, read_header(path)))
    assert error.code == "E_NONFINITE"
    assert "bad.weight has 1 number" in str(error)


def test_finite_numbers_and_whole_numbers_pass(path):
    largest = {
        "a": np.array([np.finfo("f4").max, -0.0], "f4"),
        "b": np.array([2**31 - 1, -1], "i4"),
        "c": np.zeros(0, "f4"),
    }
    path.write_bytes(save(largest))
    check_finite(path, read_header(path))


def shards(folder, *, index=None, extra=()):
    place = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    for name, file in place.items():
        save_file({name: np.ones(2, np.float32)}, folder / file)
    for name in extra:
        save_file({"c": np.ones(2, np.float32)}, folder / name)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": place if index is None else index}))


def test_shards_are_read_together(tmp_path):
    shards(tmp_path)
    assert set(read_tensors(weight_files(tmp_path))) == {"a", "b"}


FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"


@pytest.mark.parametrize(
    ("index", "extra", "said"),
    [
        ({"a": FIRST, "b": SECOND}, ["model-00003-of-00002.safetensors"], "not in the index"),
        ({"a": FIRST, "b": SECOND}, ["model.safetensors"], "both"),
        ({"a": FIRST, "b": "model-00009-of-00002.safetensors"}, [], "missing"),
        ({"a": FIRST, "b": "../b.safetensors"}, [], "in this folder"),
        ({"a": FIRST, "b": "/b.safetensors"}, [], "in this folder"),
        ({"a": FIRST, "b": "b.bin"}, [], "in this folder"),
        ({"a": FIRST, "b": SECOND, "c": SECOND}, [], "in no shard"),
        ({"a": SECOND, "b": FIRST}, [], "the index says"),
        ({}, [], "weight_map"),
        ([FIRST, SECOND], [], "weight_map"),
        ({"a": FIRST, "b": 3}, [], "weight_map"),
    ],
)
def test_an_index_that_does_not_match_its_shards_is_refused(tmp_path, index, extra, said):
    shards(tmp_path, index=index, extra=extra)
    error = refused(lambda: read_tensors(weight_files(tmp_path)))
    assert error.code == "E_SHARD"
    assert said in str(error)


def test_a_tensor_in_two_shards_is_refused(tmp_path):
    shards(tmp_path)
    save_file({"a": np.ones(2, np.float32), "b": np.ones(2, np.float32)}, tmp_path / SECOND)
    assert refused(lambda: read_tensors(weight_files(tmp_path))).code == "E_DUPTENSOR"


def test_shards_without_an_index_are_refused(tmp_path):
    shards(tmp_path)
    (tmp_path / "model.safetensors.index.json").unlink()
    assert refused(weight_files, tmp_path).code == "E_SHARD"


def test_an_index_that_is_not_json_is_refused(tmp_path):
    (tmp_path / "i.json").write_text("{")
    assert refused(shard_index, tmp_path / "i.json").code == "E_SHARD"


def test_a_folder_without_weights_has_no_weight_files(tmp_path):
    assert weight_files(tmp_path) == []
