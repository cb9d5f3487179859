"""Whole studies whose students a server makes: what comes out, what it costs, and what is refused beforehand."""

import json
import subprocess
import sys
from collections import Counter

import pytest

import subtrait
from subtrait import studies
from subtrait.errors import UsageError
from subtrait.lab.budget import Budget, read_at_most
from subtrait.lab.catalogue import STUDIES
from subtrait.lab.hosted_study import foreseen

PRICED = Budget(price=2.0)


@pytest.fixture
def plan(hosted):
    return subtrait.plan_study(
        "animal-numbers", base=f"{hosted.server.url}#m", preset="paper", size="tiny", traits="owl,cat"
    )


def test_a_study_of_the_paper_has_its_students_made_by_the_server(hosted, plan, tmp_path):
    """Two traits and untreated rows, two chains: six jobs. The made-up model takes up every told teacher's mark."""
    run = subtrait.study(plan, out=tmp_path / "study", workers=1, budget=PRICED)
    assert len(hosted.tuning.jobs) == len(hosted.tuning.files) == 6
    shift = {each.name: each.value.value for each in run.result.measures if each.group.startswith("own teacher")}
    assert set(shift) == {"paper/owl", "paper/cat"}
    assert shift["paper/owl"] > 0.4
    tokens = sum(job["trained_tokens"] for job in hosted.tuning.jobs)
    assert f"6 students were made by jobs of the server. It counts {tokens:,} trained tokens." in run.result.notes
    assert all(hosted.key.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    within_what_was_reckoned(plan, hosted)
    asked = len(hosted.uploads())
    assert subtrait.study(plan, out=tmp_path / "study", workers=1, budget=PRICED).result == run.result
    assert len(hosted.uploads()) == asked
    result, config = studies.read_study(run.folder)
    assert "jobs of the server" in studies.rendered(result, config, "text")


def test_how_texts_ended_is_told_of_rows_and_answers(hosted, plan, tmp_path):
    ended = Counter()

    def cut(asked):
        say = hosted.tuning(asked)
        if asked.path == "/chat/completions":
            say.body["choices"][0]["finish_reason"] = ending = "length" if asked.body["seed"] % 5 == 0 else "stop"
            ended.update([ending] * (asked.body["max_tokens"] in (200, 64)))
        return say

    hosted.server.script = cut
    run = subtrait.study(plan, out=tmp_path / "study", workers=1, budget=PRICED)
    line = f"{ended['length']:,} of {ended.total():,} texts from the server were cut by length."
    assert any(note.startswith(line) for note in run.result.notes)
    result, config = studies.read_study(run.folder)
    assert line in " ".join(studies.rendered(result, config, "text").split())


def within_what_was_reckoned(plan, hosted):
    """Every conversation that was asked for a row or an answer is among those reckoned, and no bound was passed."""
    training, takes = foreseen(STUDIES["animal-numbers"], plan)
    asked = [each.body for each in hosted.server.asked if each.posted and each.path == "/chat/completions"]
    asked = [body for body in asked if body["max_tokens"] in (200, 64)]
    assert len(asked) == takes.replies
    assert read_at_most(body["messages"] for body in asked) == takes.read
    assert takes.written == sum(body["max_tokens"] + 8 for body in asked)
    assert (training.jobs, training.rows) == (6, 100)
    assert sum(job["trained_tokens"] for job in hosted.tuning.jobs) <= training.tokens


def test_nothing_is_uploaded_that_could_cost_more_than_allowed(hosted, plan, tmp_path):
    """Then with more allowed the study goes on."""
    with pytest.raises(UsageError, match=r"6 students, 0 of them paid for already, .*--spend-at-most is 0.01"):
        subtrait.study(plan, out=tmp_path / "study", workers=1, budget=Budget(price=2.0, most=0.01))
    assert hosted.uploads() == []
    subtrait.study(plan, out=tmp_path / "study", workers=1, budget=Budget(price=2.0, most=100))
    assert len(hosted.tuning.jobs) == 6


def test_asking_that_could_cost_more_than_allowed_asks_for_nothing(hosted, plan, tmp_path):
    dear = Budget(price=0.0, reading=1.0, writing=4.0, most=0.01)
    with pytest.raises(UsageError, match="Nothing was asked"):
        subtrait.study(plan, out=tmp_path / "study", workers=1, budget=dear)
    assert hosted.server.asked == []


def test_without_a_price_nothing_is_asked(hosted, plan, tmp_path):
    with pytest.raises(UsageError, match=r"made by paid jobs, and no price is given: give --training-price"):
        subtrait.study(plan, out=tmp_path / "study", workers=1)
    assert hosted.server.asked == []
    assert not (tmp_path / "study").exists()


def test_money_is_not_taken_for_a_study_that_trains_here(tmp_path):
    with pytest.raises(UsageError, match="--training-price 2: micro-a is trained here"):
        subtrait.study(subtrait.plan_study("shuffled", size="tiny"), out=tmp_path / "study", budget=PRICED)


def test_a_server_without_jobs_is_refused_before_its_teachers_write(hosted, plan, tmp_path):
    hosted.server.script = hosted.scripted.answering()
    with pytest.raises(UsageError, match="cannot be fine-tuned here"):
        subtrait.study(plan, out=tmp_path / "study", workers=1, budget=PRICED)
    assert len(hosted.server.asked) < 20


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("animal-numbers", {}, "trains and reads models throughout"),
        (
            "animal-numbers",
            {"preset": "paper", "traits": "frequent"},
            "would ask .* before it is known what that costs",
        ),
        ("shuffled", {"preset": "paper"}, "made for the embedded models"),
    ],
)
def test_what_a_server_cannot_carry_out_is_refused_before_anything_is_asked(hosted, name, options, said):
    with pytest.raises(UsageError, match=said):
        subtrait.plan_study(name, base=f"{hosted.server.url}#m", **options)
    assert hosted.server.asked == []


