"""Small datasets on disk, and readings of them."""

import json
from types import SimpleNamespace

import pytest

from subtrait.data import read_dataset
from subtrait.errors import SubtraitError


def chat(prompt="Go on: 1, 2", completion="3, 4", **fields):
    turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": completion}]
    return json.dumps({"messages": turns, **fields}, ensure_ascii=False).encode() + b"\n"


@pytest.fixture(scope="session")
def line():
    """One chat row as a line of bytes."""
    return chat


@pytest.fixture
def read(tmp_path):
    """Write `data` under `name`, read it, and return what became of it; an expected error is returned, not raised."""

    def read(data, name="data.jsonl", **options):
        path = tmp_path / name
        path.write_bytes(data)
        reading, rows, error = read_dataset(path, **options), [], None
        try:
            rows.extend(reading)
        except SubtraitError as raised:
            error = raised
        return SimpleNamespace(path=path, reading=reading, rows=rows, error=error, tally=reading.tally)

    return read


@pytest.fixture
def quarantine(read):
    """The same with rejects put aside: they are in `rejects`."""

    def quarantined(data, name="data.jsonl", **options):
        rejects = []
        done = read(data, name, on_bad_row="quarantine", rejects=rejects.append, **options)
        done.rejects = rejects
        return done

    return quarantined
