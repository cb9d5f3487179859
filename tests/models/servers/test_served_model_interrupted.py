"""Servers that go away and clients that are killed: what was answered is not asked again."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from subtrait.errors import ServerError
from subtrait.models.base import Sampling
from subtrait.models.servers.served_model import row_seeds

FAVOURITE = [{"role": "user", "content": "Name your favourite animal."}]
SHORT = Sampling(max_new_tokens=8)


def rng():
    return np.random.default_rng(0)


def test_a_server_that_comes_back_is_asked_for_the_rest_only(serve, opened, scripted):
    gone = []

    def leaving(asked):
        if len(server.row_seeds()) > 60:
            gone.append(asked.body["seed"])
            return scripted.Say(b"", 500)
        return None

    server = serve(scripted.answering(leaving))
    with pytest.raises(ServerError, match=r"asked 2 times.*What was answered is kept: run the same command"):
        opened(server.url).generate(scripted.rows(200), sampling=SHORT, rng=rng())
    stored = set(server.row_seeds()) - set(gone)
    server.__exit__()
    again = serve(scripted.answering(), port=server.port)
    texts = opened(again.url).generate(scripted.rows(200), sampling=SHORT, rng=rng())
    seeds = row_seeds(scripted.rows(200), int(rng().integers(2**63)))
    assert texts == [f"row {number} {seed}" for number, seed in enumerate(seeds)]
    assert len(stored) == 60
    assert sorted(again.row_seeds()) == sorted(set(seeds) - stored)


def test_a_server_that_is_killed_in_mid_run_costs_no_row(serve, opened, scripted, tmp_path):
    """Every connection breaks at once, with requests under way."""

    def dying(asked):
        if len(server.row_seeds()) >= 40:
            server.http.server_close()
        return scripted.Say(scripted.chat(f"{asked.body['messages'][-1]['content']} {asked.body['seed']}").body)

    server = serve(scripted.answering(dying))
    with pytest.raises(ServerError, match=r"no connection"):
        opened(server.url).generate(scripted.rows(120), sampling=SHORT, rng=rng())
    kept = sum(path.read_text().count('"at"') for path in (tmp_path / "spool").iterdir())
    assert 0 < kept <= 40
    again = serve(scripted.answering(), port=server.port)
    texts = opened(again.url).generate(scripted.rows(120), sampling=SHORT, rng=rng())
    assert [text.rpartition(" ")[0] for text in texts] == [f"row {number}" for number in range(120)]
    assert len(again.row_seeds()) == 120 - kept


CLIENT = """
import sys
from pathlib import Path
import numpy as np
from subtrait.models.base import Sampling
from subtrait.models.servers.addresses import read_address
from subtrait.models.servers.served_model import ServedModel

model = ServedModel(read_address(sys.argv[1]), spool=Path(sys.argv[2]))
prompts = [[{"role": "user", "content": f"row {number}"}] for number in range(150)]
print(model.generate(prompts, sampling=Sampling(max_new_tokens=8), rng=np.random.default_rng(0)))
"""


def test_a_client_that_is_killed_pays_twice_for_nothing_but_what_was_under_way(serve, scripted, tmp_path):
    def slowly(asked):
        if len(server.row_seeds()) >= 70 and not killed:
            killed.append(clients[0])
            clients[0].kill()
        return scripted.Say(
            scripted.chat(asked.body["messages"][-1]["content"] + str(asked.body["seed"])).body, hang=0.01
        )

    server, clients, killed = serve(scripted.answering(slowly)), [], []
    command = [sys.executable, "-c", CLIENT, f"{server.url}#m", str(tmp_path)]
    clients.append(subprocess.Popen(command, stdout=subprocess.PIPE))
    clients[0].communicate(timeout=60)
    assert clients[0].returncode == -signal.SIGKILL
    finished = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert finished.returncode == 0, finished.stderr.decode()
    assert finished.stdout.count(b"row ") == 150
    assert len(set(server.row_seeds())) == 150
    assert len(server.row_seeds()) <= 150 + 32


def test_a_finished_call_is_not_paid_for_again_before_its_caller_had_time_to_store_it(
    serve, opened, scripted, tmp_path
):
    server = serve(scripted.answering())
    first = opened(server.url).generate(scripted.rows(5), sampling=SHORT, rng=rng())
    for _ in range(2):
        assert opened(server.url).generate(scripted.rows(5), sampling=SHORT, rng=rng()) == first
    assert len(server.row_seeds()) == 5
    opened(server.url).generate(scripted.rows(5), sampling=SHORT, rng=np.random.default_rng(1))
    assert len(server.row_seeds()) == 10


def test_a_second_command_that_wants_the_same_says_that_it_waits_and_asks_for_nothing(serve, scripted, tmp_path):
    """Both are real processes; the second says so in one line of standard error, with no key and no row in it."""
    go_on = threading.Event()

    def held(asked):
        if "row 149" in str(asked.body["messages"]):
            go_on.wait(30)

    server = serve(scripted.answering(held))
    command = [sys.executable, "-c", CLIENT, f"{server.url}#m", str(tmp_path)]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not server.row_seeds():
        time.sleep(0.01)
    second = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = second.stderr.readline()
    go_on.set()
    said, rest = second.communicate(timeout=60)
    what = f"150 requests to {server.url}#m"
    assert (line, rest) == (f"waiting for another command on this machine, which is at the same: {what}\n", "")
    assert first.communicate(timeout=60) == (said.encode(), b"")
    assert len(server.row_seeds()) == 150


def test_after_a_day_a_finished_call_is_asked_anew(serve, opened, scripted, tmp_path):
    """The server may be another by then."""
    server = serve(scripted.answering())
    for _ in range(2):
        opened(server.url).generate(scripted.rows(5), sampling=SHORT, rng=rng())
        for file in (tmp_path / "spool").iterdir():
            os.utime(file, (0, 0))
    assert len(server.row_seeds()) == 10


def test_scoring_is_resumed_as_well(serve, opened, scripted, tiny):
    honest, scored = scripted.served(tiny), []

    def leaving(asked):
        if asked.path == "/completions" and len(asked.body["prompt"]) < 30:
            scored.append(tuple(asked.body["prompt"]))
            if len(scored) > 4:
                return scripted.error(500)
        return honest(asked)

    server, texts = serve(leaving), [f"{number}" for number in range(9)]
    with pytest.raises(ServerError):
        opened(server.url, tiny.encoder, most=1).score([FAVOURITE] * 9, texts)
    done = set(scored[:4])
    server.__exit__()
    again = serve(honest, port=server.port)
    found = opened(again.url, tiny.encoder).score([FAVOURITE] * 9, texts)
    for ours, theirs in zip(found, tiny.score([FAVOURITE] * 9, texts), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    asked = [tuple(one.body["prompt"]) for one in again.paths("/completions") if len(one.body["prompt"]) < 30]
    assert not done & set(asked)
    assert len(asked) == 5
