"""`verdict.json`: what an audit found, for programs, and the schema that every such file keeps."""

import math
from collections.abc import Iterator
from typing import Any

from subtrait.audit_records import AuditResult
from subtrait.report.json_records import RecordFile

SCHEMA_VERSION = 2
"""The only version of `verdict.json` that this release writes and reads."""


def to_json(result: AuditResult) -> str:
    """The result as indented JSON with a newline at its end. Equal results give equal bytes.

    Raises:
        InvalidInput: `E_RESULT` where a number is not finite or a text no Unicode, which JSON cannot hold; says where.
    """
    return _file().write(result)


def from_json(text: str, where: object) -> AuditResult:
    """The result that `text` holds. `where` names its origin in errors, such as the path of the file.

    Raises:
        InvalidInput: `E_RESULT` where the text is not JSON, is of another schema version, or a field is unknown,
            missing, given twice, of the wrong type or at odds with another; names the field.
    """
    return _file().read(text, where)


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `verdict.json`; `audit.schema.json` beside this file is its text."""
    return _file().schema()


def _file() -> RecordFile[AuditResult]:
    return RecordFile(record=AuditResult, version=SCHEMA_VERSION, name="verdict.json", at_odds=_at_odds)


def _at_odds(result: AuditResult) -> Iterator[str]:
    """Whatever a schema cannot say and no audit writes."""
    data, null = result.data, result.null
    if data.read != data.accepted + data.rejected + data.blank:
        yield f"field 'data.read' is {data.read}, and accepted + rejected + blank is another number"
    if result.outcome != "NOT_FLAGGED" and not result.reasons:
        yield f"field 'reasons' is empty, and {result.outcome} needs one"
    if null is not None and len(null.maxima) != null.calibration:
        yield f"field 'null.maxima' has {len(null.maxima)} scores for {null.calibration} calibration references"
    for field, share in _shares(result):
        if not 0.0 <= share <= 1.0:
            yield f"field '{field}' is {share:g}, not between 0 and 1"


def _shares(result: AuditResult) -> Iterator[tuple[str, float]]:
    for field in ("alpha", "dilution", "power", "smallest_shift"):
        yield f"policy.{field}", getattr(result.policy, field)
    yield "alpha_for_traits", result.alpha_for_traits
    for group in ("evidence", "traits", "looks"):
        for index, each in enumerate(getattr(result, group)):
            if each.p is not None:
                yield f"{group}[{index}].p", each.p
    for name, power in (result.null.power_by_dilution if result.null else {}).items():
        yield f"null.power_by_dilution.{name}", power
        yield f"null.power_by_dilution: the key '{name}'", _number(name)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan  # lies between no two numbers
