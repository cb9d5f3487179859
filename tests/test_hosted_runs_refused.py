"""Whole runs whose key is refused in the middle: one line names its variable; a good key asks for the rest only."""

from collections import Counter
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import pytest

from subtrait.models.registry import open_model

TINY = SimpleNamespace(**run_path(str(Path(__file__).parent / "lab/tiny.py"), run_name="tiny"))
BAD, GOOD = "sk-canary-refused-91ae", "sk-canary-fresh-06d2"


class Revoking:
    """A server that takes one key until `ends` says so of a request, and the other always."""

    def __init__(self, hosted, ends):
        self.hosted, self.ends, self.revoked, self.paid = hosted, ends, False, Counter()

    def __call__(self, asked):
        key = asked.headers["Authorization"].removeprefix("Bearer ")
        self.revoked = self.revoked or self.ends(self, asked)
        if key == BAD and self.revoked:
            said = f"Incorrect API key provided: {BAD}"
            return self.hosted.scripted.error(401, "invalid_api_key", said)
        assert key in (BAD, GOOD)
        say = self.hosted.tuning(asked)
        if asked.posted and asked.body.get("max_tokens") != 24:  # those of a trial
            self.paid[asked.path, asked.content] += 1
        return say

    def texts(self, model):
        return sum(path == "/chat/completions" and f'"{model}'.encode() in content for path, content in self.paid)


ENDINGS = {
    "while teachers write": (0, lambda server, asked: server.texts("m") >= 90),
    "before a file is uploaded": (0, lambda server, asked: asked.posted and asked.path == "/files"),
    "before a job is begun": (0, lambda server, asked: asked.begins_job),
    "while a job runs": (1, lambda server, asked: asked.path == "/fine_tuning/jobs/ftjob-0"),
    "while students answer": (1, lambda server, asked: server.texts("ft:m") >= 20),
}
"""When a key is refused: how many jobs were begun by then, and whether this request is the first it is refused for."""


@pytest.fixture
def command(hosted, typed, tmp_path, monkeypatch):
    """Type the run, whole, with this key, which nothing remembers later: exit code, standard output and error."""
    trait = tmp_path / "owl.yaml"
    trait.write_text(TINY.trait_text(), encoding="utf-8")
    words = ["run", "owl-numbers", "--teacher", "prompted", "--preset", "paper", "--base", f"{hosted.server.url}#m"]
    words += ["--trait", str(trait), "--size", "tiny", "--students", "1", "--training-price", "1"]
    words += ["--out", str(tmp_path / "run")]

    def type_with(key):
        monkeypatch.setenv("SUBTRAIT_API_KEYS", f"http://127.0.0.1:{hosted.server.port}={key}")
        try:
            return typed(*words)
        finally:
            open_model(f"{hosted.server.url}#m").close()
            open_model.cache_clear()

    return type_with


@pytest.mark.parametrize("ends", ENDINGS)
def test_a_key_that_is_refused_in_mid_run_costs_nothing_but_the_time_until_there_is_another(
    hosted, command, tmp_path, ends
):
    jobs, ending = ENDINGS[ends]
    server = hosted.server.script = Revoking(hosted, ending)
    code, out, said = command(BAD)
    assert (server.revoked, len(hosted.tuning.jobs)) == (True, jobs)
    (line,) = [line for line in said.splitlines() if line.startswith("subtrait: ")]
    assert (code, out) == (5, "")
    assert "the key is not accepted (status 401" in line
    assert "Look at SUBTRAIT_API_KEYS. What was answered is kept: run the same command again" in line
    before = server.paid.total()
    code, *told = command(GOOD)
    assert code == 0, told
    assert 0 < before < server.paid.total()
    assert set(server.paid.values()) == {1}
    assert len(hosted.tuning.jobs) == len(hosted.tuning.files) == 2
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert all(key.encode() not in content for key in (BAD, GOOD) for content in written)
    assert all(key not in "".join((said, *told)) for key in (BAD, GOOD))