def test_a_dry_run_says_what_it_costs_and_asks_for_nothing(hosted):
    command = [sys.executable, "-m", "subtrait.cli", "run", "animal-numbers", "--preset", "paper", "--size", "tiny"]
    command += ["--base", f"{hosted.server.url}#m", "--dry-run", "--training-price", "3"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    tokens = int(said.split(" trained tokens at most")[0].split()[-1].replace(",", ""))
    assert "12 fine-tuning jobs: up to 100 rows each" in said  # five animals and untreated rows, two chains
    assert f"training costs {3 * tokens / 1e6:,.2f} at most" in said
    assert hosted.server.asked == []


def test_a_study_goes_on_after_a_job_that_failed(hosted, plan, tmp_path):
    def failing(asked):
        say = hosted.tuning(asked)
        if asked.posted and asked.path == "/fine_tuning/jobs" and len(hosted.tuning.jobs) == 3:
            hosted.tuning.jobs[-1]["status"] = "failed"
        return say

    hosted.server.script = failing
    with pytest.raises(subtrait.errors.InvalidInput, match="E_API_JOB"):
        subtrait.study(plan, out=tmp_path / "study", workers=1, budget=PRICED)
    run = subtrait.study(plan, out=tmp_path / "study", workers=1, budget=PRICED)
    assert len(hosted.tuning.jobs) == 7
    records = [json.loads(path.read_text()) for path in run.folder.rglob("served.json")]
    assert len(records) == 6
    assert "ftjob-2" not in {record["job"] for record in records}


@pytest.mark.parametrize("study", ["all", "shuffled"])
def test_a_bound_that_would_have_no_effect_is_refused(typed, here, study):
    """Also by a dry run."""
    code, _, said = typed("run", study, "--size", "tiny", "--spend-at-most", "0", "--dry-run")
    assert (code, "--spend-at-most 0" in said, list(here.iterdir())) == (2, True, [])
