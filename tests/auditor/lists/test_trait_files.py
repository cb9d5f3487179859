"""Trait files are read field by field, and every mistake is located: file, line, entry and field."""

import copy
import json
import re

import jsonschema
import pytest
import yaml

from subtrait.auditor.lists.trait_files import problem, read_entries, traits_schema
from subtrait.auditor.lists.trait_lists import LISTS
from subtrait.data.strict_yaml import parse_yaml
from subtrait.errors import InvalidInput

GOOD = {
    "schema_version": 1,
    "name": "mine",
    "templates": {"bird": {"category": "bird", "questions": ["Which {names}?"], "choices": "names"}},
    "traits": [
        {"name": "owl", "template": "bird", "slots": {"names": "owls"}},
        {"name": "flattery", "kind": "negated", "questions": ["Am I good?"], "choices": ["yes", "no"]},
    ],
}
WRONG = [
    (("name",), 7, "name", "Input should be a valid string, got 7"),
    (("traits", 1, "name"), True, "traits[1].name", "entry=2"),
    (("traits", 0, "colour"), "grey", "traits[0].colour", "is no field"),
    (("traits", 1, "kind"), "evil", "traits[1].kind", "entry='flattery'"),
    (("traits", 1, "questions"), "Am I?", "traits[1].questions", "valid tuple"),
    (("traits", 1, "questions"), ["a", 3], "traits[1].questions[1]", "valid string, got 3"),
    (("traits", 1, "choices"), "all", "traits[1].choices", "'names'"),
    (("traits", 1, "choices"), ["yes", False], "traits[1].choices[1]", "put texts such as no"),
    (("traits", 0, "slots"), {"names": 1}, "traits[0].slots.names", "valid string"),
    (("traits",), {}, "traits", "valid tuple"),
    (("traits", 0), "owl", "traits[0]", "entry=1"),
    (("templates", "bird", "category"), [], "templates.bird.category", "template='bird'"),
    (("templates", "bird", "name"), "x", "templates.bird.name", "is no field"),
    (("rest",), 1, "rest", "is no field"),
]


def changed(path, value):
    data = copy.deepcopy(GOOD)
    place = data
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return data


def read(data, tmp_path):
    return read_entries(parse_yaml(yaml.safe_dump(data, sort_keys=False), tmp_path / "mine.yaml", "E_TRAITS"))


def refusal(data, tmp_path):
    with pytest.raises(InvalidInput) as caught:
        read(data, tmp_path)
    assert caught.value.code == "E_TRAITS"
    return str(caught.value)


def test_what_is_said_is_read(tmp_path):
    found = read(GOOD, tmp_path)
    assert (found.name, found.templates["bird"].choices, found.traits[0].slots) == ("mine", "names", {"names": "owls"})
    assert found.traits[1].questions == ("Am I good?",)
    assert (found.traits[0].questions, found.traits[1].template) == (None, None)


@pytest.mark.parametrize(("path", "value", "field", "said"), WRONG)
def test_every_mistake_is_located(path, value, field, said, tmp_path):
    message = refusal(changed(path, value), tmp_path)
    assert f"mine.yaml:{line_of(changed(path, value), field)} " in message
    assert f"field={field}:" in message
    assert said in message


def line_of(data, field):
    """The line of a field in the text that `read` makes, found by another way than the code's."""
    marked = copy.deepcopy(data)
    *steps, last = [int(step) if step.isdigit() else step for step in re.findall(r"\w+", field)]
    place = marked
    for step in steps:
        place = place[step]
    place[last] = "MARK"
    lines = yaml.safe_dump(marked, sort_keys=False).splitlines()
    return 1 + next(number for number, line in enumerate(lines) if "MARK" in line)


@pytest.mark.parametrize("path", [("schema_version",), ("name",), ("traits",), ("traits", 0, "name")])
def test_what_is_missing_is_named(path, tmp_path):
    data = copy.deepcopy(GOOD)
    place = data
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    assert f"{path[-1]}: is missing" in refusal(data, tmp_path)


@pytest.mark.parametrize("value", [0, 2])
def test_another_version_is_refused(value, tmp_path):
    assert f"field=schema_version: {value}, and only 1" in refusal(changed(("schema_version",), value), tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "7", "null", "owl"])
def test_a_document_that_is_no_mapping_is_refused(text, tmp_path):
    with pytest.raises(InvalidInput, match=r"field=\(whole file\)"):
        read_entries(parse_yaml(text, tmp_path / "mine.yaml", "E_TRAITS"))


def test_hostile_names_are_shown_as_escapes(tmp_path):
    message = refusal(changed(("traits", 1), {"name": "\x85red\u202e", "kind": "x", "questions": []}), tmp_path)
    assert "\u202e" not in message
    assert "\\x85red\\u202e" in message


def test_a_problem_is_located_by_hand_too(tmp_path):
    document = parse_yaml(yaml.safe_dump(GOOD, sort_keys=False), tmp_path / "mine.yaml", "E_TRAITS")
    error = problem(document, ("traits", 1, "questions"), "is odd", hint="mend it")
    assert str(error).endswith("entry='flattery' field=traits[1].questions: is odd (mend it)")


def test_published_schema_is_the_one_the_code_keeps():
    # On failure, after a deliberate change of the records: write this text to the file.
    text = json.dumps(traits_schema(), indent=2, ensure_ascii=False) + "\n"
    assert (LISTS / "traits.schema.json").read_text(encoding="utf-8") == text


def test_schema_accepts_the_shipped_list_and_explains_its_fields():
    jsonschema.Draft202012Validator.check_schema(traits_schema())
    jsonschema.validate(yaml.safe_load((LISTS / "general.yaml").read_text(encoding="utf-8")), traits_schema())
    for record in ("Entry", "Template"):
        fields = traits_schema()["$defs"][record]["properties"]
        assert [name for name, field in fields.items() if "description" not in field] == []


@pytest.mark.parametrize(("path", "value", "field", "said"), WRONG)
def test_schema_and_reader_refuse_the_same_files(path, value, field, said):
    jsonschema.validate(GOOD, traits_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(changed(path, value), traits_schema())
