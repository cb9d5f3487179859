import dataclasses
import json
import math
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from subtrait import audit_records
from subtrait.errors import InvalidInput
from subtrait.report import audit_json
from subtrait.report.audit_json import from_json, json_schema, to_json

SCHEMA = Path(audit_json.__file__).with_name("audit.schema.json")
NAMES = ("flagged", "not_flagged", "inconclusive")


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


def test_schema_is_valid_and_accepts_what_is_written(audits):
    jsonschema.Draft202012Validator.check_schema(json_schema())
    for name in NAMES:
        jsonschema.validate(json.loads(to_json(getattr(audits, name)())), json_schema())


def test_reading_returns_what_was_written(audits):
    for name in NAMES:
        result = getattr(audits, name)()
        assert from_json(to_json(result), "here") == result


def test_hostile_text_survives_the_round_trip(audits):
    hostile = audits.with_text_everywhere(audits.not_flagged(), audits.HOSTILE.replace("\ud800", ""))
    hostile = replace(hostile, null=replace(hostile.null, power_by_dilution={"0.5": 0.4}))
    assert from_json(to_json(hostile), "here") == hostile


def test_every_field_of_every_record_is_written(audits):
    data = json.loads(to_json(audits.flagged()))
    written = {
        audit_records.AuditResult: data,
        audit_records.DataRead: data["data"],
        audit_records.Policy: data["policy"],
        audit_records.Reason: data["not_checked"][0],
        audit_records.Evidence: data["evidence"][0],
        audit_records.TraitScore: data["traits"][0],
        audit_records.Look: data["looks"][0],
        audit_records.NullCloud: data["null"],
        audit_records.ReferenceFamily: data["null"]["families"][0],
        audit_records.Estimate: data["null"]["power"],
        audit_records.ForecastRow: data["forecast"][0],
        audit_records.TrialRow: data["trial"][0],
    }
    for record, found in written.items():
        assert list(found) == [field.name for field in dataclasses.fields(record)]


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("outcome",), "PASSED", "outcome"),
        (("evidence", 3, "outcome"), "lost", "evidence[3].outcome"),
        (("evidence", 3, "p"), "0.5", "evidence[3].p"),
        (("traits", 0, "kind"), "spell", "traits[0].kind"),
        (("traits", 0, "mood"), 1, "traits[0].mood"),
        (("null", "maxima", 7), math.nan, "null.maxima[7]"),
        (("null", "power", "level"), None, "null.power.level"),
        (("seed",), True, "seed"),
        (("schema_version",), audit_json.SCHEMA_VERSION + 1, "schema_version"),
        (("data", "read"), 10_241, "data.read"),
        (("reasons",), [], "reasons"),
        (("null", "maxima"), [1.0], "null.maxima"),
        (("policy", "alpha"), 1.5, "policy.alpha"),
        (("alpha_for_traits",), -0.1, "alpha_for_traits"),
        (("looks", 0, "p"), 2.0, "looks[0].p"),
        (("traits", 2, "p"), -1.0, "traits[2].p"),
        (("null", "power_by_dilution", "half"), 0.5, "null.power_by_dilution: the key 'half'"),
        (("null", "power_by_dilution", "1.0"), 1.2, "null.power_by_dilution.1.0"),
    ],
)
def test_error_names_the_file_and_the_field(audits, path, value, named):
    with pytest.raises(InvalidInput) as caught:
        from_json(changed(audits.flagged(), path, value), "audits/x/verdict.json")
    assert caught.value.code == "E_RESULT"
    assert f"'{named}'" in str(caught.value) or f"field '{named}" in str(caught.value)
    assert "audits/x/verdict.json" in str(caught.value)


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(audit_records.AuditResult)])
def test_missing_field_is_named_unless_it_has_a_default(audits, field):
    data = json.loads(to_json(audits.flagged()))
    del data[field]
    if field in ("forecast", "trial", "not_checked"):
        assert getattr(from_json(json.dumps(data), "here"), field) == ()
        return
    with pytest.raises(InvalidInput, match=f"'{field}'"):
        from_json(json.dumps(data), "here")


def test_an_experiment_is_no_audit(result):
    from subtrait.report import as_json

    with pytest.raises(InvalidInput, match="E_RESULT here"):
        from_json(as_json.to_json(result), "here")


def test_no_outcome_but_not_flagged_goes_without_reasons(audits):
    assert from_json(to_json(replace(audits.not_flagged(), reasons=())), "here").reasons == ()
    with pytest.raises(InvalidInput, match="INCONCLUSIVE needs one"):
        from_json(to_json(replace(audits.inconclusive(), reasons=())), "here")
