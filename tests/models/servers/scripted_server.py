"""A server on loopback that speaks the OpenAI API over real sockets: as it is told to, faults included."""

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import time


@dataclass(frozen=True)
class Asked:
    """One request that came in."""

    path: str
    body: dict
    headers: dict
    number: int
    """How many came before it."""
    content: bytes = b""
    """The body as it came in."""
    posted: bool = True

    @property
    def begins_job(self):
        """Whether a fine-tuning job is to be begun."""
        return self.posted and self.path == "/fine_tuning/jobs"


@dataclass(frozen=True)
class Say:
    """One answer."""

    body: object = b""
    """Bytes, or what becomes JSON."""
    status: int = 200
    headers: dict = field(default_factory=dict)
    cut: int | None = None
    """Close after so many bytes of the body, though more were announced."""
    hang: float = 0.0
    """Seconds of silence before the first byte."""
    drip: float = 0.0
    """Seconds between the bytes of the body."""

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class ScriptedServer:
    """Answers every request with what `script` says to it. Use it in a `with` statement."""

    def __init__(self, script: Callable[[Asked], Say], port: int = 0) -> None:
        self.script, self.asked = script, []
        self.inside = self.most_inside = 0
        self.lock, self.over = threading.Lock(), threading.Event()
        self.http = _Server(("127.0.0.1", port), _Answering)
        self.http.owner = self

    @property
    def port(self) -> int:
        return self.http.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def paths(self, path: str) -> list[Asked]:
        return [one for one in self.asked if one.path == path]

    def row_seeds(self) -> list[int]:
        """The seeds of all completions that were asked for, those of a trial aside."""
        return [one.body["seed"] for one in self.paths("/chat/completions") if "row " in str(one.body["messages"])]

    def __enter__(self):
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.http.shutdown()
        self.http.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *rest) -> None:
        self.open = set()
        super().__init__(*rest)

    def process_request(self, request, client_address):
        self.open.add(request)
        super().process_request(request, client_address)

    def server_close(self):
        """As a process that is killed: every connection breaks."""
        super().server_close()
        for connection in list(self.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request, client_address):
        """A client that left is no news."""


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self):
        owner = self.server.owner
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:  # the client was killed while it asked
            self.close_connection = True
            return
        with owner.lock:
            is_form = self.headers.get("Content-Type", "").startswith("multipart/")
            told = json.loads(body) if body and not is_form else {}
            path, posted = self.path.removeprefix("/v1"), self.command == "POST"
            asked = Asked(path, told, dict(self.headers), len(owner.asked), body, posted)
            owner.asked.append(asked)
            owner.inside += 1
            owner.most_inside = max(owner.most_inside, owner.inside)
        try:
            self.answer(owner.script(asked), owner.over)
        finally:
            with owner.lock:
                owner.inside -= 1

    do_POST = do_GET  # noqa: N815, the library's name

    def answer(self, say: Say, over: threading.Event) -> None:
        over.wait(say.hang)
        content = say.content
        lines = {"Content-Length": str(len(content)), "Content-Type": "application/json", **say.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self.wfile.write(f"HTTP/1.1 {say.status} As told\r\n{head}\r\n".encode())
        if say.drip:
            for byte in content:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                if over.wait(say.drip):
                    break
        else:
            self.wfile.write(content[: say.cut])
        self.wfile.flush()
        if say.cut is not None or over.is_set():
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def finish(self):
        with suppress(OSError):
            super().finish()
        self.server.open.discard(self.connection)

    def log_message(self, *_):
        pass


def chat(text, *, model="m", ending="stop", **more) -> Say:
    """A chat completion."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": ending}
    return Say({"id": "1", "model": model, "choices": [choice], **more})


def error(status, code="overloaded", text="as told", **headers) -> Say:
    """A refusal as the OpenAI API words it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Say({"error": {"code": code, "message": text, "type": code}}, status, named)


def http_date(seconds_from_now) -> str:
    return formatdate(time() + seconds_from_now, usegmt=True)


PASSING = {
    "API-1 429 with seconds": error(429, Retry_After="2"),
    "API-2 429 with a date": error(429, Retry_After=http_date(30)),
    "API-3 429 with garbage": error(429, Retry_After="soon \x7f"),
    "API-6 500": error(500),
    "API-6 502": Say(b"<html>bad gateway</html>", 502),
    "API-6 503": error(503),
    "API-6 529": error(529),
    "API-7 408": error(408),
    "API-7 409": error(409),
    "API-12 reset in the body": Say({"choices": ["x" * 200]}, cut=20),
    "API-16 HTML with 200": Say(b"<html>please log in</html>"),
    "API-17 an error with 200": Say({"error": {"message": "overloaded"}}),
    "API-18 cut JSON": Say(b'{"choices": [{"mess'),
    "API-19 no choices": Say({"choices": []}),
}
"""Faults after which asking again helps."""


def rows(count) -> list:
    """That many different conversations."""
    return [[{"role": "user", "content": f"row {number}"}] for number in range(count)]


def answering(answer=lambda asked: None) -> Callable[[Asked], Say]:
    """A server without a model: it repeats the prompt and the seed, unless `answer` has something else to say."""

    def script(asked: Asked) -> Say:
        if asked.path != "/chat/completions":
            return error(404)
        return answer(asked) or chat(f"{asked.body['messages'][-1]['content']} {asked.body['seed']}")

    return script


def served(model, *, dialects=("prompt_logprobs", "echo"), name="m", lock=None) -> Callable[[Asked], Say]:
    """A real model behind the API: `/models`, `/chat/completions` and `/completions` with the dialects given."""
    lock = lock or threading.Lock()

    def script(asked: Asked) -> Say:
        if asked.path == "/models":
            return Say({"data": [{"id": name, "owned_by": "test", "created": time()}]})
        if asked.body.get("model") != name:
            return error(404, "model_not_found", "no such model")
        with lock:
            return write(asked.body) if asked.path == "/chat/completions" else score(asked.body)

    def write(body) -> Say:
        import numpy as np

        from subtrait.models.base import Sampling

        messages = body["messages"]
        how = Sampling(temperature=body["temperature"], top_p=body["top_p"], max_new_tokens=body["max_tokens"])
        text = model.generate([messages], sampling=how, rng=np.random.default_rng(body["seed"]))[0]
        cut = len(model.encoder.completions([text])[0]) > body["max_tokens"]  # of which one ends the turn
        usage = {"prompt_tokens": len(model.encoder.prompts([messages])[0])}
        return chat(text, model=name, ending="length" if cut else "stop", usage=usage)

    def score(body) -> Say:
        wanted = "prompt_logprobs" if "prompt_logprobs" in body else "echo"
        if wanted not in dialects:
            return error(400, "invalid_request_error", f"{wanted} is not supported")
        tokens = body["prompt"]
        values = [None, *_log_probabilities(model, tokens)]
        texts = model.encoder.decode([[token] for token in tokens])
        if wanted == "echo":
            found = {"logprobs": {"tokens": texts, "token_logprobs": values}}
        else:
            parts = zip(tokens[1:], values[1:], texts[1:], strict=True)
            found = {"prompt_logprobs": [None, *({str(t): {"logprob": v, "decoded_token": d}} for t, v, d in parts)]}
        return Say({"model": name, "choices": [{"index": 0, "text": "", **found}]})

    return script


def _log_probabilities(model, tokens) -> list[float]:
    from subtrait.models.likelihood import score_tokens

    return score_tokens(model.network, [(tokens[:1], tokens[1:])])[0].tolist()
