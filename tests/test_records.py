"""The nouns: frozen, and resting on the standard library alone."""

import ast
import dataclasses
import inspect
import sys

import pytest

from subtrait import records

RECORDS = [
    value for _, value in inspect.getmembers(records, dataclasses.is_dataclass) if value.__module__ == records.__name__
]


def test_there_are_records_to_look_at():
    assert {"Example", "Trait", "Estimate", "ExperimentResult"} <= {record.__name__ for record in RECORDS}


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_a_record_cannot_be_changed_nor_grown(record):
    made = record(**{field.name: None for field in dataclasses.fields(record)})
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(made, dataclasses.fields(record)[0].name, 1)
    assert not hasattr(made, "__dict__")


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_a_record_is_made_by_naming_its_fields(record):
    with pytest.raises(TypeError):
        record(*[None for _ in dataclasses.fields(record)])


def test_equal_records_are_equal_and_hash_alike():
    first, second = (records.Example(id="1", prompt="p", completion="c") for _ in range(2))
    assert first == second
    assert hash(first) == hash(second)


def test_a_decision_without_reasons_has_none():
    assert records.Decision(keep=True).reasons == ()


def test_the_module_imports_the_standard_library_only():
    imported = []
    for node in ast.walk(ast.parse(inspect.getsource(records))):
        if isinstance(node, ast.Import):
            imported += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.append(node.module)
    assert imported
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names


def test_silent_progress_shows_and_keeps_nothing(capfd):
    progress = records.SilentProgress()
    assert progress.start("students train", 3) is None
    assert progress.advance() is None
    assert progress.advance(2) is None
    assert vars(progress) == {}
    assert capfd.readouterr() == ("", "")
