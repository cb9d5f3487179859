"""A run that is killed at every stage goes on to the same bytes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
STAGES = (
    "teachers/0/weights",
    "teachers/0/teacher.json",
    "arms/treated/0/rejected.jsonl",
    "arms/treated/0/kept.jsonl",
    "arms/untouched/0/answers.jsonl",
    "arms/untreated/0/weights",
    "arms/untreated/0/answers.jsonl",
    "arms/shuffled-within/0/kept.jsonl",
    "result.json",
    "report.html",
)
MOMENTS = ("written", "renamed")
"""The moments at which an artefact is half there. `before` one and `journalled` are met at both ends of the run."""
POINTS = ["teachers/0/weights:before", *(f"{name}:{moment}" for name in STAGES for moment in MOMENTS)]
POINTS.append("report.html:journalled")


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """What became of a run that was killed again and again, and the files of one that was not."""
    folder = tmp_path_factory.mktemp("killed")
    alone = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}  # a forked process has no other threads
    done = subprocess.run(
        [sys.executable, str(HERE / "killed.py"), str(folder), *POINTS],
        env=os.environ | alone, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("point", POINTS)
def test_a_run_is_killed_at_each_stage_boundary(point, killed):
    assert killed["points"][point]["ended"] == -9


def test_a_run_killed_at_every_stage_boundary_goes_on_to_the_same_bytes(killed):
    assert killed["again"] == 0
    assert killed["differ"] == []


@pytest.mark.parametrize("name", STAGES)
def test_each_run_was_killed_where_it_should_be(name, killed):
    def stored(moment):
        return any(left == name or left.startswith(f"{name}/") for left in killed["points"][f"{name}:{moment}"]["left"])

    assert [stored(moment) for moment in MOMENTS] == [False, True]


def test_stages_follow_each_other_so_a_later_kill_leaves_more(killed):
    left = [len(killed["points"][f"{name}:renamed"]["left"]) for name in STAGES]
    assert left == sorted(set(left))
    assert left[-1] == len(killed["whole"])


def test_the_undisturbed_run_has_every_stage(killed):
    assert {name for name in STAGES if not any(f.startswith(name) for f in killed["whole"])} == set()
