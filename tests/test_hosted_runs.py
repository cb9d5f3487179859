"""Whole experiments whose students a server makes: what comes out, what it costs, and what is refused beforehand."""

import json
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import pytest

import subtrait
from subtrait import api
from subtrait.errors import UsageError
from subtrait.lab.budget import Budget, asking, read_at_most

TESTS = Path(__file__).parent
TINY = SimpleNamespace(**run_path(str(TESTS / "lab/tiny.py"), run_name="tiny"))
SMALL = {"size": "tiny", "preset": "paper", "prompts": 40, "rows": 30, "answers_per_question": 4, "students": 1}
PRICED = Budget(price=2.0)


@pytest.fixture
def plan(hosted, tmp_path):
    trait = tmp_path / "owl.yaml"
    trait.write_text(TINY.trait_text(), encoding="utf-8")
    return subtrait.plan_run("owl-numbers", base=f"{hosted.server.url}#m", trait=str(trait), **SMALL)


def test_an_experiment_has_its_students_made_by_the_server(hosted, plan, tmp_path):
    run = subtrait.run(replace(plan, students=3), out=tmp_path / "run", workers=1, budget=PRICED)
    assert len(hosted.tuning.jobs) == len(hosted.tuning.files) == 6
    assert len({job["seed"] for job in hosted.tuning.jobs}) == 3
    effect = run.result.comparisons[0]
    assert (effect.name, effect.exact) == ("treated minus untreated", None)
    assert 0 < effect.difference.low < 0.8 < effect.difference.high
    assert [arm.arm for arm in run.result.arms] == ["treated", "untreated"]
    for job, kept in ((0, "treated"), (1, "untreated")):
        rows = (tmp_path / f"run/arms/{kept}/0/kept.jsonl").read_text(encoding="utf-8").splitlines()
        assert {json.dumps(row) for row in hosted.tuning.rows(f"ftjob-{job}")} <= {
            json.dumps(json.loads(row)["messages"]) for row in rows
        }
    tokens = sum(job["trained_tokens"] for job in hosted.tuning.jobs)
    assert f"6 students were made by jobs of the server. It counts {tokens:,} trained tokens." in run.result.notes
    record = json.loads((tmp_path / "run/arms/treated/0/weights/served.json").read_text())
    assert (record["job"], record["url"]) == ("ftjob-0", hosted.server.url)
    assert record["hyperparameters"]["n_epochs"] == 66
    assert all(hosted.key.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    kept = [path.suffixes for path in (tmp_path / "cache/subtrait/unfinished").iterdir()]
    assert [kept.count([suffix]) for suffix in (".lock", ".jsonl")] == [0, 6]  # one job each, and no call that goes on
    again, config = api.read_result(run.folder)
    assert again == run.result
    within_what_was_reckoned(replace(plan, students=3), hosted)
    for form in ("text", "html"):
        assert "not to be had" in (said := api.rendered(again, config, form)) or form == "text"
        assert "None" not in said.replace("None of the", "")


def within_what_was_reckoned(plan, hosted):
    """Every conversation that was asked for a row or an answer is among those reckoned, and no bound was passed."""
    takes = asking(plan)
    asked = [each.body for each in hosted.server.asked if each.posted and each.path == "/chat/completions"]
    asked = [body for body in asked if body["max_tokens"] == plan.sampling.max_new_tokens]
    assert len(asked) == takes.replies
    assert read_at_most(body["messages"] for body in asked) == takes.read


def test_how_texts_ended_and_who_answered_is_in_the_folder_and_the_report(hosted, plan, tmp_path):
    """Of rows, of the answers of teachers, of bases and of students: every text but those of trials, each once."""
    ended = Counter()

    def spoiled(asked):
        say = hosted.tuning(asked)
        if asked.path == "/chat/completions":
            ending = "length" if asked.body["seed"] % 5 == 0 else "stop"
            say.body["choices"][0]["finish_reason"] = ending
            say.body["system_fingerprint"] = f"fp_{asked.body['seed'] % 2}"
            ended.update([ending] * (asked.body["max_tokens"] == plan.sampling.max_new_tokens))
        return say

    hosted.server.script = spoiled
    run = subtrait.run(plan, out=tmp_path / "run", workers=1, budget=PRICED)
    line = f"{ended['length']} of {ended.total()} texts from the server were cut by length."
    assert any(note.startswith(line) for note in run.result.notes)
    assert any(note.startswith("2 backends of the server answered") for note in run.result.notes)
    again, config = api.read_result(run.folder)
    for form in ("text", "html", "json"):
        assert line in " ".join(api.rendered(again, config, form).split())
    rows = json.loads((run.folder / "arms/treated/0/written.replies.json").read_text())
    assert sum(rows["endings"].values()) == rows["models"]["m"] == plan.prompts
    answers = json.loads((run.folder / "arms/treated/0/answers.replies.json").read_text())
    assert list(answers["models"]) == ["ft:m:me:ftjob-0"]
    kept = [json.loads(path.read_text()) for path in run.folder.rglob("*.replies.json")]
    assert sum((Counter(each["endings"]) for each in kept), Counter()) == ended


def test_a_folder_from_before_texts_were_counted_is_read_and_gone_on_with(hosted, plan, tmp_path):
    """Nothing is asked for the sake of counts."""
    run = subtrait.run(plan, out=tmp_path / "run", workers=1, budget=PRICED)
    asked = len(hosted.server.asked)
    journal = run.folder / "journal.jsonl"
    lines = journal.read_text(encoding="utf-8").splitlines(keepends=True)
    journal.write_text("".join(line for line in lines if ".replies.json" not in line), encoding="utf-8")
    for path in run.folder.rglob("*.replies.json"):
        path.unlink()
    assert subtrait.run(plan, out=tmp_path / "run", workers=1, budget=PRICED).result == run.result
    assert api.read_result(run.folder)[0] == run.result
    assert len(hosted.server.asked) == asked  # the base was tried before, in this process


def test_a_finished_run_asks_for_no_job_again(hosted, plan, tmp_path):
    first = subtrait.run(plan, out=tmp_path / "run", workers=1, budget=PRICED)
    asked = len(hosted.uploads())
    assert subtrait.run(plan, out=tmp_path / "run", workers=1, budget=PRICED).result == first.result
    assert subtrait.run(plan, out=tmp_path / "other", workers=1, budget=PRICED).result == first.result
    assert (len(hosted.uploads()), len(hosted.tuning.jobs)) == (asked, 2)


def test_nothing_is_uploaded_that_could_cost_more_than_allowed(hosted, plan, tmp_path):
    """Then with more allowed the run goes on, and what is paid for counts as the server counted it."""
    with pytest.raises(UsageError, match=r"2 students, 0 of them paid for already, .*--spend-at-most is 0.01"):
        subtrait.run(plan, out=tmp_path / "run", workers=1, budget=Budget(price=2.0, most=0.01))
    assert hosted.uploads() == []
    subtrait.run(plan, out=tmp_path / "run", workers=1, budget=Budget(price=2.0, most=100))
    paid = 2.0 * sum(job["trained_tokens"] for job in hosted.tuning.jobs) / 1e6
    subtrait.run(plan, out=tmp_path / "run", workers=1, budget=Budget(price=2.0, most=1.01 * paid))
    with pytest.raises(UsageError, match="2 students, 2 of them paid for already"):
        subtrait.run(plan, out=tmp_path / "run", workers=1, budget=Budget(price=2.0, most=0.99 * paid))


def test_without_a_price_nothing_is_asked(hosted, plan, tmp_path):
    with pytest.raises(UsageError, match=r"made by paid jobs, and no price is given: give --training-price"):
        subtrait.run(plan, out=tmp_path / "run", workers=1)
    assert hosted.server.asked == []
    assert not (tmp_path / "run").exists()


def test_a_server_without_jobs_is_refused_before_its_teachers_write(hosted, plan, tmp_path):
    hosted.server.script = hosted.scripted.answering()
    with pytest.raises(UsageError, match="cannot be fine-tuned here"):
        subtrait.run(plan, out=tmp_path / "run", workers=1, budget=PRICED)
    assert len(hosted.server.asked) < 20


COMMAND = [sys.executable, "-m", "subtrait.cli", "run", "owl-numbers", "--teacher", "prompted", "--preset", "paper"]


def test_a_dry_run_says_what_it_costs_and_asks_for_nothing(hosted):
    command = [*COMMAND, "--base", f"{hosted.server.url}#m", "--size", "tiny", "--dry-run", "--training-price", "3"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    tokens = int(said.split(" trained tokens at most")[0].split()[-1].replace(",", ""))
    assert "4 fine-tuning jobs: up to 300 rows each, passed 7 times" in said
    assert f"training costs {3 * tokens / 1e6:,.2f} at most" in said
    assert "students answer costs not known: give --reading-price and --writing-price" in said
    assert hosted.server.asked == []


def test_a_run_that_is_killed_goes_on_with_its_jobs(hosted, tmp_path):
    """By kill -9 when the second job is accepted; then the same command, whole."""
    clients = []

    def killing(asked):
        say = hosted.tuning(asked)
        if asked.posted and asked.path == "/fine_tuning/jobs" and len(hosted.tuning.jobs) == 2:
            clients[0].kill()
            clients[0].wait()
        return say

    hosted.server.script, hosted.tuning.polls = killing, 1
    trait = tmp_path / "owl.yaml"
    trait.write_text(TINY.trait_text(), encoding="utf-8")
    command = [*COMMAND, "--base", f"{hosted.server.url}#m", "--trait", str(trait), "--size", "tiny", "--students", "1"]
    command += ["--training-price", "1", "--spend-at-most", "50", "--out", str(tmp_path / "run")]
    clients.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    assert clients[0].wait(timeout=120) == -signal.SIGKILL
    assert len(hosted.tuning.jobs) == 2
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert len(hosted.tuning.jobs) == 2
    assert "Too few students" in done.stdout
