"""What the child process says of each row."""

import json
import subprocess
import sys

import pytest

from subtrait.data import parquet
from subtrait.data.parquet import LIMITS
from subtrait.data.parquet_child import lines

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

TURNS = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))


def write(path, table, **options):
    pq.write_table(table if isinstance(table, pa.Table) else pa.table(table), path, **options)
    return path


def said(path, limits=LIMITS):
    """What the child process would say, said in this one."""
    with path.open("rb", buffering=0) as file:
        return [json.loads(line) for line in lines(file, limits)]


def refused(path, *, limits=LIMITS):
    """The message for the first thing said that is no row, without the folder."""
    first = next(one for one in said(path, limits) if not isinstance(one, dict))
    return str(parquet._problem(path, first)).replace(f"{path.parent}/", "")


def bad_text(*texts):
    """A text column whose bytes nobody checked."""
    offsets = [0]
    for text in texts:
        offsets.append(offsets[-1] + len(text))
    buffers = [None, pa.array(offsets, pa.int32()).buffers()[1], pa.py_buffer(b"".join(texts))]
    return pa.StringArray.from_buffers(len(texts), buffers[1], buffers[2])


def test_text_that_is_not_utf8_is_refused_with_row_and_column(tmp_path):
    path = write(tmp_path / "t.parquet", {"prompt": ["a", "b", "c"], "completion": bad_text(b"fine", b"\xff", b"c")})
    expected = "E_UTF8 t.parquet:2 field=/completion: text that is not valid UTF-8 (convert the file to UTF-8)"
    assert refused(path) == expected


def test_a_null_turn_is_refused_with_row_and_field(tmp_path):
    turn = {"role": "user", "content": "x"}
    path = write(tmp_path / "t.parquet", {"messages": pa.array([[turn], None, [turn, turn, None]], TURNS)})
    assert refused(path) == "E_SCHEMA t.parquet:3 field=/messages/2: an element that is null (drop the row)"


def test_a_number_that_is_none_is_refused_with_row_and_field(tmp_path):
    path = write(tmp_path / "t.parquet", {"prompt": ["x", "y"], "score": [[1.0], [0.0, float("nan")]]})
    message = refused(path)
    assert message.startswith("E_NUMBER t.parquet:2 field=/score/1: ")


def test_reading_goes_on_after_a_bad_row(tmp_path):
    path = write(tmp_path / "t.parquet", {"prompt": bad_text(b"a", b"\xed\xa0\x80", b"c", b"\xc0\xaf")})
    first, second, third, fourth, last = said(path)
    assert (first, third, last) == ({"prompt": "a"}, {"prompt": "c"}, ["done", 4])
    assert [(one[:2], one[4:]) for one in (second, fourth)] == [
        (["reject", "E_UTF8"], [2, "/prompt"]),
        (["reject", "E_UTF8"], [4, "/prompt"]),
    ]


def test_text_of_many_row_groups_is_joined(tmp_path):
    turns = [[{"role": "user", "content": str(row)}] for row in range(300)]
    table = {"messages": pa.array(turns, TURNS), "source": ["s"] * 300}
    path = write(tmp_path / "t.parquet", table, row_group_size=7)
    assert [row["messages"] for row in said(path)[:-1]] == turns


FLIPS = """
import json, os, random, sys
from pathlib import Path
from subtrait.data.parquet import LIMITS
from subtrait.data.parquet_child import lines

def attempt(path):
    with path.open("rb", buffering=0) as file:
        *rows, last = [json.loads(line) for line in lines(file, LIMITS)]
    print(json.dumps([len(rows), all(isinstance(row, dict) or row[0] == "reject" for row in rows), last]), flush=True)

whole, random = Path(sys.argv[1]), random.Random(0)
for number in range(60):
    data = bytearray(whole.read_bytes())
    data[random.randrange(4, len(data) - 8)] ^= 1 << random.randrange(8)
    path = whole.with_name("flipped.parquet")
    path.write_bytes(data)
    if not (child := os.fork()):
        attempt(path)
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) < 0:
        print(json.dumps("crashed"), flush=True)
"""


def test_whatever_byte_is_flipped_the_answer_is_rows_or_a_known_error(tmp_path):
    turns = [[{"role": "user", "content": f"{row}"}, {"role": "assistant", "content": "é" * row}] for row in range(40)]
    path = write(tmp_path / "whole.parquet", {"messages": pa.array(turns, TURNS), "id": list(range(40))})
    process = subprocess.run([sys.executable, "-c", FLIPS, str(path)], capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in process.stdout.splitlines()]
    assert len(answers) == 60
    told = [answer for answer in answers if answer != "crashed"]  # a crash is the parent's to report
    assert len(told) > 50
    for count, honest, last in told:
        assert honest
        assert last == ["done", 40] if last[0] == "done" else last[1] in parquet.CODES
        assert count <= 40
    assert any(last[0] == "refuse" for _, _, last in told)
