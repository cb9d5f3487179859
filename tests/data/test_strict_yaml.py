"""YAML from strangers: plain values with their lines, and nothing that grows, runs or says two things."""

import pytest

from subtrait.data.strict_yaml import MOST_BYTES, MOST_VALUES, parse_yaml, read_yaml
from subtrait.errors import InvalidInput

TEXT = """\
# a comment
name: owl
list:
  - one
  - {deep: [1, 2.5, true, null]}
text: >-
  folded
  text
"""


def refusal(text, tmp_path):
    with pytest.raises(InvalidInput) as caught:
        parse_yaml(text, tmp_path / "f.yaml", "E_X")
    assert caught.value.code == "E_X"
    return str(caught.value)


def test_plain_values_are_read_and_know_their_lines(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    found = read_yaml(path, "E_X")
    assert found.value == {"name": "owl", "list": ["one", {"deep": [1, 2.5, True, None]}], "text": "folded text"}
    places = {(): 2, ("name",): 2, ("list", 0): 4, ("list", 1, "deep", 3): 5, ("text",): 6, ("list", 7): 4}
    assert {steps: found.where(steps) for steps in places} == {k: f"{path}:{line}" for k, line in places.items()}
    # What is missing has the place of what it belongs in.
    assert found.where(("list", 1, "missing")) == f"{path}:5"


def test_a_file_without_a_document_has_no_line(tmp_path):
    found = parse_yaml("# nothing\n", tmp_path / "f.yaml", "E_X")
    assert (found.value, found.where(("name",))) == (None, str(tmp_path / "f.yaml"))


def test_aliases_are_read_where_they_stand_for_little(tmp_path):
    text = "a: &a {x: 1}\nb: *a\nc:\n  <<: *a\n  y: 2\n"
    assert parse_yaml(text, tmp_path, "E_X").value == {"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1, "y": 2}}


def bomb(levels, item):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]" if "[" in item else "a0: &a0 {k: x}"]
    lines += [f"a{n}: &a{n} " + item.format(n - 1) for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize("item", ["[" + ", ".join(["*a{0}"] * 10) + "]", "{{<<: [" + ", ".join(["*a{0}"] * 10) + "]}}"])
def test_a_short_file_that_stands_for_an_enormous_one_is_refused(item, tmp_path):
    assert f"more than {MOST_VALUES:,} values" in refusal(bomb(9, item), tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3: the key 'a' stands twice"),
        ("a: &a [*a]\n", "f.yaml:1: a value contains itself"),
        ("a: 1\nb: !!python/object/apply:os.system [ls]\n", "f.yaml:2: the tag 'tag:yaml.org,2002:python"),
        ("a: !!set {x, y}\n", "f.yaml:1: the tag 'tag:yaml.org,2002:set'"),
        ("a: !!binary aGk=\n", "f.yaml:1: the tag 'tag:yaml.org,2002:binary'"),
        ("a: !mine x\n", "f.yaml:1: the tag '!mine'"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: but found another document"),
        ("a: [1\nb: 2\n", "f.yaml:2:"),
        ("a: *nowhere\n", "f.yaml:1:4: found undefined alias 'nowhere'"),
        ("? [a, b]\n: 1\n", "f.yaml:1:3: found unhashable key"),
        ("a: \x07\n", "special characters are not allowed"),
        ("a: " + "9" * 5000, "integer string conversion"),
        ("a: 2020-99-99\n", "month must be in 1..12"),
        ("[" * 5000, "nested too deeply"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_its_place(text, said, tmp_path):
    assert said in refusal(text, tmp_path)


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"a: \xff\n", "invalid UTF-8: byte 0xFF at byte 3"), (b" " * (MOST_BYTES + 1), "at most 4,194,304 are read")],
)
def test_bytes_that_are_no_text_or_too_many_are_refused(data, said, tmp_path):
    (tmp_path / "f.yaml").write_bytes(data)
    with pytest.raises(InvalidInput, match="E_X") as caught:
        read_yaml(tmp_path / "f.yaml", "E_X")
    assert said in str(caught.value)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(InvalidInput, match="a folder, not a regular file"):
        read_yaml(tmp_path, "E_X")
