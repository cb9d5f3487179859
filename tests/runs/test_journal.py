import json
import pickle

import numpy as np
import pytest

from subtrait.errors import InvalidInput
from subtrait.runs.journal import Entry, Journal


@pytest.fixture
def finished(tmp_path, toy, unsynced):
    folder = tmp_path / "run"
    toy.run_in(folder)
    return folder


def test_a_torn_tail_costs_only_the_torn_lines(finished, toy, clean):
    journal = finished / "journal.jsonl"
    whole = journal.read_bytes()
    order = [json.loads(line)["name"] for line in whole.splitlines()]
    for cut in range(1, 201):
        journal.write_bytes(whole[:-cut])
        # A line that lacks its newline only is whole; the line that the cut went through is torn.
        kept = len([line for line in whole[:-cut].split(b"\n") if line in whole.split(b"\n") and line])
        torn = whole[:-cut].split(b"\n")[-1] not in (b"", *whole.split(b"\n"))
        made, notice = toy.run_in(finished)
        assert made == [name for name in order[kept:] if name in toy.MEMOS]
        assert ("half-written last line was dropped" in notice) == torn
        assert toy.contents(finished) == clean


def test_a_flipped_bit_names_the_line(finished, toy):
    journal = finished / "journal.jsonl"
    whole, rng = journal.read_bytes(), np.random.default_rng(1)
    for place in rng.choice(len(whole) - 1, size=200, replace=False):
        broken = bytearray(whole)
        broken[place] ^= 1 << rng.integers(8)
        journal.write_bytes(broken)
        line = whole[:place].count(b"\n") + 1
        with pytest.raises(InvalidInput, match=rf"E_DIGEST .*journal\.jsonl line {line}: .*delete that line") as caught:
            toy.run_in(finished)
        assert caught.value.exit_code == 4
        assert journal.read_bytes() == bytes(broken)


def test_a_deleted_line_has_its_artefact_made_again(finished, toy, clean):
    journal = finished / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:1] + lines[2:]))
    assert toy.run_in(finished) == (["teachers/0.json"], "")
    assert toy.contents(finished) == clean


def test_a_lost_journal_is_told_and_everything_is_made_again(finished, toy, clean):
    (finished / "journal.jsonl").unlink()
    made, notice = toy.run_in(finished)
    assert made == list(toy.MEMOS)
    assert "journal.jsonl is missing: every stage runs again" in notice
    assert toy.contents(finished) == clean


def test_a_journal_describes_what_is_stored(finished, toy):
    lines = [json.loads(line) for line in (finished / "journal.jsonl").read_bytes().splitlines()]
    assert [line["name"] for line in lines] == [*toy.MEMOS, *toy.PUBLISHED]
    sizes = {line["name"]: (line["bytes"], line.get("rows")) for line in lines}
    assert sizes[toy.ROWS] == ((finished / toy.ROWS).stat().st_size, 30)
    assert sizes[toy.FOLDER] == (256 * 20 + len('{"layers": 2}\n'), None)


def test_an_entry_that_another_process_appends_is_seen(tmp_path):
    ours, theirs = Journal(tmp_path / "j"), Journal(tmp_path / "j")
    assert ours.find("a") is None
    for digest in ("0" * 64, "1" * 64):
        entry = Entry(name="a", sha256=digest, size=3, rows=1)
        with theirs.writing() as append:
            append(entry)
        assert ours.find("a") == entry == pickle.loads(pickle.dumps(ours)).find("a")


def test_a_worker_mends_what_another_one_tore(tmp_path):
    entry = Entry(name="a", sha256="0" * 64, size=3)
    (tmp_path / "j").write_bytes(entry.line() + b'{"name":"b","sha')
    journal = Journal(tmp_path / "j")
    assert journal.find("a") == entry
    with journal.writing() as append:
        append(Entry(name="c", sha256="2" * 64, size=1))
    names = [json.loads(line)["name"] for line in (tmp_path / "j").read_bytes().splitlines()]
    assert names == ["a", "c"]
    assert len(journal.notices) == 1


def test_processes_that_append_at_once_leave_a_valid_journal(tmp_path, toy, clean, python):
    folder = tmp_path / "run"
    toy.run_in(folder)
    workers = [python("toy.py", folder, "work", n) for n in range(3)]
    for worker in workers:
        _, errors = worker.communicate()
        assert (worker.returncode, errors) == (0, "")
    names = {json.loads(line)["name"] for line in (folder / "journal.jsonl").read_bytes().splitlines()}
    assert names == {*toy.MEMOS, *toy.PUBLISHED, *(f"work/{w}/{n}.json" for w in range(3) for n in range(20))}
    assert toy.run_in(folder) == ([], "")


def test_a_journal_that_was_cut_is_read_anew(tmp_path):
    entries = [Entry(name=name, sha256="0" * 64, size=3) for name in "abc"]
    (tmp_path / "j").write_bytes(b"".join(entry.line() for entry in entries))
    journal = Journal(tmp_path / "j")
    assert journal.find("c") == entries[2]
    (tmp_path / "j").write_bytes(entries[1].line())
    assert [journal.find(name) for name in "abc"] == [None, entries[1], None]
