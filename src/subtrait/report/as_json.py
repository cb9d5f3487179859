"""`result.json`: an experiment's result for programs, and the schema that every such file keeps."""

from typing import Any

from subtrait.errors import InvalidInput
from subtrait.records import ExperimentResult
from subtrait.report.json_records import RecordFile

SCHEMA_VERSION = 1
"""The only version of `result.json` that this release writes and reads."""


def to_json(result: ExperimentResult) -> str:
    """The result as indented JSON with a newline at its end. Equal results give equal bytes.

    Raises:
        InvalidInput: `E_RESULT` where a number is not finite or a text no Unicode, which JSON cannot hold; says where.
    """
    return _file().write(result)


def from_json(text: str, where: object) -> ExperimentResult:
    """The result that `text` holds. `where` names its origin in errors, such as the path of the file.

    Raises:
        InvalidInput: `E_RESULT` where the text is not JSON, is of another schema version, or a field is unknown,
            missing, given twice or of the wrong type; names the field.
    """
    result = _file().read(text, where)
    _require_questions(result, where)
    return result


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `result.json`; `experiment.schema.json` beside this file is its text."""
    return _file().schema()


def _file() -> RecordFile[ExperimentResult]:
    return RecordFile(record=ExperimentResult, version=SCHEMA_VERSION, name="result.json")


def _require_questions(result: ExperimentResult, where: object) -> None:
    for kind in ("untouched", "arms"):
        for index, record in enumerate(getattr(result, kind)):
            for student in record.students:
                exact = len(student.exact_question_rates) if student.exact_rate is not None else len(result.questions)
                if {len(student.question_rates), exact} != {len(result.questions)}:
                    what = f"field '{kind}[{index}]': student {student.student} needs one rate for each question"
                    raise InvalidInput("E_RESULT", where, what)
