import inspect
import json
import math
import os
import pickle
import shutil

import numpy as np
import pytest

from subtrait.errors import InvalidInput, StorageError
from subtrait.records import Store
from subtrait.runs import attach_run, open_run


@pytest.fixture
def run(tmp_path, toy):
    with open_run(tmp_path / "run", toy.CONFIG, environment=toy.ENVIRONMENT) as opened:
        yield opened


def never():
    raise AssertionError("made again")


def test_it_is_a_store(run):
    for name in ("rows", "record", "folder"):
        ours, promised = getattr(type(run), name), getattr(Store, name)
        assert inspect.signature(ours) == inspect.signature(promised)


def test_what_is_stored_is_read_back_and_made_once(run):
    rows = [{"x": 1 / 3, "t": "a\u2028b\r"}, {}]
    assert run.rows("a/b.jsonl", lambda: iter(rows)) == rows == run.rows("a/b.jsonl", never)
    assert run.rows("empty.jsonl", list) == [] == run.rows("empty.jsonl", never)
    assert run.record("r.json", lambda: {"x": None}) == {"x": None} == run.record("r.json", never)
    folder = run.folder("f", lambda path: (path / "x").write_bytes(b"1"))
    assert folder == run.path / "f" == run.folder("f", lambda path: never())
    assert (folder / "x").read_bytes() == b"1"


def test_the_first_and_the_resumed_run_see_the_same_values(run):
    made = {"tuple": (1, 2), 3: "number as key"}
    first = run.record("r.json", lambda: made)
    assert first == {"tuple": [1, 2], "3": "number as key"} == run.record("r.json", never)


def test_files_are_json_lines_with_keys_in_order(run):
    run.rows("a.jsonl", lambda: [{"b": 0.1, "a": "é"}, {"b": 2}])
    assert (run.path / "a.jsonl").read_text(encoding="utf-8") == '{"b": 0.1, "a": "é"}\n{"b": 2}\n'


def test_a_maker_that_fails_stores_nothing(run):
    def rows():
        yield {"a": 1}
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run.rows("a.jsonl", rows)
    assert sorted(os.listdir(run.path)) == ["journal.jsonl", "lock", "run.json"]
    assert run.rows("a.jsonl", lambda: [{"a": 2}]) == [{"a": 2}]


def test_a_number_that_is_not_json_is_named_with_its_row(run):
    with pytest.raises(ValueError, match=r"losses\.jsonl row 2: .*not JSON compliant"):
        run.rows("losses.jsonl", lambda: [{"loss": 1.0}, {"loss": math.nan}])
    assert not (run.path / "losses.jsonl").exists()


@pytest.mark.parametrize(
    "name",
    ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", "./a", "a\\b", "a\0b", "run.json", "lock", "a/.tmp-1-0123abcd"],
)
def test_names_stay_inside_the_run(run, name):
    for call in (run.rows, run.record, run.folder):
        with pytest.raises(ValueError, match="artefact name"):
            call(name, lambda *_: never())
    with pytest.raises(ValueError, match="artefact name"):
        run.publish(name, "x")


def test_a_link_inside_a_run_is_not_followed(run, tmp_path):
    (tmp_path / "outside").mkdir()
    (run.path / "arms").symlink_to(tmp_path / "outside")
    (run.path / "f.json").symlink_to(tmp_path / "outside" / "f.json")
    for name in ("arms/a.json", "f.json"):
        with pytest.raises(InvalidInput, match=r"E_PATH .*a symbolic link inside a run folder"):
            run.record(name, dict)
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize("name", ["arms/treated/0/kept.jsonl", "teachers/0.json", "students/0/weights.bin"])
def test_a_changed_file_is_named_and_deleting_it_runs_its_stage_again(name, tmp_path, toy, clean, unsynced):
    folder, rng = tmp_path / "run", np.random.default_rng(3)
    toy.run_in(folder)
    whole = (folder / name).read_bytes()
    stage = "students/0" if name.startswith("students") else name
    for place in rng.choice(len(whole), size=min(70, len(whole)), replace=False):
        broken = bytearray(whole)
        broken[place] ^= 1 << rng.integers(8)
        (folder / name).write_bytes(broken)
        with pytest.raises(InvalidInput, match=rf"E_DIGEST {folder / stage}: .*delete it and run the same command"):
            toy.run_in(folder)
        assert (folder / name).read_bytes() == bytes(broken)  # a refusal changes nothing
    shutil.rmtree(folder / stage) if (folder / stage).is_dir() else (folder / stage).unlink()
    assert toy.run_in(folder) == ([stage], "")
    assert toy.contents(folder) == clean


