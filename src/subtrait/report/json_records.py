"""Records to JSON and strictly back, with the schema that every such file keeps: the same for every kind of result."""

import ast
import inspect
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from subtrait.errors import InvalidInput

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

Record = TypeVar("Record")
Steps = tuple[str | int, ...]
"""Where a value stands inside a document: keys and indices, from the outside in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFile(Generic[Record]):
    """A kind of JSON file that holds one record with a field `schema_version`."""

    record: type[Record]
    version: int
    """The only schema version that this release writes and reads."""
    name: str
    """How such a file is called, such as `result.json`."""
    at_odds: Callable[[Record], Iterable[str]] = lambda _: ()
    """Whatever a schema cannot say and nobody writes, found in a record that was read."""

    def write(self, value: Record) -> str:
        """The record as indented JSON with a newline at its end. Equal records give equal bytes.

        Raises:
            InvalidInput: `E_RESULT` where a number is not finite or a text no Unicode: JSON holds neither; says where.
        """
        # Checked before pydantic puts anything in the place of half a character.
        _require_writable(self._adapter().dump_python(value), "the result to be written")
        data = self._adapter().dump_python(value, mode="json")
        return json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False) + "\n"

    def read(self, text: str, where: object) -> Record:
        """The record that `text` holds. `where` names its origin in errors, such as the path of the file.

        Raises:
            InvalidInput: `E_RESULT` where the text is not JSON, is of another schema version, or a field is unknown,
                missing, given twice, of the wrong type or at odds with another; names the field.
        """
        from pydantic import ValidationError

        data = _parsed(text, where)
        self._require_version(data, where)
        _require_writable(data, where)
        try:
            value = self._adapter().validate_json(text, strict=True)
        except ValidationError as error:
            raise InvalidInput("E_RESULT", where, _first(error)) from None
        _require_known(data, self._adapter().dump_python(value, mode="json"), where)
        for wrong in self.at_odds(value):
            raise InvalidInput("E_RESULT", where, wrong, hint="the file was not written by subtrait, or was changed")
        return value

    def schema(self) -> dict[str, Any]:
        """The JSON Schema (draft 2020-12) of the file, with the meaning of each field that the record explains."""
        schema = self._adapter().json_schema()
        nouns = sys.modules[self.record.__module__]
        for name, definition in ((schema["title"], schema), *schema["$defs"].items()):
            definition["additionalProperties"] = False
            for field, meaning in _meanings(getattr(nouns, name)).items():
                definition["properties"][field]["description"] = meaning
        schema["properties"]["schema_version"]["const"] = self.version
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}

    def _adapter(self) -> "TypeAdapter[Record]":
        from pydantic import TypeAdapter

        return TypeAdapter(self.record)

    def _require_version(self, data: object, where: object) -> None:
        if not isinstance(data, dict) or "schema_version" not in data:
            hint = f"is this a {self.name}?"
            raise InvalidInput("E_RESULT", where, "field 'schema_version' is missing", hint=hint)
        if data["schema_version"] != self.version:
            found = f"field 'schema_version' is {data['schema_version']!r}, and only {self.version} can be read"
            raise InvalidInput("E_RESULT", where, found, hint="read it with the version of subtrait that wrote it")


def _parsed(text: str, where: object) -> object:
    try:
        return json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("E_RESULT", where, f"not JSON: {error}") from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    # Of two equal keys one program reads the first and another the last: such a file says two things.
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"key {next(key for key in keys if keys.count(key) > 1)!r:.60} stands twice in one object")
    return found


def _require_writable(data: object, where: object) -> None:
    for path, value in _walk(data):
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidInput("E_RESULT", where, f"field '{_field(path)}' is {value}, not a finite number")
        for text in (value, path[-1] if path else ""):
            if isinstance(text, str) and any("\ud800" <= character <= "\udfff" for character in text):
                raise InvalidInput("E_RESULT", where, f"field '{_field(path)}' holds half a character (a surrogate)")


def _require_known(data: object, understood: object, where: object) -> None:
    known = {path for path, _ in _walk(understood)}
    unknown = next((path for path, _ in _walk(data) if path not in known), None)
    if unknown is not None:
        raise InvalidInput("E_RESULT", where, f"field '{_field(unknown)}' is unknown", hint="see json_schema()")


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
        steps: Any = (
            node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list | tuple) else ()
        )
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
