"""One request and its reply, on real sockets: which faults pass, which end it, and what a message may hold."""

import gzip
import pickle
import socket
import sys
from contextlib import closing

import pytest

from subtrait.errors import InvalidInput, ServerError, UsageError
from subtrait.models.servers import transport
from subtrait.models.servers.transport import MAX_WAIT, Refused, Unanswered, retry_after

KEY = "sk-canary-8d1f"


def free_port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def ask(serve, connect):
    """What comes of a request that is answered so."""

    def ask(say, **limits):
        return connect(serve(lambda asked: say), **limits).ask("/chat/completions", {}, where="row 3")

    return ask


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        ("API-4 429 with a day", ServerError, "asks to wait 86,400 s. What was answered is kept: run the same command"),
        ("API-5 quota", ServerError, "no credit is left .insufficient_quota.*run the same command"),
        ("API-8 too long", Refused, "E_API_REFUSED .*row 3: status 400: .*maximum context"),
        ("API-9 401", ServerError, "the key is not accepted .status 401.*SUBTRAIT_API_KEYS.*run the same command"),
        ("API-9 403", ServerError, "the key is not accepted .status 403"),
        ("API-10 404", Refused, "E_API_NOT_FOUND .*row 3: status 404: .*no such model"),
        ("quota with 200", ServerError, "no credit is left"),
        ("an odd code", Refused, "status 400"),
        ("501", Refused, "status 501"),
        ("an unknown refusal", Refused, "status 422"),
    ],
)
def test_a_fault_that_does_not_pass_ends_it(ask, scripted, fault, kind, said):
    say = {
        "API-4 429 with a day": scripted.error(429, Retry_After="86400"),
        "API-5 quota": scripted.error(429, "insufficient_quota", Retry_After="1"),
        "API-8 too long": scripted.error(400, "context_length_exceeded", "maximum context length is 8"),
        "API-9 401": scripted.error(401, "invalid_api_key"),
        "API-9 403": scripted.error(403, "unsupported_country"),
        "API-10 404": scripted.error(404, "model_not_found", "no such model"),
        "quota with 200": scripted.Say({"error": {"type": "insufficient_quota", "code": None}}),
        "an odd code": scripted.Say({"error": {"code": ["a"], "type": {}}}, 400),
        "501": scripted.error(501),
        "an unknown refusal": scripted.Say([1, 2], 422),
    }[fault]
    with pytest.raises(kind, match=said) as found:
        ask(say)
    assert not isinstance(found.value, Unanswered)


def test_a_server_that_is_not_there_may_come(connect):
    """API-11."""
    with pytest.raises(Unanswered, match="no connection"):
        connect(f"http://127.0.0.1:{free_port()}/v1#m").ask("/models")


def test_silence_before_the_first_byte_is_not_waited_out(ask, scripted):
    """API-13."""
    with pytest.raises(Unanswered, match=r"no answer within 0.1 s"):
        ask(scripted.Say({}, hang=30), seconds=0.1)


def test_a_body_that_drips_is_not_waited_out(ask, scripted):
    """API-14: every byte comes in time, the whole does not."""
    with pytest.raises(Unanswered, match=r"not over within 0.2 s"):
        ask(scripted.Say({"text": "x" * 2_000}, drip=0.01), seconds=0.2)


def test_a_tls_failure_is_not_tried_again(serve, connect, scripted):
    """API-15: the server speaks no TLS."""
    port = serve(lambda asked: scripted.Say({})).port
    with pytest.raises(ServerError, match=r"no safe connection.*http or https") as found:
        connect(f"https://127.0.0.1:{port}/v1#m").ask("/models")
    assert not isinstance(found.value, Unanswered)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SSL_CERT_FILE", "/no/such/file"),
        ("HTTPS_PROXY", "gopher://127.0.0.1:1"),
        ("HTTPS_PROXY", "http://user:hunter2/x@127.0.0.1:1"),
        ("ALL_PROXY", "socks5://user:hunter2@127.0.0.1:1"),
    ],
)
def test_an_environment_that_cannot_be_used_is_said_in_one_line(connect, monkeypatch, variable, value):
    monkeypatch.setitem(sys.modules, "socksio", None)  # an extra that need not be installed
    monkeypatch.setenv(variable, value)
    with pytest.raises(UsageError, match=r"no connection can be made ready.*proxies .*and SSL_CERT_FILE") as found:
        connect("https://models.example/v1#m")
    assert "hunter2" not in str(found.value)


@pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".example"])
def test_a_host_that_cannot_be_one_is_said_in_one_line(connect, host):
    with pytest.raises(UsageError, match="Look at the address"):
        connect(f"https://{host}/v1#m").ask("/models")