@pytest.mark.parametrize("change", ["added", "removed", "renamed", "emptied"])
def test_a_stored_folder_is_whole_or_refused(change, run):
    run.folder("f", lambda path: [(path / n).write_bytes(n.encode()) for n in ("a", "b")])
    a = run.path / "f" / "a"
    {
        "added": (run.path / "f" / "c").touch,
        "removed": a.unlink,
        "renamed": lambda: a.rename(a.with_name("z")),
        "emptied": lambda: a.write_bytes(b""),
    }[change]()
    with pytest.raises(InvalidInput, match="E_DIGEST"):
        run.folder("f", lambda path: never())


def test_an_artefact_that_comes_out_different_is_told(run):
    run.record("r.json", lambda: {"a": 1})
    (run.path / "r.json").unlink()
    assert run.record("r.json", lambda: {"a": 2}) == {"a": 2}
    assert "r.json was missing and came out different" in run.notice
    assert run.record("r.json", never) == {"a": 2}


def test_an_artefact_that_was_not_journalled_is_made_over_whatever_is_there(run):
    (run.path / "r.json").write_text("half")
    (run.path / "f").mkdir()
    (run.path / "f" / "half").touch()
    (run.path / "g").write_text("a file in the place of a folder")
    assert run.record("r.json", lambda: {"a": 1}) == {"a": 1}
    for name in ("f", "g"):
        assert os.listdir(run.folder(name, lambda path: (path / "x").touch())) == ["x"]


def test_a_folder_in_the_place_of_a_file_is_a_clear_error(run):
    run.record("r.json", dict)
    (run.path / "r.json").unlink()
    (run.path / "r.json").mkdir()
    with pytest.raises(StorageError, match=r"cannot read .*r\.json: Is a directory"):
        run.record("r.json", never)


def test_publishing_replaces_and_remembers(run):
    journal = run.path / "journal.jsonl"
    assert run.publish("result.json", '{"é": 1}\n').read_bytes() == '{"é": 1}\n'.encode()
    run.publish("result.json", b"{}\n")
    before = journal.read_bytes()
    run.publish("result.json", "{}\n")
    assert journal.read_bytes() == before  # nothing new, nothing written
    (run.path / "result.json").write_text("edited")
    assert run.publish("result.json", "{}\n").read_bytes() == b"{}\n"
    assert run.published("result.json") == b"{}\n"
    assert run.published("report.html") is None
    assert run.notice == ""


def test_a_worker_and_its_owner_share_what_they_make(run):
    run.record("owner.json", lambda: {"by": "owner"})
    for worker in (attach_run(run.path), pickle.loads(pickle.dumps(run))):
        assert worker.record("owner.json", never) == {"by": "owner"}
        worker.record(f"{id(worker)}.json", lambda: {"by": "worker"})
        assert run.record(f"{id(worker)}.json", never) == {"by": "worker"}


def test_of_two_processes_that_make_one_artefact_the_first_wins_in_both(run, python):
    both = [python("toy.py", run.path, "race", n) for n in range(2)]
    answers = [json.loads(process.communicate()[0]) for process in both]
    assert answers[0] == answers[1] == run.record("raced.json", never)
    names = [json.loads(line)["name"] for line in (run.path / "journal.jsonl").read_text().splitlines()]
    assert names == ["raced.json"]
    assert sorted(os.listdir(run.path)) == ["journal.jsonl", "lock", "raced.json", "run.json"]
