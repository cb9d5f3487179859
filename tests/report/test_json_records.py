import json
import math
from dataclasses import dataclass, replace

import pytest

from subtrait.errors import InvalidInput
from subtrait.records import PermutationTest
from subtrait.report.json_records import RecordFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A record of our own, to see that the file kind is what decides."""

    schema_version: int
    text: str
    """What it says."""
    share: float = 0.5
    tests: tuple[PermutationTest, ...] = ()
    by_name: dict[str, float] | None = None


@pytest.fixture
def notes():
    return RecordFile(record=Note, version=3, name="note.json")


NOTE = Note(schema_version=3, text="é\n\x00<b>", by_name={"a": 1.0})


def test_what_is_written_is_read(notes):
    assert notes.read(notes.write(NOTE), "here") == NOTE


def test_version_and_name_are_those_of_the_kind(notes):
    with pytest.raises(InvalidInput, match="only 3 can be read"):
        notes.read(notes.write(replace(NOTE, schema_version=1)), "here")
    with pytest.raises(InvalidInput, match=r"is this a note\.json"):
        notes.read("{}", "here")


def test_schema_fixes_the_version_and_explains_fields(notes):
    schema = notes.schema()
    assert schema["properties"]["schema_version"]["const"] == 3
    assert schema["properties"]["text"]["description"] == "What it says."
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["PermutationTest"]["additionalProperties"] is False


@pytest.mark.parametrize(
    "text",
    [
        '{"schema_version": 3, "text": "a", "text": "b"}',
        '{"schema_version": 3, "text": "a", "by_name": {"x": 1, "x": 2}}',
        '{"schema_version": 1, "schema_version": 3, "text": "a"}',
    ],
)
def test_a_key_that_stands_twice_is_refused(notes, text):
    with pytest.raises(InvalidInput, match="stands twice"):
        notes.read(text, "here")


def test_what_json_cannot_hold_is_refused_by_name(notes):
    for broken, named in (
        (replace(NOTE, share=math.nan), "'share'"),
        (replace(NOTE, by_name={"a": math.inf}), r"'by_name\.a'"),
        (replace(NOTE, text="\udc80"), "'text'"),
        (replace(NOTE, by_name={"\ud800": 1.0}), "half a character"),
    ):
        with pytest.raises(InvalidInput, match=named):
            notes.write(broken)
    with pytest.raises(InvalidInput, match="'share'"):
        notes.read('{"schema_version": 3, "text": "a", "share": 1e999}', "here")
    with pytest.raises(InvalidInput, match="'text'"):
        notes.read(json.dumps({"schema_version": 3, "text": "\ud800"}), "here")
