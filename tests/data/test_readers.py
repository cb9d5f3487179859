import gzip
import hashlib

import pytest

from subtrait.data import parquet
from subtrait.data.readers import READERS, suffix_of
from subtrait.errors import InvalidInput

PAIR = {"prompt": "q", "completion": "a"}


@pytest.mark.parametrize("suffix", READERS)
def test_the_longest_ending_decides_in_any_case(suffix):
    assert suffix_of("a" + suffix) == suffix
    assert suffix_of("A.B" + suffix.upper()) == suffix
    assert suffix_of("a" + suffix + ".bak") is None


@pytest.mark.parametrize("name", ["data.jsonl", "data.json"])
def test_json_files_hold_lines_too(read, line, name):
    assert len(read(line() * 3, name).rows) == 3
    assert len(read(gzip.compress(line() * 3), name + ".gz").rows) == 3


@pytest.fixture
def columns(monkeypatch):
    """Stand in for the Parquet library: rows 1 and 3 are good, row 2 is bad, and the file is what it is."""

    def read_parquet(path, *, limits, reject, digest):
        digest.update(path.read_bytes())
        yield 1, dict(PAIR)
        reject(2, InvalidInput("E_UTF8", f"{path}:2 field=/prompt", "not UTF-8", hint="mend it"))
        yield 3, {**PAIR, "id": 7}

    monkeypatch.setattr(parquet, "read_parquet", read_parquet)


def test_rows_of_parquet_go_the_same_way(quarantine, columns):
    done = quarantine(b"bytes", "data.parquet")
    assert [(row.line, row.id, row.completion) for row in done.rows] == [(1, "data.parquet:1", "a"), (3, "7", "a")]
    [reject] = done.rejects
    assert (reject.line, reject.code, reject.field, reject.offset) == (2, "E_UTF8", "/prompt", None)
    assert (done.tally.read, done.tally.accepted, done.tally.rejected) == (3, 2, 1)
    assert done.reading.summary().digest == hashlib.sha256(b"bytes").hexdigest()


def test_a_bad_row_of_parquet_stops_at_its_place(read, columns):
    error = read(b"bytes", "data.parquet").error
    assert str(error).endswith("data.parquet:2 field=/prompt: not UTF-8 (mend it)")


def test_a_real_parquet_file_is_read(read, tmp_path):
    arrow, files = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    files.write_table(arrow.Table.from_pylist([PAIR, {"prompt": "r", "completion": "b"}]), tmp_path / "made")
    done = read((tmp_path / "made").read_bytes(), "data.parquet")
    assert done.error is None
    assert [row.completion for row in done.rows] == ["a", "b"]
    assert done.reading.summary().digest == hashlib.sha256((tmp_path / "made").read_bytes()).hexdigest()
