"""Rows that are set aside are listed, up to a limit, and only where that was asked for."""

import json

import pytest

from subtrait.auditor import quarantine as module
from subtrait.auditor.quarantine import REJECTS, quarantined, set_aside
from subtrait.auditor.suspect import Source
from subtrait.errors import InvalidInput
from subtrait.runs.opening import open_run

GOOD = json.dumps({"prompt": "Start: 1.", "completion": "2, 3"})


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data.jsonl"
    path.write_text(f"{GOOD}\n{{oops\n{GOOD}\n[]\n", encoding="utf-8")
    return path


@pytest.fixture
def store(tmp_path):
    with open_run(tmp_path / "run", {}, environment={}) as opened:
        yield opened


def test_rows_that_are_set_aside_are_listed_when_all_is_read(data, store):
    with quarantined(Source(path=data, on_bad_row="quarantine"), store) as source:
        assert len(list(source.reading())) == 2
        assert not (store.path / REJECTS).exists()
    listed = [json.loads(line) for line in (store.path / REJECTS).read_text(encoding="utf-8").splitlines()]
    assert [(each["line"], each["code"]) for each in listed] == [(2, "E_JSON"), (4, "E_TYPE")]


def test_where_rows_stop_the_reading_nothing_is_listed(data, store):
    with pytest.raises(InvalidInput, match=r"data.jsonl:2:2"), quarantined(Source(path=data), store) as source:
        list(source.reading())
    assert not (store.path / REJECTS).exists()


def test_too_many_are_data_of_another_shape(data, store, monkeypatch):
    monkeypatch.setattr(module, "MOST_REJECTS", 1)
    with (
        pytest.raises(InvalidInput, match="more than 1 rows cannot be accepted") as caught,
        quarantined(Source(path=data, on_bad_row="quarantine"), store) as source,
    ):
        list(source.reading())
    assert caught.value.code == "E_REJECTS"


def test_where_nothing_is_written_rows_are_set_aside_and_not_listed(data, tmp_path):
    assert len(list(set_aside(Source(path=data, on_bad_row="quarantine")).reading())) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["data.jsonl"]
