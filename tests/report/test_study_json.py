import dataclasses
import json
import math
from dataclasses import replace
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import jsonschema
import pytest

from subtrait import study_records
from subtrait.errors import InvalidInput
from subtrait.report import study_json
from subtrait.report.study_json import from_json, json_schema, to_json

SCHEMA = Path(study_json.__file__).with_name("study.schema.json")
STUDIES = SimpleNamespace(**run_path(str(Path(__file__).with_name("studies.py"))))
NAMES = ("digits", "theorem", "bare")


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


@pytest.mark.parametrize("name", NAMES)
def test_schema_accepts_and_reading_returns_what_is_written(name):
    result = getattr(STUDIES, name)()
    jsonschema.Draft202012Validator.check_schema(json_schema())
    jsonschema.validate(json.loads(to_json(result)), json_schema())
    assert from_json(to_json(result), "here") == result


def test_schema_explains_the_fields_and_refuses_others():
    schema = json_schema()
    assert "high" in schema["$defs"]["Estimate"]["properties"]
    assert "headline" in schema["properties"]["conclusion"]["description"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**json.loads(to_json(STUDIES.bare())), "mood": "good"}, schema)


def test_hostile_text_survives_the_round_trip():
    hostile = STUDIES.with_text_everywhere(STUDIES.digits(), STUDIES.HOSTILE.replace("\ud800", ""))
    assert from_json(to_json(hostile), "here") == hostile


def test_every_field_of_every_record_is_written():
    data = json.loads(to_json(STUDIES.digits()))
    written = {
        study_records.StudyResult: data,
        study_records.Measure: data["measures"][0],
        study_records.Estimate: data["measures"][0]["value"],
        study_records.Curve: data["curves"][0],
        study_records.Point: data["curves"][0]["points"][0],
    }
    for record, found in written.items():
        assert list(found) == [field.name for field in dataclasses.fields(record)]


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("measures", 0, "scale"), "furlongs", "measures[0].scale"),
        (("measures", 0, "agreement"), "perhaps", "measures[0].agreement"),
        (("measures", 0, "value", "low"), 0.9, "measures[0].value.low"),
        (("measures", 0, "value", "low"), None, "measures[0].value.low"),
        (("measures", 0, "value", "high"), None, "measures[0].value.high"),
        (("measures", 0, "value", "level"), 95.0, "measures[0].value.level"),
        (("measures", 0, "value", "n"), 0, "measures[0].value.n"),
        (("measures", 5, "value", "value"), 1.2, "measures[5].value.value"),
        (("measures", 1, "bound"), -0.1, "measures[1].bound"),
        (("measures", 0, "bound"), 0.1, "measures[0].bound"),
        (("measures", 1, "target"), 0.1, "measures[1].target"),
        (("measures", 4, "agreement"), "agrees", "measures[4].agreement"),
        (("measures", 0, "agreement"), "not applicable", "measures[0].agreement"),
        (("measures", 0, "applicable"), False, "measures[0].agreement"),
        (("measures", 1, "name"), "auxiliary logits on noise, same start", "measures"),
        (("curves", 1, "name"), "same start", "curves"),
        (("curves", 0, "points", 1, "x"), 1.0, "curves[0].points"),
        (("curves", 1, "scale"), "plain", "curves[1]"),
        (("curves", 2, "x_label"), "something else", "curves[2]"),
        (("curves", 0, "points", 3, "y", "high"), -1.0, "curves[0].points[3].y.low"),
        (("curves", 0, "points", 3, "x"), math.inf, "curves[0].points[3].x"),
        (("seed",), True, "seed"),
        (("mood",), 1, "mood"),
        (("schema_version",), study_json.SCHEMA_VERSION + 1, "schema_version"),
    ],
)  # fmt: skip
def test_error_names_the_file_and_the_field(path, value, named):
    with pytest.raises(InvalidInput) as caught:
        from_json(changed(STUDIES.digits(), path, value), "studies/x/study.json")
    assert caught.value.code == "E_RESULT"
    assert f"field '{named}'" in str(caught.value)
    assert "studies/x/study.json" in str(caught.value)


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(study_records.StudyResult)])
def test_missing_field_is_named_unless_it_has_a_default(field):
    data = json.loads(to_json(STUDIES.digits()))
    del data[field]
    if field in ("varied", "notes"):
        assert getattr(from_json(json.dumps(data), "here"), field) == ()
        return
    with pytest.raises(InvalidInput, match=f"'{field}'"):
        from_json(json.dumps(data), "here")


def test_a_failed_control_is_written_even_where_nothing_was_published():
    result = STUDIES.digits()
    failed = tuple(replace(each, applicable=False, agreement="not applicable") for each in result.measures)
    assert from_json(to_json(replace(result, measures=failed)), "here").measures == failed


def test_curves_of_different_figures_may_be_called_alike():
    result = STUDIES.digits()
    curves = tuple(replace(curve, name="student", figure=f"figure {i}") for i, curve in enumerate(result.curves))
    assert from_json(to_json(replace(result, curves=curves)), "here").curves == curves


def test_an_experiment_is_no_study(result):
    from subtrait.report import as_json

    with pytest.raises(InvalidInput, match="E_RESULT here"):
        from_json(as_json.to_json(result), "here")
