import dataclasses
import json
import math
from pathlib import Path

import jsonschema
import pytest

from subtrait import records
from subtrait.errors import InvalidInput
from subtrait.report import as_json
from subtrait.report.as_json import from_json, json_schema, to_json

SCHEMA = Path(as_json.__file__).with_name("experiment.schema.json")
HOSTILE = '<script>\x00\x1b[31m\u202e\U000e0041\u2028\n"\\ é 🦉'


def changed(result, path, value):
    """The result's JSON with one value put in; a path ending in a new name adds a field."""
    data = json.loads(to_json(result))
    *steps, last = path
    place = data
    for step in steps:
        place = place[step]
    place[last] = value
    return json.dumps(data)


def test_published_schema_is_the_one_the_code_keeps():
    # On failure, after a deliberate change of records: write this text to the file and raise SCHEMA_VERSION.
    assert SCHEMA.read_text(encoding="utf-8") == json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def test_schema_is_valid_and_accepts_what_is_written(result, single):
    jsonschema.Draft202012Validator.check_schema(json_schema())
    for record in (result, single):
        jsonschema.validate(json.loads(to_json(record)), json_schema())


@pytest.mark.parametrize(
    ("path", "value"),
    [(("seed",), "0"), (("extra",), 1), (("arms", 0, "students", 0, "spare"), 1), (("schema_version",), 2)],
)
def test_schema_and_reader_refuse_the_same_files(result, path, value):
    text = changed(result, path, value)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(text), json_schema())
    with pytest.raises(InvalidInput):
        from_json(text, "result.json")


def test_schema_says_what_each_field_means_where_the_records_do():
    student = json_schema()["$defs"]["StudentRecord"]["properties"]
    assert student["final_loss"]["description"].startswith("Mean training loss, nats per completion token")
    assert json_schema()["properties"]["fingerprints"]["description"] == "Digest of each model used, by name."


def test_reading_returns_what_was_written(result, single):
    assert from_json(to_json(result), "here") == result
    assert from_json(to_json(single), "here") == single


def test_hostile_text_survives_the_round_trip(result):
    hostile = dataclasses.replace(result, trait=HOSTILE, notes=(HOSTILE,), fingerprints={HOSTILE: HOSTILE})
    assert from_json(to_json(hostile), "here") == hostile


def test_equal_results_give_equal_bytes(make_result):
    assert to_json(make_result()).encode() == to_json(make_result()).encode()
    assert to_json(make_result()).endswith("}\n")


def test_every_field_of_every_record_is_written(result):
    data = json.loads(to_json(result))
    student, dataset = data["arms"][0]["students"][0], data["datasets"][0]
    written = {
        records.ExperimentResult: data,
        records.ArmRecord: data["arms"][0],
        records.StudentRecord: student,
        records.Estimate: data["arms"][0]["rate"],
        records.Comparison: data["comparisons"][0],
        records.PermutationTest: data["comparisons"][0]["test"],
        records.TeacherRecord: data["teachers"][0],
        records.DatasetRecord: dataset,
        records.Example: dataset["examples"][0],
    }
    for record, found in written.items():
        assert list(found) == [field.name for field in dataclasses.fields(record)]


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("arms", 2, "students", 1, "trait_rate"), "high", "arms[2].students[1].trait_rate"),
        (("arms", 2, "students", 1, "trait_rate"), "0.5", "arms[2].students[1].trait_rate"),
        (("datasets", 0, "source"), "stolen", "datasets[0].source"),
        (("datasets", 1, "rejected_examples", 0, 0, "prompt"), 3, "datasets[1].rejected_examples[0][0].prompt"),
        (("arms", 0, "students", 0, "mood"), 1, "arms[0].students[0].mood"),
        (("seed",), True, "seed"),
        (("schema_version",), 2, "schema_version"),
        (("teachers", 0, "base_rate"), math.nan, "teachers[0].base_rate"),
        (("teachers", 0, "base_rate"), math.inf, "teachers[0].base_rate"),
        (("arms", 1, "students", 0, "question_rates"), [0.5], "arms[1]"),
        (("questions",), [], "untouched[0]"),
    ],
)
def test_error_names_the_file_and_the_field(result, path, value, named):
    with pytest.raises(InvalidInput) as caught:
        from_json(changed(result, path, value), "runs/owl/result.json")
    assert caught.value.code == "E_RESULT"
    assert f"'{named}'" in str(caught.value)
    assert "runs/owl/result.json" in str(caught.value)


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(records.ExperimentResult)])
def test_missing_field_is_named_unless_it_has_a_default(result, field):
    data = json.loads(to_json(result))
    del data[field]
    if field == "notes":
        assert from_json(json.dumps(data), "here").notes == ()
        return
    with pytest.raises(InvalidInput, match=f"'{field}'"):
        from_json(json.dumps(data), "here")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, '{"schema_version": 1, "arms": ' + "[" * 900])
def test_text_that_is_no_result_is_refused(text):
    with pytest.raises(InvalidInput, match="E_RESULT here"):
        from_json(text, "here")


def test_number_that_json_cannot_hold_is_refused_by_name(result):
    arm = result.arms[0]
    diverged = dataclasses.replace(arm.students[0], final_loss=math.nan)
    broken = dataclasses.replace(
        result, arms=(dataclasses.replace(arm, students=(diverged, *arm.students[1:])), *result.arms[1:])
    )
    with pytest.raises(InvalidInput, match=r"arms\[0\]\.students\[0\]\.final_loss"):
        to_json(broken)
