import hashlib
import os
import stat
from pathlib import Path

import pytest

from subtrait.runs import open_run
from subtrait.runs.atomic import place, stage_file, stage_folder, sweep, tree_digest


@pytest.fixture
def calls(monkeypatch):
    """Every changing call on files, in order: (call, path, second path)."""
    seen, paths = [], {}
    originals = {name: getattr(os, name) for name in ("open", "write", "fsync", "replace", "close")}

    def opened(path, *rest, **more):
        descriptor = originals["open"](path, *rest, **more)
        paths[descriptor] = Path(path)
        return descriptor

    def on_descriptor(name):
        def call(descriptor, *rest):
            seen.append((name, paths.get(descriptor), None))
            return originals[name](descriptor, *rest)

        return call

    def replaced(old, new):
        seen.append(("replace", Path(old), Path(new)))
        return originals["replace"](old, new)

    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(os, "write", on_descriptor("write"))
    monkeypatch.setattr(os, "fsync", on_descriptor("fsync"))
    monkeypatch.setattr(os, "replace", replaced)
    return seen


def test_every_artefact_is_synced_then_renamed_then_journalled(tmp_path, toy, calls):
    folder = tmp_path / "run"
    toy.run_in(folder)
    renames = [(n, old, new) for n, (call, old, new) in enumerate(calls) if call == "replace"]
    assert [new.relative_to(folder).as_posix() for _, _, new in renames] == ["run.json", *toy.MEMOS, *toy.PUBLISHED]
    for n, old, new in renames:
        before, after = calls[:n], calls[n + 1 :]
        staged = [path for _, path, _ in before if path and (path == old or old in path.parents)]
        assert before[-1 - before[::-1].index(("fsync", old, None))]  # the file or folder itself is synced
        last_write = max(
            (i for i, (call, path, _) in enumerate(before) if call == "write" and path in staged), default=-1
        )
        assert ("fsync", old, None) in before[last_write + 1 :]
        assert after[0] == ("fsync", new.parent, None)
        if new.name != "run.json":
            journal = folder / "journal.jsonl"
            assert after[1:3] == [("write", journal, None), ("fsync", journal, None)]


def test_every_file_of_a_folder_is_synced_before_the_folder_is_renamed(tmp_path, toy, calls):
    toy.run_in(tmp_path / "run")
    at = next(n for n, (_, _, new) in enumerate(calls) if new == tmp_path / "run" / toy.FOLDER)
    synced = [path for call, path, _ in calls[:at] if call == "fsync"]
    staged = calls[at][1]
    for inner in (staged / "weights.bin", staged / "nested" / "config.json", staged / "nested", staged):
        assert inner in synced


def test_new_parent_folders_are_synced_into_their_parents(tmp_path, toy, calls):
    toy.run_in(tmp_path / "run")
    first = next(n for n, (_, _, new) in enumerate(calls) if new == tmp_path / "run" / toy.ROWS)
    synced = [path for call, path, _ in calls[:first] if call == "fsync"]
    for parent in (tmp_path, tmp_path / "run", tmp_path / "run" / "arms", tmp_path / "run" / "arms" / "treated"):
        assert parent in synced


def test_a_failed_rename_leaves_the_old_file_and_no_temporary_one(tmp_path, monkeypatch):
    target = tmp_path / "a.txt"
    target.write_bytes(b"old")
    staged = stage_file(target, b"new")
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            place(staged, target)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"a.txt": b"old"}


def test_a_folder_whose_maker_fails_leaves_nothing(tmp_path):
    def make(folder):
        (folder / "half.bin").write_bytes(b"x")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stage_folder(tmp_path / "student", make)
    assert list(tmp_path.iterdir()) == []


def test_files_get_the_permissions_that_the_user_chose(tmp_path):
    before = os.umask(0o027)
    try:
        place(stage_file(tmp_path / "a", b""), tmp_path / "a")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_the_sweep_takes_leftovers_of_dead_processes_only(tmp_path, python):
    dead = python("toy.py", tmp_path / "unused")
    dead.communicate()
    run = tmp_path / "run"
    inner = run / "students"
    gone = [
        run / f".tmp-{dead.pid}-0123abcd",
        inner / f".tmp-{dead.pid}-ffffffff",
        run / f".tmp-{os.getpid()}-00000000",
    ]
    kept = [
        run / f".tmp-{os.getppid()}-0123abcd",  # a living process
        run / f".tmp-{dead.pid}-notours",
        run / "tmp-1-0123abcd",
        tmp_path / f".tmp-{dead.pid}-0123abcd",  # outside the run
        tmp_path / "elsewhere" / f".tmp-{dead.pid}-0123abcd",
    ]
    for path in (*gone[:2], *kept):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    gone[2].mkdir()
    (gone[2] / "half.bin").write_bytes(b"x")
    (run / "link").symlink_to(tmp_path / "elsewhere")
    sweep(run)
    assert [path.exists() for path in gone] == [False, False, False]
    assert [path.exists() for path in kept] == [True] * len(kept)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells that a process was not collected")
def test_a_process_that_ended_and_was_not_collected_is_dead(tmp_path):
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    left = tmp_path / f".tmp-{child}-0123abcd"
    left.write_text("unfinished")
    os.kill(child, 0)  # its number is still there
    sweep(tmp_path)
    os.waitpid(child, 0)
    assert not left.exists()


def test_opening_a_run_sweeps_it(tmp_path, toy, python):
    process = python("toy.py", tmp_path / "run", kill_at="students/0:written")
    process.communicate()
    assert next(p.name for p in (tmp_path / "run" / "students").iterdir()).startswith(f".tmp-{process.pid}-")
    with open_run(tmp_path / "run", toy.CONFIG, environment={}):
        assert list((tmp_path / "run" / "students").iterdir()) == []


def test_the_digest_of_a_folder_is_over_sorted_paths_and_file_digests(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "one").write_bytes(b"1")
    (tmp_path / "a").write_bytes(b"two")
    lines = [("a", b"two"), ("b/one", b"1")]
    expected = "".join(f"{path}\0{hashlib.sha256(data).hexdigest()}\n" for path, data in lines)
    assert tree_digest(tmp_path) == hashlib.sha256(expected.encode()).hexdigest()


def test_a_link_counts_by_where_it_points_and_is_not_followed(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "outside").write_bytes(b"1")
    (folder / "link").symlink_to("../outside")
    before = tree_digest(folder)
    (tmp_path / "outside").write_bytes(b"2")
    assert tree_digest(folder) == before
    (folder / "link").unlink()
    (folder / "link").symlink_to("../elsewhere")
    assert tree_digest(folder) != before
