import errno
import fcntl
import os
import signal
import socket

import pytest

from subtrait.errors import RunLocked, StorageError
from subtrait.runs import open_run


def test_a_second_process_is_refused_with_the_number_of_the_first(tmp_path, toy, python):
    first = python("toy.py", tmp_path / "run", "hold")
    assert first.stdout.readline().startswith("ready")
    with pytest.raises(RunLocked, match=rf"in use by process {first.pid}\. Wait for it to end, or choose") as caught:
        toy.run_in(tmp_path / "run")
    assert caught.value.exit_code == 2
    second = python("toy.py", tmp_path / "run")
    assert f"RunLocked: {tmp_path / 'run'} is in use by process {first.pid}." in second.communicate()[1]


def test_a_killed_process_frees_its_run(tmp_path, toy, clean, python):
    first = python("toy.py", tmp_path / "run", "hold")
    first.stdout.readline()
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert toy.run_in(tmp_path / "run") == ([], "")
    assert toy.contents(tmp_path / "run") == clean


def test_an_orphaned_worker_does_not_hold_the_run(tmp_path, toy, python):
    owner = python("toy.py", tmp_path / "run", "orphan")
    worker = int(owner.stdout.readline().split()[1])
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    try:
        os.kill(worker, 0)  # it lives
        assert toy.run_in(tmp_path / "run") == ([], "")
    finally:
        os.kill(worker, signal.SIGKILL)


def test_the_same_process_cannot_open_a_run_twice(tmp_path, toy):
    held = open_run(tmp_path / "run", toy.CONFIG, environment={})
    with held, pytest.raises(RunLocked, match=f"process {os.getpid()}"):
        toy.run_in(tmp_path / "run")
    toy.run_in(tmp_path / "run")


def test_a_run_is_freed_by_an_exception(tmp_path, toy):
    with pytest.raises(ZeroDivisionError), open_run(tmp_path / "run", toy.CONFIG, environment={}):
        raise ZeroDivisionError
    toy.run_in(tmp_path / "run")


def test_a_file_system_without_locks_is_refused(tmp_path, toy, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(StorageError, match=r"a file system without locks. Choose an --out on a local disk"):
        toy.run_in(tmp_path / "run")


def test_a_holder_on_another_machine_is_named(tmp_path, toy, python):
    first = python("toy.py", tmp_path / "run", "hold")
    first.stdout.readline()
    (tmp_path / "run" / "lock").write_text("12\nfar-away\n")
    with pytest.raises(RunLocked, match="in use by process 12 on far-away"):
        toy.run_in(tmp_path / "run")
    (tmp_path / "run" / "lock").write_text("")
    with pytest.raises(RunLocked, match="in use by another process"):
        toy.run_in(tmp_path / "run")


def test_the_lock_names_its_holder_and_nothing_of_an_older_one(tmp_path, toy):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "lock").write_text("4194304\n" + "older" * 100)
    with open_run(tmp_path / "run", toy.CONFIG, environment={}):
        assert (tmp_path / "run" / "lock").read_text() == f"{os.getpid()}\n{socket.gethostname()}\n"
