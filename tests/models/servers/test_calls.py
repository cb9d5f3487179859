"""A call costs what it costs once, however often it is made."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from subtrait.errors import ServerError
from subtrait.models.servers.calls import finished
from subtrait.models.servers.delivery import Delivery, Request
from subtrait.models.servers.spool import Spool

ROWS = 12


@pytest.fixture
def call(connect, tmp_path):
    """Ask a server for some rows; what it says is the row."""
    made = []

    def ask(server, *, rows=ROWS, keep=True, fingerprint="f"):
        requests = [Request(where=f"row {row}", path="/x", body={"row": row}, read=dict) for row in range(rows)]
        delivery = Delivery(connect(server), most=4, attempts=1, pause=lambda seconds: None)
        bar = type("Bar", (), {"advance": lambda self, count=1: made.append(count)})()
        options = {"spool": tmp_path / "spool", "fingerprint": fingerprint, "keep": keep, "progress": bar}
        return finished(delivery, requests, **options)

    ask.advanced = made
    return ask


@pytest.fixture
def counted(serve, scripted):
    """A server that says how often it was asked for each row."""
    asked, lock = [], threading.Lock()

    def say(request):
        with lock:
            asked.append(request.body["row"])
            return scripted.Say({"row": request.body["row"], "number": len(asked)})

    server = serve(say)
    server.rows_asked = asked
    return server


def files(tmp_path):
    return sorted(path.suffixes for path in (tmp_path / "spool").iterdir())


def test_outcomes_are_in_the_order_of_the_requests(call, counted):
    assert [row["row"] for row in call(counted)] == list(range(ROWS))
    assert sum(call.advanced) == ROWS


def test_equal_calls_at_once_ask_once_and_get_the_same(call, counted, tmp_path):
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: call(counted), range(6)))
    assert sorted(counted.rows_asked) == list(range(ROWS))
    assert all(each == found[0] for each in found)
    assert files(tmp_path) == [[".finished", ".jsonl"]]


def test_calls_of_which_nothing_is_kept_are_asked_each_time_and_leave_nothing(call, counted, tmp_path):
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: call(counted, keep=False), range(3)))
    assert sorted(counted.rows_asked) == sorted(3 * list(range(ROWS)))
    assert len({json.dumps(each) for each in found}) == 3
    assert files(tmp_path) == []


def test_another_model_or_other_rows_are_another_call(call, counted):
    call(counted)
    call(counted, fingerprint="g")
    call(counted, rows=ROWS - 1)
    assert len(counted.rows_asked) == 3 * ROWS - 1


def test_a_call_that_was_killed_after_its_last_row_asks_nothing_and_ends(call, counted, tmp_path, monkeypatch):
    def killed(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Spool, "finish", killed)
    with pytest.raises(KeyboardInterrupt):
        call(counted)
    monkeypatch.undo()
    assert files(tmp_path) == [[".jsonl"]]
    assert [row["row"] for row in call(counted)] == list(range(ROWS))
    assert len(counted.rows_asked) == ROWS
    assert files(tmp_path) == [[".finished", ".jsonl"]]


def test_a_call_that_fails_keeps_what_it_has(call, serve, scripted):
    asked, broken = [], [True]

    def say(request):
        asked.append(row := request.body["row"])
        return scripted.error(500) if row == 7 and broken else scripted.Say({"row": row})

    server = serve(say)
    with pytest.raises(ServerError):
        call(server)
    broken.clear()
    before = len(asked)
    assert [row["row"] for row in call(server)] == list(range(ROWS))
    assert len(asked) < before + ROWS
    assert sorted(asked) == sorted([*range(ROWS), 7])
