import json
import re
from dataclasses import replace

import jsonschema
import pytest

from subtrait.report.sarif import MOST, to_sarif

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
LOCATION = {
    "type": "object",
    "required": ["physicalLocation"],
    "properties": {
        "physicalLocation": {
            "required": ["artifactLocation", "region"],
            "properties": {
                "artifactLocation": {
                    "required": ["uri"],
                    "properties": {"uri": {"pattern": r"^(file:///)?[A-Za-z0-9._~%/-]+$"}},
                },
                "region": {"required": ["startLine"], "properties": {"startLine": {"type": "integer", "minimum": 1}}},
            },
        }
    },
}
RESULT = {
    "type": "object",
    "required": ["ruleId", "level", "message", "locations", "partialFingerprints"],
    "properties": {
        "level": LEVEL,
        "message": TEXT,
        "locations": {"type": "array", "minItems": 1, "items": LOCATION},
        "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
RULE = {
    "type": "object",
    "required": ["id", "shortDescription", "help"],
    "properties": {"id": {"type": "string"}, "shortDescription": TEXT, "fullDescription": TEXT, "help": TEXT},
}
ESSENTIAL = {
    "type": "object",
    "required": ["$schema", "version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {
                "required": ["tool", "results", "invocations", "artifacts"],
                "properties": {
                    "tool": {
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "required": ["name", "rules"],
                                "properties": {"rules": {"type": "array", "items": RULE, "uniqueItems": True}},
                            }
                        },
                    },
                    "results": {"type": "array", "items": RESULT, "maxItems": 1000},
                    "invocations": {"items": {"required": ["executionSuccessful", "exitCode"]}, "minItems": 1},
                },
            },
        },
    },
}
"""The parts of the OASIS schema of SARIF 2.1.0, and of what code scanning asks beyond it, that we rely on."""


def read(result):
    log = json.loads(to_sarif(result))
    jsonschema.validate(log, ESSENTIAL)
    return log["runs"][0]


@pytest.mark.parametrize(
    ("name", "level", "code"), [("flagged", "error", 1), ("not_flagged", "note", 0), ("inconclusive", "warning", 3)]
)
def test_level_and_exit_code_are_those_of_the_outcome(audits, name, level, code):
    result = getattr(audits, name)()
    run = read(result)
    reasons = {reason.code for reason in result.reasons}
    assert {found["level"] for found in run["results"] if found["ruleId"] in reasons} == {level}
    assert reasons <= {found["ruleId"] for found in run["results"]}
    assert run["invocations"][0]["exitCode"] == code


@pytest.mark.parametrize("name", ["flagged", "not_flagged", "inconclusive", "hostile"])
def test_every_result_has_its_rule_and_every_rule_its_own_name(audits, name):
    run = read(getattr(audits, name)())
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))
    assert {found["ruleId"] for found in run["results"]} <= set(rules)


def test_every_question_is_a_rule_and_only_what_was_found_a_result(audits):
    result = audits.flagged()
    run = read(result)
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert {f"question/{each.question}" for each in result.evidence} <= rules
    found = {each["ruleId"]: each["level"] for each in run["results"] if each["ruleId"].startswith("question/")}
    assert found == {
        "question/origin": "note",
        "question/lineage": "note",
        "question/traits": "error",
        "question/forecast": "note",
        "question/trial": "error",
    }


def test_what_was_not_found_or_checked_is_told_apart(audits):
    run = read(audits.not_flagged())
    notes = [note["message"]["text"] for note in run["invocations"][0]["toolExecutionNotifications"]]
    assert any("NO_TRIAL" in note for note in notes)
    assert any("question/forecast: underpowered" in note for note in notes)
    assert any("question/traits: not found" in note for note in notes)
    assert [each["ruleId"] for each in run["results"]] == ["NOTHING_FOUND"]


def test_not_flagged_says_what_would_have_been_found(audits):
    (found,) = read(audits.not_flagged())["results"]
    assert "95.0 % would have been flagged" in found["message"]["text"]
    assert "No alarm is not the absence of a trait" in found["message"]["text"]


def test_results_point_at_the_data_and_carry_its_digest(audits):
    run = read(audits.flagged())
    digest = audits.flagged().data.digest
    assert run["artifacts"][0]["hashes"] == {"sha-256": digest}
    for found in run["results"]:
        assert found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "data/numbers.jsonl"
        assert found["partialFingerprints"]["datasetDigest/v1"] == f"{digest}:{found['ruleId']}"


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("a b/ü.jsonl", "a%20b/%C3%BC.jsonl"),
        ("/data/x.jsonl", "file:///data/x.jsonl"),
        ("javascript:alert(1)", "javascript%3Aalert%281%29"),
        ("a\\b.jsonl", "a/b.jsonl"),
        ("\udc80.jsonl", "%ED%B2%80.jsonl"),
    ],
)
def test_any_path_is_a_uri(audits, path, uri):
    run = read(replace(audits.flagged(), data=audits.data(path=path)))
    assert run["artifacts"][0]["location"]["uri"] == uri


def test_hostile_text_is_no_link_no_placeholder_and_no_control(audits):
    text = to_sarif(audits.hostile())
    read(audits.hostile())
    assert text.isascii()
    for message in re.findall(r'"text": (".*")', text):
        said = json.loads(message)
        assert "](" not in said
        assert not re.search(r"(?<!\{)\{\d+\}(?!\})", said)
        assert not {"\x00", "\x1b", "\u202e", "\U000e0041", "\ud800"} & set(said)


def test_an_outcome_without_reasons_still_has_a_result(audits):
    run = read(replace(audits.not_flagged(), reasons=()))
    assert [found["ruleId"] for found in run["results"]] == ["NOT_FLAGGED"]


def test_no_more_results_than_readers_take(audits):
    many = replace(audits.flagged(), reasons=audits.flagged().reasons * 3000)
    assert len(read(many)["results"]) == MOST
