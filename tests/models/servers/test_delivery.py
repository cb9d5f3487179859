"""Many requests against a server that fails: what is asked again, what stops, and that nothing is lost or doubled."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest

from subtrait.errors import InvalidInput, ServerError
from subtrait.models.servers.delivery import LONGEST_PAUSE, Delivery, Gate, Request, pause_before
from subtrait.models.servers.replies import chat_text

PASSING = [
    "API-1 429 with seconds", "API-2 429 with a date", "API-3 429 with garbage", "API-6 500", "API-6 502", "API-6 503",
    "API-6 529", "API-7 408", "API-7 409", "API-12 reset in the body", "API-16 HTML with 200",
    "API-17 an error with 200", "API-18 cut JSON", "API-19 no choices",
]  # fmt: skip


def request(number=0):
    read = partial(chat_text, tokens=8, where=f"row {number}")
    return Request(where=f"row {number}", path="/chat/completions", body={"n": number}, read=read)


def test_every_passing_fault_is_listed_here(scripted):
    assert list(scripted.PASSING) == PASSING


@pytest.mark.parametrize("fault", PASSING)
def test_a_passing_fault_is_asked_again(serve, connect, scripted, fault):
    server = serve(lambda asked: scripted.chat("done") if asked.number else scripted.PASSING[fault])
    pauses = []
    row = Delivery(connect(server), pause=pauses.append).ask(request())
    assert row["text"] == "done"
    assert len(server.asked) == 2
    assert len(pauses) == 1


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [("2", 2, 2.5), ("date", 25, 30.5), ("soon", 0.25, 0.5), ("-5", 0.25, 0.5), ("", 0.25, 0.5), ("0", 0, 0.5)],
)
def test_a_pause_is_as_long_as_the_server_asks_or_as_usual(serve, connect, scripted, header, low, high):
    told = scripted.http_date(30) if header == "date" else header
    refusal = scripted.error(429, Retry_After=told)
    server = serve(lambda asked: scripted.chat("done") if asked.number else refusal)
    pauses = []
    Delivery(connect(server), pause=pauses.append).ask(request())
    assert low <= pauses[0] <= high


def test_pauses_grow_stay_bounded_and_differ_between_requests():
    usual = [pause_before(attempt, "row 1") for attempt in range(1, 20)]
    assert all(later > earlier * 0.9 for earlier, later in pairwise(usual[:7]))
    assert max(usual) <= LONGEST_PAUSE
    assert len({pause_before(3, f"row {row}") for row in range(100)}) == 100
    assert pause_before(3, "row 1") == pause_before(3, "row 1")


def test_a_server_that_never_answers_well_is_given_up_with_the_last_reason(serve, connect, scripted):
    server = serve(lambda asked: scripted.error(500, text="out of order"))
    with pytest.raises(
        ServerError, match=r"^E_API .*row 0: asked 3 times, at last status 500: .*out of order.* run the same"
    ):
        Delivery(connect(server), attempts=3, pause=lambda seconds: None).ask(request())
    assert len(server.asked) == 3


@pytest.mark.parametrize("found_at", [1, 2, 3, None])
def test_what_must_not_be_made_twice_is_looked_for_before_it_is_asked_again(serve, connect, scripted, found_at):
    """Also after the last attempt; and nothing is asked once it is found."""
    looks, order = [], []

    def made():
        looks.append(1)
        order.append("look")
        return {"text": "found"} if len(looks) == found_at else None

    server = serve(lambda asked: order.append("ask") or scripted.error(500))
    delivery = Delivery(connect(server), attempts=3, pause=lambda seconds: order.append("pause"))
    if found_at:
        assert delivery.ask(replace(request(), made=made)) == {"text": "found"}
    else:
        with pytest.raises(ServerError, match="asked 3 times"):
            delivery.ask(replace(request(), made=made))
    assert order == ["ask", "pause", "look"] * (found_at or 3)


def test_replies_belong_to_their_requests_whatever_their_ids_and_order(serve, connect, scripted):
    """API-26: all replies have one id, and the first requests are answered last."""

    def script(asked):
        say = scripted.chat(f"for {asked.body['n']}")
        return scripted.Say(say.body, hang=0.1 if asked.number < 4 else 0)

    found = dict(Delivery(connect(serve(script)), most=8).ask_all([request(number) for number in range(20)]))
    assert {at: row["text"] for at, row in found.items()} == {number: f"for {number}" for number in range(20)}


def test_a_row_that_fails_is_named_and_what_was_answered_is_given_out_first(serve, connect, scripted):
    """API-8: the context of one row is too long."""

    def script(asked):
        too_long = scripted.error(400, "context_length_exceeded", "maximum context length is 256 tokens")
        return too_long if asked.body["n"] == 5 else scripted.chat("fine")

    server, found = serve(script), {}
    delivery = Delivery(connect(server), most=2)
    with pytest.raises(InvalidInput, match=r"E_API_REFUSED .*row 5: status 400: .*maximum context length"):
        found.update(delivery.ask_all([request(number) for number in range(40)]))
    good = [asked for asked in server.asked if asked.body["n"] != 5]
    assert len(found) == len(good) < 39


def test_no_more_are_asked_at_once_than_allowed(serve, connect, scripted):
    server = serve(lambda asked: scripted.Say(scripted.chat("x").body, hang=0.005))
    list(Delivery(connect(server), most=5).ask_all([request(number) for number in range(60)]))
    assert 2 <= server.most_inside <= 5


def test_no_more_are_asked_than_allowed_beyond_those_taken_however_slowly_they_are_taken(serve, connect, scripted):
    """So a process that is killed loses no more: what was taken was kept."""
    server, taken = serve(lambda asked: scripted.chat("x")), 0
    for _ in Delivery(connect(server), most=4).ask_all([request(number) for number in range(30)]):
        time.sleep(0.02)
        taken += 1
        assert len(server.asked) <= taken - 1 + 4
    assert taken == 30


def test_a_busy_server_is_asked_by_half_as_many_at_once(serve, connect, scripted):
    """Sixteen come at once and are all sent away; from then on it is eight, and slowly more."""
    all_there, later = threading.Barrier(16), []

    def script(asked):
        if asked.number < 16:
            all_there.wait(timeout=30)
            return scripted.error(429)
        later.append(servers[0].inside)
        return scripted.Say(scripted.chat("x").body, hang=0.01)

    servers = [serve(script)]
    delivery = Delivery(connect(servers[0]), most=16, pause=lambda seconds: None)
    assert len(list(delivery.ask_all([request(number) for number in range(24)]))) == 24
    assert len(later) == 24
    assert max(later) <= 8 + 24 / 8


def test_the_gate_halves_once_for_all_that_went_in_before_and_opens_again():
    gate = Gate(16)
    entered = [gate.enter() for _ in range(16)]
    for number in entered:
        gate.narrow(number)
        gate.leave()
    assert gate.limit == 8
    gate.narrow(gate.enter())
    assert gate.limit == 4
    for _ in range(500):
        gate.widen()
    assert gate.limit == 16


def test_a_delivery_can_be_used_again_after_a_failure(serve, connect, scripted):
    server = serve(lambda asked: scripted.chat("x") if asked.number else scripted.error(401))
    delivery = Delivery(connect(server))
    with pytest.raises(ServerError, match="the key is not accepted"):
        list(delivery.ask_all([request()]))
    assert [row["text"] for _, row in delivery.ask_all([request()])] == ["x"]


def test_a_call_that_fails_does_not_stop_another_beside_it(serve, connect, scripted):
    """Both wait to ask again when one of them is refused for good."""
    waiting = threading.Barrier(2, timeout=30)

    def script(asked):
        if asked.body["n"] == 0:
            waiting.wait()
            return scripted.error(401)
        if len([one for one in server.asked if one.body["n"] == 1]) == 1:
            waiting.wait()
            return scripted.error(500)
        return scripted.chat("fine")

    server = serve(script)
    delivery = Delivery(connect(server))
    with ThreadPoolExecutor(1) as beside:
        good = beside.submit(lambda: [row["text"] for _, row in delivery.ask_all([request(1)])])
        with pytest.raises(ServerError, match="the key is not accepted"):
            list(delivery.ask_all([request(0)]))
        assert good.result(timeout=30) == ["fine"]


def test_nothing_is_asked_by_those_that_waited_for_room_when_another_failed(serve, connect, scripted):
    """One may be asked at a time here; the rest wait before the gate."""

    def script(asked):
        if asked.number == 0:
            return scripted.Say(scripted.error(401).body, 401, hang=0.3)
        return scripted.chat("fine")

    server = serve(script)
    delivery = Delivery(connect(server), most=4)
    delivery._gate.limit = 1.0
    with pytest.raises(ServerError, match="the key is not accepted"):
        list(delivery.ask_all([request(number) for number in range(4)]))
    assert len(server.asked) == 1


def test_a_request_that_was_stopped_is_not_said_to_have_been_asked(connect):
    stop = threading.Event()
    stop.set()
    with pytest.raises(ServerError, match="row 0: not asked, since another failed"):
        Delivery(connect("http://127.0.0.1:9/v1#m")).ask(request(), stop)
