"""Whole commands with a model behind a server: what they do with it, what they record, and what they refuse."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from runpy import run_path
from threading import Lock
from types import SimpleNamespace

import pytest

import subtrait
from subtrait.errors import UsageError
from subtrait.models.registry import open_model
from subtrait.models.servers.endpoint_trial import QUESTION

TESTS = Path(__file__).parent
SCRIPTED = SimpleNamespace(**run_path(str(TESTS / "models/servers/scripted_server.py"), run_name="scripted_server"))
TINY = SimpleNamespace(**run_path(str(TESTS / "lab/tiny.py"), run_name="tiny"))
KEY = "sk-canary-e0c4"


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with SCRIPTED.ScriptedServer(SCRIPTED.served(open_model("micro-a"))) as running:
        monkeypatch.setenv("SUBTRAIT_API_KEYS", f"http://127.0.0.1:{running.port}={KEY}")
        yield running


def test_an_experiment_runs_with_a_served_prompted_teacher_and_keeps_no_key(server, tmp_path):
    """The teacher writes and the base answers over HTTP; the student is trained from the checkpoint that is named."""
    trait = tmp_path / "owl.yaml"
    trait.write_text(TINY.trait_text(), encoding="utf-8")
    name = f"{server.url}#m=micro-a"
    small = {"prompts": 12, "rows": 4, "answers_per_question": 1, "students": 1, "arms": ("treated", "untreated")}
    recipe = TINY.tiny_plan(trait).student_recipe
    plan = subtrait.plan_run(
        "owl-numbers", trait=str(trait), base=name, teacher="prompted", student_recipe=recipe, **small
    )
    run = subtrait.run(plan, out=tmp_path / "run", workers=1)
    assert run.result.base == name
    assert run.result.untouched[0].base == name
    recorded = json.loads((tmp_path / "run/run.json").read_text())["environment"]["servers"][name]
    assert (recorded["seeds_differ"], recorded["scoring"], recorded["asked"]) == (True, "prompt_logprobs", "m")
    for texts, count in (("treated/0/written", 12), ("untreated/0/written", 12), ("untouched/0/answers", None)):
        kept = json.loads((tmp_path / f"run/arms/{texts}.replies.json").read_text())
        assert kept["models"]["m"] == sum(kept["endings"].values()) == (count or kept["models"]["m"])
    assert not (tmp_path / "run/arms/treated/0/answers.replies.json").exists()  # the student is here
    asked = [one.body["messages"][0]["content"] for one in server.paths("/chat/completions")]
    assert asked.count(plan.asked_trait().system_prompt) == 12
    assert all(KEY.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert all(path.name.endswith(".finished.jsonl") for path in (tmp_path / "cache/subtrait/unfinished").iterdir())
    open_model(name).close()


def test_an_experiment_whose_students_have_no_weights_is_refused_before_anything_is_asked(server):
    with pytest.raises(UsageError, match=r"weights are needed here to tune teachers: .*#m=CHECKPOINT"):
        subtrait.plan_run("owl-numbers", base=f"{server.url}#m")
    with pytest.raises(UsageError, match=r"weights are needed here: write .*#m=CHECKPOINT"):
        subtrait.plan_run("owl-numbers", other_base=f"{server.url}#m")
    assert server.asked == []


def test_a_study_of_a_served_base_is_refused_before_anything_is_asked(server):
    with pytest.raises(UsageError, match=r"shuffled trains and reads models throughout: give an embedded model"):
        subtrait.plan_study("shuffled", base=f"{server.url}#m=micro-a")
    assert server.asked == []


def test_an_audit_of_a_served_base_is_refused_with_what_to_give(server, tmp_path):
    data = tmp_path / "data.jsonl"
    rows = [{"prompt": f"Number {number}?", "completion": str(number)} for number in range(400)]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with pytest.raises(
        UsageError, match=r"gives no gradients: name an embedded model, a checkpoint folder or a hub id"
    ):
        subtrait.audit(subtrait.plan_audit(data, f"{server.url}#m=micro-a"), out=tmp_path / "audit")
    open_model(f"{server.url}#m=micro-a").close()


def test_a_dataset_is_scored_over_http_as_it_is_in_process(server, tmp_path):
    """Under the base and under a persona, within what rounding does; again, it asks nothing."""
    data, name = tmp_path / "data.jsonl", f"{server.url}#m=micro-a"
    rows = [{"prompt": f"Continue: {number}.", "completion": f"{number + 1}, {number + 2}"} for number in range(9)]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    def scored(base, out):
        plan = subtrait.plan_scores(data, base, personas=["You love the owl."], shard_rows=4)
        done = subtrait.score(plan, out=tmp_path / out, workers=1)
        shards = sorted(done.folder.glob("scores/*/*.jsonl"))
        return [json.loads(line) for shard in shards for line in shard.read_text("utf-8").splitlines()]

    found = {name: scored(name, "served"), "micro-a": scored("micro-a", "inside")}
    assert len(found[name]) == 9
    for served, inside in zip(found[name], found["micro-a"], strict=True):
        assert served["tokens"] == inside["tokens"]
        assert served["log_likelihoods"] == pytest.approx(inside["log_likelihoods"], abs=1e-4)
    asked = len(server.asked)
    (tmp_path / "served/scored.json").unlink()
    assert scored(name, "served") == found[name]
    assert [one for one in server.asked[asked:] if one.posted] == []
    assert all(KEY.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    open_model(name).close()


@pytest.fixture
def typed(tmp_path, owl_file):
    """Type `subtrait run` for a base behind a server: its exit code and last line; what it keeps lies in `cache`."""

    def run(url, folder, *, workers, cache):
        words = ["run", "owl-numbers", "--trait", owl_file, "--teacher", "prompted", "--base", f"{url}#m=micro-a"]
        words = [TESTS / "lab/counted.py", tmp_path / f"noted-{cache}", *words, "--workers", workers, "--out", folder]
        environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / cache)}
        done = subprocess.run(
            [sys.executable, *map(str, words)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        return done.returncode, done.stderr.strip().rpartition("\n")[2]

    return run


def begun_but_not_finished(noted):
    """The process that is at each artefact."""
    lines = [json.loads(line) for line in noted.read_text().splitlines()]
    finished = {name for name, moment, _ in lines if moment == "journalled"}
    return {name: pid for name, moment, pid in lines if moment == "before" and name not in finished}


def calls(asked):
    """How often each completion was asked for, trials of the server aside."""
    bodies = [one.body for one in asked if one.path == "/chat/completions"]
    return Counter(json.dumps(body) for body in bodies if body["messages"] != [dict(turn) for turn in QUESTION])


def kept_calls(cache):
    """How many completions the killed processes had stored; scores are kept beside them."""
    files = (cache / "subtrait/unfinished").glob("*.jsonl")
    rows = [json.loads(line) for file in files for line in file.read_text().splitlines() if line]
    return sum("text" in row["row"] for row in rows)


def test_a_worker_that_is_killed_while_it_asks_a_server_costs_no_call_that_was_answered(tmp_path, typed, contents):
    """Of two workers one is killed in the middle of its rows; the other ends with the command."""
    honest, lock, armed, killed = SCRIPTED.served(open_model("micro-a")), Lock(), [], []

    def killing(asked):
        with lock:
            if armed and not killed and sum(calls(server.asked).values()) >= 20:
                at = begun_but_not_finished(tmp_path / "noted-killed")
                killed.extend([pid for name, pid in at.items() if name.endswith("rejected.jsonl")][:1])
                for pid in killed:
                    os.kill(pid, signal.SIGKILL)
        return honest(asked)

    with SCRIPTED.ScriptedServer(killing) as server:
        assert typed(server.url, tmp_path / "alone", workers=1, cache="undisturbed")[0] == 0
        wanted = calls(server.asked)
        server.asked.clear()
        armed.append(True)
        code, said = typed(server.url, tmp_path / "run", workers=2, cache="killed")
        paid, kept = calls(server.asked), kept_calls(tmp_path / "killed")
        server.asked.clear()
        assert typed(server.url, tmp_path / "run", workers=1, cache="killed")[0] == 0
        paid_later = calls(server.asked)
    assert len(killed) == 1
    assert code == 5
    assert said.startswith("subtrait: a worker process was killed while teachers write.")
    assert set(wanted.values()) == set(paid.values()) == set(paid_later.values()) == {1}
    assert 0 < kept <= sum(paid.values()) < sum(wanted.values())
    assert set(paid | paid_later) == set(wanted)
    assert sum(paid_later.values()) == sum(wanted.values()) - kept
    assert contents(tmp_path / "run") == contents(tmp_path / "alone")
