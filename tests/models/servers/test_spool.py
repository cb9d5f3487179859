"""Rows of a call that is under way."""

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from subtrait.errors import StorageError
from subtrait.models.servers.spool import KEPT_SECONDS, Spool, default_folder


def kept(spool, rows):
    with spool.opened() as keeper:
        for at, row in rows.items():
            keeper.keep(at, row)


def test_rows_are_there_for_the_same_call_and_no_other(tmp_path):
    kept(Spool(tmp_path / "new", "a"), {3: {"text": "x\n\u2028y"}, 0: {"scores": [-1.5]}})
    assert Spool(tmp_path / "new", "a").kept() == {3: {"text": "x\n\u2028y"}, 0: {"scores": [-1.5]}}
    assert Spool(tmp_path / "new", "b").kept() == {}


def test_a_cut_line_costs_its_own_row_only(tmp_path):
    kept(Spool(tmp_path, "a"), {0: {"text": "zero"}, 1: {"text": "one"}})
    file = tmp_path / "a.jsonl"
    whole = file.read_bytes()
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        found = Spool(tmp_path, "a").kept()
        assert found.items() <= {0: {"text": "zero"}, 1: {"text": "one"}}.items()
    file.write_bytes(whole[:-4])
    kept(Spool(tmp_path, "a"), {2: {"text": "two"}})
    assert Spool(tmp_path, "a").kept() == {0: {"text": "zero"}, 2: {"text": "two"}}


def test_a_forgotten_call_leaves_nothing(tmp_path):
    spool = Spool(tmp_path, "a")
    kept(spool, {0: {}})
    spool.forget()
    spool.forget()
    assert list(tmp_path.iterdir()) == []


def test_a_finished_call_is_kept_for_a_day(tmp_path):
    kept(Spool(tmp_path, "a"), {0: {"text": "zero"}})
    Spool(tmp_path, "a").finish()
    Spool(tmp_path, "a").finish()
    assert Spool(tmp_path, "a").kept() == {0: {"text": "zero"}}
    (file,) = tmp_path.iterdir()
    os.utime(file, (time.time() - KEPT_SECONDS - 60,) * 2)
    kept(Spool(tmp_path, "unfinished"), {0: {}})
    os.utime(tmp_path / "unfinished.jsonl", (0, 0))
    assert Spool(tmp_path, "a").kept() == {}
    assert Spool(tmp_path, "unfinished").kept() == {0: {}}


def test_the_day_of_a_call_begins_when_it_is_finished(tmp_path):
    kept(Spool(tmp_path, "a"), {0: {"text": "zero"}})
    os.utime(tmp_path / "a.jsonl", (0, 0))
    Spool(tmp_path, "a").finish()
    assert Spool(tmp_path, "a").kept() == {0: {"text": "zero"}}


def test_a_finished_call_of_which_a_row_was_damaged_keeps_the_others(tmp_path):
    kept(Spool(tmp_path, "a"), {0: {"text": "zero"}, 1: {"text": "one"}})
    Spool(tmp_path, "a").finish()
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-4])
    kept(Spool(tmp_path, "a"), {1: {"text": "one again"}})
    Spool(tmp_path, "a").finish()
    assert Spool(tmp_path, "a").kept() == {0: {"text": "zero"}, 1: {"text": "one again"}}


def test_one_process_at_a_time_is_in_a_call(tmp_path):
    """The lock is of the open file, so that threads show what processes do."""
    inside, most = [], []

    def work(_):
        with Spool(tmp_path, "a").alone("a"):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.002)
            inside.pop()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(40)))
    assert most == [1] * 40
    assert list(tmp_path.iterdir()) == []


def test_whoever_waits_says_so_in_one_line_and_whoever_does_not_says_nothing(tmp_path, caplog):
    came_in = []

    def come_in():
        with Spool(tmp_path, "a").alone("3 requests to m"):
            came_in.append(1)

    with ThreadPoolExecutor(1) as beside:
        with Spool(tmp_path, "a").alone("3 requests to m"):
            second = beside.submit(come_in)
            while not caplog.messages:
                time.sleep(0.005)
            assert came_in == []
        second.result(timeout=30)
    assert caplog.messages == ["waiting for another command on this machine, which is at the same: 3 requests to m"]
    assert came_in == [1]


def test_a_full_disk_is_said_in_one_line_and_costs_the_row_that_did_not_fit_only(tmp_path):
    """A limit on the size of files stands for the disk."""
    code = """
import resource, signal, sys
from pathlib import Path
from subtrait.errors import StorageError
from subtrait.models.servers.spool import Spool

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    with Spool(Path(sys.argv[1]), "a").opened() as keeper:
        for at in range(100):
            keeper.keep(at, {"text": "x" * 100})
except StorageError as error:
    print(error)
"""
    found = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"cannot use .*a\.jsonl: File too large\. Mend that.*\n", found.stdout)
    assert list(Spool(tmp_path, "a").kept()) == list(range(7))


def test_rows_are_for_this_user_only(tmp_path):
    kept(Spool(tmp_path / "new", "a"), {0: {}})
    assert (tmp_path / "new" / "a.jsonl").stat().st_mode & 0o077 == 0


def test_a_disk_that_refuses_is_said_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"cannot use .*file.*XDG_CACHE_HOME"):
        kept(Spool(tmp_path / "file", "a"), {0: {}})


def test_the_folder_is_in_the_users_cache(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert str(default_folder()) == "/x/subtrait/unfinished"
