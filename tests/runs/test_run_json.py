import json

import numpy as np
import pytest

from subtrait.errors import InvalidInput
from subtrait.runs.run_json import as_json, differences, read_run_json, write_run_json
from subtrait.runs.sealed import sealed


@pytest.fixture
def described(tmp_path, toy):
    write_run_json(tmp_path, as_json(toy.CONFIG), {"python": "3.11"})
    return tmp_path


def test_a_run_describes_itself(described):
    found = read_run_json(described)
    assert found["schema_version"] == 1
    assert found["config"]["training"] == {"steps": 300, "rates": [0.1, 0.001]}
    assert found["environment"] == {"python": "3.11"}
    # Of '{"experiment":"toy","seed":1,"training":{"rates":[0.1,0.001],"steps":300},"version":"0.1.0"}' by sha256sum.
    assert found["config_sha256"] == "0e5439f866ced1a360e2d709f75e222353a029051b532dd00a325bc29ad951f6"


def test_the_digest_of_a_configuration_does_not_depend_on_the_order_of_its_keys(tmp_path):
    digests = []
    for config in ({"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1, "b": 3}):
        write_run_json(tmp_path / str(len(digests)), config, {})
        digests.append(read_run_json(tmp_path / str(len(digests)))["config_sha256"])
    assert digests[0] == digests[1] != digests[2]


def test_a_flipped_bit_is_seen(described):
    path = described / "run.json"
    whole, rng = path.read_bytes(), np.random.default_rng(2)
    for place in rng.choice(len(whole) - 1, size=200, replace=False):
        broken = bytearray(whole)
        broken[place] ^= 1 << rng.integers(8)
        path.write_bytes(broken)
        with pytest.raises(InvalidInput, match=r"E_(DIGEST|JSON|VERSION) .*run\.json"):
            read_run_json(described)


def test_a_cut_file_is_seen(described):
    whole = (described / "run.json").read_bytes()
    for length in range(0, len(whole) - 1, 3):
        (described / "run.json").write_bytes(whole[:length])
        with pytest.raises(InvalidInput, match=r"E_JSON .*run\.json"):
            read_run_json(described)


def test_a_newer_run_is_refused_with_advice(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"schema_version": 2, "plan": "unknown to us"}))
    with pytest.raises(
        InvalidInput, match=r"E_VERSION .*schema version 2, this one reads up to 1 \(upgrade subtrait"
    ) as caught:
        read_run_json(tmp_path)
    assert caught.value.exit_code == 4


def test_a_folder_without_description_is_no_run(tmp_path):
    with pytest.raises(InvalidInput, match=r"E_PATH .*not a run folder: it holds no run\.json"):
        read_run_json(tmp_path)


def test_a_description_without_configuration_is_refused(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(sealed({"schema_version": 1})))
    with pytest.raises(InvalidInput, match=r"E_DIGEST .*it has no 'config'"):
        read_run_json(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"seed": 1}, {"seed": 2}, ["seed: 1 -> 2"]),
        ({"a": {"b": {"c": "x"}}}, {"a": {"b": {"c": "y"}}}, ['a.b.c: "x" -> "y"']),
        ({"a": 1}, {}, ["a: 1 -> absent"]),
        ({}, {"a": None}, ["a: absent -> null"]),
        ({"a": {}}, {"a": {"b": 1}}, ["a: {} -> absent", "a.b: absent -> 1"]),
        ({"a": 1}, {"a": True}, ["a: 1 -> true"]),
        ({"a": 1}, {"a": 1.0}, ["a: 1 -> 1.0"]),
        ({"a": [1, 2]}, {"a": [2, 1]}, ["a: [1,2] -> [2,1]"]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
        ({"a": "x"}, {"a": "\x1b[31m\n"}, [r'a: "x" -> "\u001b[31m\n"']),
    ],
)
def test_changes_are_told_key_by_key(old, new, expected):
    assert differences(old, new) == expected


def test_a_configuration_that_is_not_json_is_refused():
    with pytest.raises(TypeError):
        as_json({"a": object()})
    with pytest.raises(ValueError, match="JSON"):
        as_json({"a": float("nan")})