@pytest.mark.parametrize(
    "body", [b"<html>\x1b[31mlog in</html>", b'{"cut": ', b"", b"\xff\xfe", b"[" * 100_000, b"[1]"]
)
def test_what_is_no_json_object_may_be_a_hiccup_and_is_shown_escaped(ask, scripted, body):
    """API-16, API-18, case 105."""
    with pytest.raises(Unanswered) as found:
        ask(scripted.Say(body))
    assert "\x1b" not in str(found.value)
    assert len(str(found.value)) < 300


def test_a_reset_in_the_body_leaves_nothing(ask, scripted):
    """API-12, case 106: what came before the end is no reply, even where it is whole JSON."""
    say = scripted.Say(b'{"choices": []}' + b" " * 50, cut=15)
    with pytest.raises(Unanswered, match="no connection"):
        ask(say)


def test_a_body_beyond_the_limit_is_cut_off(ask, scripted):
    """API-24, case 110: 33 MiB, where 32 are taken."""
    with pytest.raises(InvalidInput, match=r"E_API_SIZE .*longer than 33,554,432 bytes"):
        ask(scripted.Say(b" " * (33 * 2**20)))


def test_a_compressed_body_is_not_unpacked(ask, scripted):
    """API-24: four kilobytes that would become four megabytes."""
    bomb = scripted.Say(gzip.compress(b" " * 2**22), headers={"Content-Encoding": "gzip"})
    with pytest.raises(InvalidInput, match=r"E_API .*compressed"):
        ask(bomb)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_refused_and_the_key_is_not_sent_along(serve, connect, scripted, monkeypatch, status):
    """API-25."""
    other = serve(lambda asked: scripted.chat("caught"))
    first = serve(lambda asked: scripted.Say(b"", status, {"Location": f"{other.url}/chat/completions"}))
    monkeypatch.setenv("SUBTRAIT_API_KEYS", f"http://127.0.0.1:{first.port}={KEY}")
    with pytest.raises(InvalidInput, match="E_API_REDIRECT"):
        connect(first).ask("/chat/completions", {})
    assert first.asked[0].headers["Authorization"] == f"Bearer {KEY}"
    assert other.asked == []


def test_a_server_that_repeats_the_key_does_not_bring_it_into_a_message(serve, connect, scripted, monkeypatch):
    for number, say in enumerate(
        [
            scripted.error(401, text=f"incorrect key {KEY}"),
            scripted.error(400, text=f"bad {KEY}"),
            scripted.Say(KEY.encode()),
        ]
    ):
        server = serve(lambda asked, say=say: say)
        monkeypatch.setenv("SUBTRAIT_API_KEYS", f"http://127.0.0.1:{server.port}={KEY}")
        connection = connect(server)
        with pytest.raises((InvalidInput, ServerError)) as found:
            connection.ask("/models", where=str(number))
        assert "***" in str(found.value)
        assert KEY not in f"{found.value!r} {found.value} {connection!r} {connection.address}"
        assert KEY not in repr(connection._client.headers)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7), ("0", 0), (" 1.5 ", 1.5), ("86400", 86_400), ("Sat, 28 Nov 2026 08:00:10 GMT", 10),
        ("Sat, 28 Nov 2026 07:00:00 GMT", 0), ("soon", None), ("", None), (None, None), ("-1", None), ("1e9", None),
        ("٣", None), ("9" * 400, None), ("Sat, 99 Nov 2026 08:00:10 GMT", None), ("nan", None),
    ],
)  # fmt: skip
def test_retry_after_is_read_as_the_rfc_says(value, seconds):
    assert retry_after(value, now=1_795_852_800.0) == seconds


def test_an_absurd_wait_is_longer_than_any_that_is_waited(ask, scripted):
    with pytest.raises(Unanswered) as found:
        ask(scripted.error(429, Retry_After=str(int(MAX_WAIT))))
    assert (found.value.wait, found.value.busy) == (MAX_WAIT, True)


def test_what_ends_it_crosses_from_a_worker_process_whole(ask, scripted):
    with pytest.raises(Refused) as found:
        ask(scripted.error(404, "model_not_found"))
    again = pickle.loads(pickle.dumps(found.value))
    assert (type(again), str(again), again.code) == (Refused, str(found.value), "E_API_NOT_FOUND")


def test_without_the_library_the_way_to_install_it_is_said(connect, monkeypatch):
    monkeypatch.setattr(transport.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ServerError.__base__, match=r"pip install 'subtrait\[servers\]'"):
        connect("vllm:m")
