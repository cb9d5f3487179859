"""A NumPy archive from a stranger: read array by array, or refused by the array's name."""

import io
import zipfile

import numpy as np
import pytest

from subtrait.auditor.scores.archive import read_archive
from subtrait.data.limits import Limits
from subtrait.errors import InvalidInput

NAMES = ("owl", "cat", "polite")


def arrays(**changes):
    rng = np.random.default_rng(1)
    made = {"system_prompts": np.array(NAMES), "datasets": np.array(["owl", "plain"])}
    for name in made["datasets"]:
        made[f"lls__{name}"] = rng.normal(size=(5, 3)).astype(np.float16)
        made[f"prompt_id__{name}"] = np.arange(5, dtype=np.int32)
    return {name: array for name, array in (made | changes).items() if array is not None}


def packed(save=np.savez, **changes):
    buffer = io.BytesIO()
    save(buffer, **arrays(**changes))
    return buffer.getvalue()


def refusal(data, code="E_SCORES", limits=Limits()):  # noqa: B008
    with pytest.raises(InvalidInput) as caught:
        read_archive(data, "scores.npz", limits)
    assert caught.value.code == code
    return str(caught.value)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_was_written_is_read(save):
    scores = np.array([[1, np.nan, 3]] * 5, dtype=np.float32)
    hypotheses, data = read_archive(packed(save, lls__plain=scores), "scores.npz", Limits())
    assert hypotheses == NAMES
    assert [(each.name, each.carries) for each in data] == [("owl", frozenset({"owl"})), ("plain", frozenset())]
    assert np.array_equal(data[1].scores, scores, equal_nan=True)
    assert np.array_equal(data[0].scores, arrays()["lls__owl"].astype(float))
    assert np.array_equal(data[0].prompts, np.arange(5))
    assert all(each.scores.dtype == np.float64 and each.prompts.dtype == np.int64 for each in data)


@pytest.mark.parametrize(
    ("changes", "array", "said"),
    [
        ({"system_prompts": None}, "system_prompts", "is missing"),
        ({"system_prompts": np.array(NAMES, dtype=object)}, "system_prompts", "allow_pickle=False"),
        ({"system_prompts": np.array([1, 2, 3])}, "system_prompts", "is of type int64; needed are names"),
        ({"system_prompts": np.array([b"a", b"b", b"c"])}, "system_prompts", "is of type |S1; needed are names"),
        ({"system_prompts": np.array(["a", "b", "a"])}, "system_prompts", "one name twice"),
        ({"system_prompts": np.array(["a", " ", "c"])}, "system_prompts", "a blank name"),
        ({"system_prompts": np.array([NAMES])}, "system_prompts", "has shape (1, 3); needed is a list of names"),
        ({"datasets": np.array([], dtype=str)}, "datasets", "has shape (0,)"),
        ({"datasets": np.array(["owl", "fox"])}, "lls__fox", "is missing"),
        ({"prompt_id__plain": None}, "prompt_id__plain", "is missing"),
        ({"prompt_id__plain": np.arange(5.0)}, "prompt_id__plain", "is of type float64; needed are prompt ids"),
        ({"prompt_id__plain": np.arange(4)}, "prompt_id__plain", "4 prompt ids for 5 rows"),
        ({"prompt_id__plain": np.arange(5)[:, None]}, "prompt_id__plain", "has shape (5, 1)"),
        ({"lls__plain": np.zeros((5, 2))}, "lls__plain", "has shape (5, 2); needed is (rows, 3)"),
        ({"lls__plain": np.zeros(5)}, "lls__plain", "has shape (5,)"),
        ({"lls__plain": np.zeros((0, 3))}, "lls__plain", "has shape (0, 3)"),
        ({"lls__plain": np.zeros((5, 3), dtype=object)}, "lls__plain", "Python objects"),
        ({"lls__plain": np.zeros((5, 3), dtype=complex)}, "lls__plain", "is of type complex128; needed are scores"),
        ({"lls__plain": np.zeros((5, 3), dtype=[("a", float)])}, "lls__plain", "needed are scores"),
        ({"lls__plain": np.array([["1"] * 3] * 5)}, "lls__plain", "is of type <U1; needed are scores"),
        ({"lls__plain": np.where(np.eye(5, 3) > 0, -np.inf, 1)}, "lls__plain", "is -inf in row 0, column 0 ('owl')"),
    ],
)
def test_every_bad_array_is_named(changes, array, said):
    message = refusal(packed(**changes))
    assert f"scores.npz array={array}: {array} " in message
    assert said in message


def test_a_pickle_is_never_opened():
    class Opened:
        def __reduce__(self):
            return pytest.fail, ("a pickle was opened",)

    trap = np.array([Opened()] * 15, dtype=object).reshape(5, 3)
    assert "allow_pickle=False" in refusal(packed(lls__plain=trap))


def test_damage_is_found_wherever_it_is():
    whole = packed()
    for data in (b"", b"PK\x03\x04", whole[: len(whole) // 2], whole[:-10], b"x" * 100):
        assert "no readable NumPy archive" in refusal(data)
    place = whole.index(arrays()["lls__owl"].tobytes())
    assert "no readable NumPy archive" in refusal(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])


def test_an_array_that_declares_more_than_it_holds_is_refused_before_memory_is_taken():
    def grown(member):
        return member.replace(b"(5, 3)", b"(5000000000000, 3)", 1).replace(b" " * 13, b" ", 1)

    data = rewritten("lls__plain.npy", grown)
    assert "declares shape (5000000000000, 3) of float16, and holds 30 bytes" in refusal(data)


def rewritten(name, change):
    """The archive with the bytes of one member changed."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed())) as old, zipfile.ZipFile(result, "w") as new:
        for each in old.namelist():
            member = old.read(each)
            if each == name:
                member = change(member)
            new.writestr(each, member)
    return result.getvalue()


def test_an_array_of_an_unknown_version_is_refused():
    assert "is of version (3, 0)" in refusal(rewritten("lls__plain.npy", lambda m: m[:6] + b"\x03\x00" + m[8:]))
    assert "no readable NumPy archive" in refusal(rewritten("lls__plain.npy", lambda m: b"no array"))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_array_that_stands_twice_is_refused():
    buffer = io.BytesIO(packed())
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("lls__owl.npy", b"")
    assert "an array stands twice" in refusal(buffer.getvalue())


def test_a_bomb_is_refused_unopened():
    data = packed(np.savez_compressed, lls__plain=np.zeros((100_000, 3)), prompt_id__plain=np.arange(100_000))
    assert "that become" in refusal(data, "E_BOMB", Limits(expansion=2, expansion_from=1000))


def test_whatever_is_broken_ends_in_one_kind_of_error():
    rng = np.random.default_rng(3)
    whole, codes = packed(), []
    for _ in range(400):
        data = bytearray(whole)
        for place in rng.integers(len(data), size=int(rng.integers(1, 4))):
            data[place] = rng.integers(256)
        try:
            read_archive(bytes(data), "scores.npz", Limits())
        except InvalidInput as error:
            codes.append(error.code)
    assert len(codes) > 200
    assert set(codes) <= {"E_SCORES", "E_BOMB"}


@pytest.mark.parametrize(
    "header", [b"{", b"{'descr': '<f2'}", b"[]", b"'", b"\x00", b"(" * 200, b"{'descr': 3,", b"1 +"]
)
def test_a_header_that_makes_no_sense_is_refused(header):
    def headed(member):
        return member[:10] + header.ljust(len(member) - 10 - 30)[: len(member) - 40] + member[-30:]

    assert "no readable NumPy archive" in refusal(rewritten("lls__plain.npy", headed))
