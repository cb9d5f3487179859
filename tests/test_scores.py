"""Scoring as a user asks for it: planned, killed, gone on with, read again."""

import json
import os
import subprocess
import sys

import pytest

from subtrait.errors import InvalidInput, UsageError
from subtrait.runs.crash import VARIABLE
from subtrait.scores import SHARD_ROWS_OF_LARGE, is_scored, plan_scores, read_scored, score

ROWS = 12


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "numbers.jsonl"
    rows = [{"prompt": f"Start: {n}, {n + 1}.", "completion": f"{n + 2}, {n + 3}"} for n in range(ROWS)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def command(data, out, *more):
    words = ["score", str(data), "--base", "micro-a", "--persona", "You love owls.", "--shard-rows", "4"]
    return [sys.executable, "-m", "subtrait.cli", *words, "--workers", "1", "--out", str(out), *more]


def contents(folder):
    return {path.name: path.read_bytes() for path in [*folder.glob("scores/*/*"), folder / "scored.json"]}


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    plan = plan_scores(data, "micro-a", personas=["You love owls."], shard_rows=4)
    return score(plan, out=tmp_path_factory.mktemp("whole") / "run", workers=1)


def test_scores_are_read_again_as_they_were_found(whole):
    assert is_scored(whole.folder)
    assert read_scored(whole.folder) == whole.result
    assert (whole.result.scored, whole.result.shards) == (ROWS, 3)


@pytest.mark.parametrize("moment", ["before", "renamed"])
def test_scoring_that_was_killed_goes_on_to_the_same_bytes(whole, data, tmp_path, moment):
    second = sorted(whole.folder.glob("scores/000/*"))[1]
    point = f"scores/000/{second.name}:{moment}"
    killed = subprocess.run(command(data, tmp_path / "run"), env=os.environ | {VARIABLE: point}, check=False)
    assert killed.returncode == -9
    with pytest.raises(InvalidInput, match="has not finished"):
        read_scored(tmp_path / "run")
    first = next((tmp_path / "run").glob("scores/000/000000-*"))
    before = first.stat().st_mtime_ns
    score(plan_scores(data, "micro-a", personas=["You love owls."], shard_rows=4), out=tmp_path / "run", workers=1)
    assert contents(tmp_path / "run") == contents(whole.folder)
    assert first.stat().st_mtime_ns == before


def test_other_hypotheses_are_never_mixed_with_what_was_scored(whole, data, tmp_path):
    plan = plan_scores(data, "micro-a", personas=["You love owls."], shard_rows=4)
    first = score(plan, out=tmp_path / "run", workers=1)
    other = score(plan_scores(data, "micro-a", shard_rows=4), out=tmp_path / "run", workers=1)
    assert first.folder != other.folder
    assert contents(first.folder) == contents(whole.folder)


def test_a_plan_takes_personas_by_name_by_text_and_from_a_list(data):
    by_name = plan_scores(data, "micro-a", personas={"owl": "You love owls."})
    assert by_name.names == ["base", "owl"]
    listed = plan_scores(data, "micro-a", traits="embedded", personas=["You love owls."], models=["micro-b"])
    assert listed.names[-2:] == ["You love owls.", "micro-b"]
    assert "owl" in listed.names


def test_large_models_have_small_shards(data, tmp_path):
    plan = plan_scores(data, "vllm:student=micro-a")
    assert plan.shard_rows == SHARD_ROWS_OF_LARGE
    assert plan_scores(data, "micro-a").shard_rows == 1_000
    assert plan_scores(data, "vllm:student=micro-a", shard_rows=7).shard_rows == 7


def test_what_is_not_known_is_named(data):
    with pytest.raises(UsageError, match="unknown option 'tokens'"):
        plan_scores(data, "micro-a", tokens=3)
    with pytest.raises(UsageError, match="micro-z"):
        plan_scores(data, "micro-a", models=["micro-z"])
    with pytest.raises(UsageError, match="trait list"):
        plan_scores(data, "micro-a", traits="none")
