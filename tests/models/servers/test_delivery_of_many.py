"""Ten thousand requests to a server of which three answers in ten are faults."""

import threading
from collections import Counter

import numpy as np

from subtrait.models.servers.delivery import Delivery, Request
from subtrait.models.servers.replies import chat_text


def request(number):
    def read(reply):
        return chat_text(reply, tokens=8, where=str(number))

    return Request(where=f"row {number}", path="/chat/completions", body={"n": number}, read=read)


def test_every_id_finishes_exactly_once_at_30_percent_faults(serve, connect, scripted):
    chances, lock = np.random.default_rng(0), threading.Lock()
    faults = list(scripted.PASSING.values())

    def script(asked):
        with lock:
            failing, which = chances.random() < 0.3, chances.integers(len(faults))
        return faults[which] if failing else scripted.chat(str(asked.body["n"]))

    server, found = serve(script), Counter()
    delivery = Delivery(connect(server), pause=lambda seconds: None)
    for at, row in delivery.ask_all([request(number) for number in range(10_000)]):
        assert row["text"] == str(at)
        found[at] += 1
    assert found == dict.fromkeys(range(10_000), 1)
    assert 12_000 < len(server.asked) <= 16_000
