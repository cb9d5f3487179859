"""`result.json`: an experiment's result for programs, and the schema that every such file keeps."""

import ast
import inspect
import json
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from subtrait import records
from subtrait.errors import InvalidInput
from subtrait.records import ExperimentResult

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

SCHEMA_VERSION = 1
"""The only version of `result.json` that this release writes and reads."""

Steps = tuple[str | int, ...]
"""Where a value stands inside a document: keys and indices, from the outside in."""


def to_json(result: ExperimentResult) -> str:
    """The result as indented JSON with a newline at its end. Equal results give equal bytes.

    Raises:
        InvalidInput: `E_RESULT` where a number is not finite, which JSON cannot hold; names the field.
    """
    data = _adapter().dump_python(result, mode="json")
    _require_finite(data, "the result to be written")
    return json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def from_json(text: str, where: object) -> ExperimentResult:
    """The result that `text` holds. `where` names its origin in errors, such as the path of the file.

    Raises:
        InvalidInput: `E_RESULT` where the text is not JSON, is of another schema version, or a field is unknown,
            missing or of the wrong type; names the field.
    """
    from pydantic import ValidationError

    data = _parsed(text, where)
    _require_version(data, where)
    _require_finite(data, where)
    try:
        result = _adapter().validate_json(text, strict=True)
    except ValidationError as error:
        raise InvalidInput("E_RESULT", where, _first(error)) from None
    _require_known(data, _adapter().dump_python(result, mode="json"), where)
    _require_questions(result, where)
    return result


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `result.json`; `experiment.schema.json` beside this file is its text."""
    schema = _adapter().json_schema()
    definitions: dict[str, Any] = schema["$defs"]
    for name, definition in ((schema["title"], schema), *definitions.items()):
        definition["additionalProperties"] = False
        for field, meaning in _meanings(getattr(records, name)).items():
            definition["properties"][field]["description"] = meaning
    schema["properties"]["schema_version"]["const"] = SCHEMA_VERSION
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _adapter() -> "TypeAdapter[ExperimentResult]":
    from pydantic import TypeAdapter

    return TypeAdapter(ExperimentResult)


def _parsed(text: str, where: object) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("E_RESULT", where, f"not JSON: {error}") from None


def _require_version(data: object, where: object) -> None:
    if not isinstance(data, dict) or "schema_version" not in data:
        raise InvalidInput("E_RESULT", where, "field 'schema_version' is missing", hint="is this a result.json?")
    if data["schema_version"] != SCHEMA_VERSION:
        found = f"field 'schema_version' is {data['schema_version']!r}, and only {SCHEMA_VERSION} can be read"
        raise InvalidInput("E_RESULT", where, found, hint="read it with the version of subtrait that wrote it")


def _require_finite(data: object, where: object) -> None:
    for path, value in _walk(data):
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidInput("E_RESULT", where, f"field '{_field(path)}' is {value}, not a finite number")


def _require_known(data: object, understood: object, where: object) -> None:
    known = {path for path, _ in _walk(understood)}
    unknown = next((path for path, _ in _walk(data) if path not in known), None)
    if unknown is not None:
        raise InvalidInput("E_RESULT", where, f"field '{_field(unknown)}' is unknown", hint="see json_schema()")


def _require_questions(result: ExperimentResult, where: object) -> None:
    for kind in ("untouched", "arms"):
        for index, record in enumerate(getattr(result, kind)):
            for student in record.students:
                if {len(student.question_rates), len(student.exact_question_rates)} != {len(result.questions)}:
                    what = f"field '{kind}[{index}]': student {student.student} needs one rate for each question"
                    raise InvalidInput("E_RESULT", where, what)


def _first(error: "ValidationError") -> str:
    first, *others = error.errors(include_url=False)
    more = f"; and {len(others)} more" if others else ""
    got = "" if first["type"] == "missing" else f", got {first['input']!r:.60}"
    return f"field '{_field(first['loc'])}': {first['msg']}{got}{more}"


def _field(path: Steps) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def _walk(value: object) -> Iterator[tuple[Steps, object]]:
    # A stack of our own: a hostile file may nest deeper than Python recurses.
    waiting: list[tuple[Steps, object]] = [((), value)]
    while waiting:
        path, node = waiting.pop()
        yield path, node
        steps: Any = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        waiting.extend(((*path, step), child) for step, child in reversed(list(steps)))


def _meanings(record: type) -> dict[str, str]:
    """The docstring under each field: Python keeps none of them, so they are read from the source."""
    definition = cast("ast.ClassDef", ast.parse(inspect.getsource(record)).body[0])
    meanings = {}
    for field, below in zip(definition.body, definition.body[1:], strict=False):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(meaning))):
                meanings[name] = inspect.cleandoc(meaning)
    return meanings
