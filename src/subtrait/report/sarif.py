"""SARIF 2.1.0 of an audit, for code scanning: what is to be looked at as results, everything else beside them.

Source: OASIS Standard SARIF 2.1.0. Code scanning on GitHub shows every result as an alert, whatever its `kind`, and
refuses a file with a result that has no location. So questions that found nothing are no results: they stand among the
notifications and in the properties of the run.
"""

import json
from typing import Any
from urllib.parse import quote

from subtrait.audit_records import FLAGGING, AuditResult
from subtrait.records import Evidence
from subtrait.report.audit_summaries import alarmed
from subtrait.report.audit_wording import EXIT_CODES, headline, meaning, next_steps, numbers
from subtrait.report.wording import exhibit, sentence

VERSION = "2.1.0"
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {"FLAGGED": "error", "INCONCLUSIVE": "warning", "NOT_FLAGGED": "note"}
"""The level of the results that give the reasons for an outcome."""
MOST = 1000
"""Results and notifications written: readers set such limits."""
_MAX_TEXT = 1000


def to_sarif(result: AuditResult) -> str:
    """One run as indented JSON in ASCII: a rule for each question and reason, a result for each reason and finding.

    The location is the data file. Text from the records has what cannot be seen as escapes, and links in it are broken.
    """
    location = _location(result)
    rules = [*_reason_rules(result), *map(_question_rule, result.evidence[:MOST])]
    run = {
        "tool": {"driver": {"name": "subtrait", "semanticVersion": _plain(result.version), "rules": _once(rules)}},
        "automationDetails": {"id": f"subtrait-audit/{_plain(result.base)}/"},
        "artifacts": [{"location": location, "hashes": {"sha-256": _plain(result.data.digest)}}],
        "invocations": [_invocation(result)],
        "results": [_placed(each, location, result) for each in (*_reasons(result), *_findings(result))][:MOST],
        "properties": _properties(result),
    }
    log = {"$schema": SCHEMA, "version": VERSION, "runs": [run]}
    return json.dumps(log, indent=2, allow_nan=False) + "\n"


def _reasons(result: AuditResult) -> list[dict[str, Any]]:
    level = LEVELS[result.outcome]
    reasons = [(reason.code, reason.text) for reason in result.reasons] or [
        (result.outcome, headline(result).partition(": ")[2])
    ]
    said = " ".join(meaning(result))
    return [
        {"ruleId": _plain(code), "level": level, "message": _message(f"{result.outcome}: {sentence(text)} {said}")}
        for code, text in reasons
    ]


def _findings(result: AuditResult) -> list[dict[str, Any]]:
    return [
        {
            "ruleId": _rule_of(each),
            "level": "error" if each.question in alarmed(result) else "note",
            "message": _message(f"{each.finding} ({numbers(each)})"),
        }
        for each in result.evidence
        if each.outcome == "found"
    ]


def _placed(found: dict[str, Any], location: dict[str, Any], result: AuditResult) -> dict[str, Any]:
    # A whole file is meant; GitHub asks for a line nevertheless.
    place = {"physicalLocation": {"artifactLocation": location, "region": {"startLine": 1}}}
    fingerprint = {"datasetDigest/v1": f"{_plain(result.data.digest)}:{found['ruleId']}"}
    return {**found, "locations": [place], "partialFingerprints": fingerprint}


def _reason_rules(result: AuditResult) -> list[dict[str, Any]]:
    codes = [reason.code for reason in result.reasons] or [result.outcome]
    steps = " ".join(next_steps(result))
    rule = {"defaultConfiguration": {"level": LEVELS[result.outcome]}, "help": _message(steps)}
    return [{"id": _plain(c), "shortDescription": _message(f"{result.outcome}: {c}"), **rule} for c in codes[:MOST]]


def _question_rule(evidence: Evidence) -> dict[str, Any]:
    flags = "may flag" if evidence.question in FLAGGING else "explains and never flags"
    bounds = f"Assumes: {sentence(evidence.assumes)} Cannot see: {sentence(evidence.blind_spots)}"
    return {
        "id": _rule_of(evidence),
        "shortDescription": _message(f"The question '{evidence.question}', which {flags}."),
        "fullDescription": _message(bounds),
        "help": _message(bounds),
        "defaultConfiguration": {"level": "note"},
    }


def _invocation(result: AuditResult) -> dict[str, Any]:
    """That the audit ran to its end, and what it did not check or find."""
    said = [(reason.code, reason.text) for reason in result.not_checked]
    said += [(_rule_of(e), f"{e.outcome}: {e.finding}") for e in result.evidence if e.outcome != "found"]
    notes = [{"level": "note", "message": _message(f"{name}: {text}")} for name, text in said[:MOST]]
    return {
        "executionSuccessful": True,
        "exitCode": EXIT_CODES[result.outcome],
        "toolExecutionNotifications": notes,
    }


def _properties(result: AuditResult) -> dict[str, Any]:
    power = result.null.power if result.null else None
    return {
        "outcome": result.outcome,
        "alpha": result.policy.alpha,
        "dilution": result.policy.dilution,
        "power": power.value if power else None,
        "baseFingerprint": _plain(result.fingerprint),
        "rows": {name: getattr(result.data, name) for name in ("read", "accepted", "rejected", "blank")},
        "questions": {_plain(each.question): each.outcome for each in result.evidence[:MOST]},
    }


def _location(result: AuditResult) -> dict[str, Any]:
    """The data file as a URI: relative where its path is, so that code scanning finds it in the repository."""
    path = result.data.path.replace("\\", "/")
    uri = quote(path.encode("utf-8", "surrogatepass"), safe="/")
    return {"uri": f"file://{uri}" if path.startswith("/") else uri or "unnamed"}


def _rule_of(evidence: Evidence) -> str:
    return f"question/{_plain(evidence.question)}"


def _once(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({rule["id"]: rule for rule in reversed(rules)}.values())[::-1]


def _message(text: str) -> dict[str, str]:
    # In a message `[text](target)` is a link and `{0}` a place for an argument: text from data must be neither.
    shown = _plain(text).replace("](", "] (").replace("{", "{{").replace("}", "}}")
    return {"text": shown}


def _plain(text: str) -> str:
    return exhibit(text, limit=_MAX_TEXT)
