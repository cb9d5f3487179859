"""Rows of a call that is under way."""

import pytest

from subtrait.errors import StorageError
from subtrait.models.servers.spool import Spool, default_folder


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


def test_a_call_that_is_over_leaves_nothing(tmp_path):
    spool = Spool(tmp_path, "a")
    kept(spool, {0: {}})
    spool.done()
    spool.done()
    assert list(tmp_path.iterdir()) == []


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
