"""A run one of whose worker processes is killed goes on, and does nothing twice that was finished."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

HERE = Path(__file__).parent
STAYED_AT = "arms/untreated/0/weights"


@pytest.fixture(scope="module")
def command(owl_file):
    """Type `subtrait run` with a tiny plan for so many workers: a process, of which nothing is left afterwards."""
    started = []

    def typed(folder, noted, workers, **environment):
        words = ["run", "owl-numbers", "--trait", owl_file, "--workers", workers, "--out", folder]
        process = subprocess.Popen(
            [sys.executable, *map(str, (HERE / "counted.py", noted, *words))], text=True, encoding="utf-8",
            env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        return process

    yield typed
    for process in started:
        process.kill()  # and its workers end with it
        process.communicate()


def moments(noted):
    """Artefact, moment and process, in the order in which they were noted."""
    return [json.loads(line) for line in noted.read_text().splitlines()] if noted.exists() else []


def at(moment, noted):
    return Counter(name for name, when, _ in noted if when == moment)


def killed_while_it_stays(process, noted):
    """Kill the worker that stays, once another one has finished something since; its number."""
    for _ in range(2_400):
        so_far = moments(noted)
        staying = [place for place, (name, moment, _) in enumerate(so_far) if (name, moment) == (STAYED_AT, "before")]
        if staying and any(moment == "journalled" for _, moment, _ in so_far[staying[0] :]):
            os.kill(so_far[staying[0]][2], signal.SIGKILL)
            return so_far[staying[0]][2]
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    pytest.fail("nobody came to that artefact")


@pytest.fixture(scope="module")
def interrupted(command, contents, tmp_path_factory):
    """A command whose worker was killed, the same command again, and one that nobody disturbed."""
    folder = tmp_path_factory.mktemp("killed")
    first = command(folder / "run", folder / "first", 2, STAY_AT=STAYED_AT)
    victim = killed_while_it_stays(first, folder / "first")
    _, said = first.communicate(timeout=120)
    second = command(folder / "run", folder / "second", 1)
    output, _ = second.communicate(timeout=240)
    alone = command(folder / "alone", folder / "undisturbed", 1)
    alone.communicate(timeout=240)
    return SimpleNamespace(
        victim=victim, owner=first.pid, said=said, codes=(first.returncode, second.returncode, alone.returncode),
        output=output, first=moments(folder / "first"), second=moments(folder / "second"),
        undisturbed=moments(folder / "undisturbed"), found=contents(folder / "run"), whole=contents(folder / "alone"),
    )  # fmt: skip


def test_a_killed_worker_ends_the_command_in_one_line(interrupted):
    assert interrupted.codes == (5, 0, 0)
    assert interrupted.victim != interrupted.owner
    assert "Traceback" not in interrupted.said
    last = interrupted.said.strip().splitlines()[-1]
    assert last.startswith("subtrait: a worker process was killed while students train.")
    assert "run the same command again" in last


def test_what_was_finished_when_a_worker_was_killed_is_not_done_again(interrupted):
    finished, begun = at("journalled", interrupted.first), at("before", interrupted.first)
    assert STAYED_AT in begun
    assert len(finished) >= 6
    again = at("before", interrupted.second)
    assert not set(finished) & set(again)
    assert STAYED_AT in again


def test_with_the_killed_worker_all_is_finished_once_and_begun_twice_by_whoever_was_stopped_alone(interrupted):
    both = interrupted.first + interrupted.second
    assert at("journalled", both) == at("journalled", interrupted.undisturbed)
    assert set(at("journalled", both).values()) == {1}
    twice = [name for name, times in at("before", both).items() if times > 1]
    under_way = set(at("before", interrupted.first)) - set(at("journalled", interrupted.first))
    assert STAYED_AT in twice
    assert set(twice) <= under_way
    assert len(twice) <= 2  # of two workers


def test_a_run_whose_worker_was_killed_ends_with_the_bytes_of_an_undisturbed_one(interrupted):
    assert interrupted.found == interrupted.whole
    assert "result.json" in interrupted.whole
