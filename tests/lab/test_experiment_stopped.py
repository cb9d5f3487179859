"""Real processes that are stopped: from inside, from outside, from the keyboard."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

import subtrait

COUNTED = Path(__file__).with_name("counted.py")


def heed_interrupts():
    """In the child: a test run in the background ignores interrupts, and hands that on to its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture(scope="module")
def lonely(tiny, owl_file, contents, tmp_path_factory):
    """The tiny experiment with one student: its plan, how to run it in a process, what it leaves undisturbed."""
    plan = tiny.tiny_plan(owl_file, students=1)
    folder = subtrait.run(plan, out=tmp_path_factory.mktemp("undisturbed") / "run", workers=1).folder

    def command(folder, workers):
        return tiny.script, folder, owl_file, workers, 1

    return SimpleNamespace(plan=plan, command=command, contents=contents(folder))


@pytest.fixture
def start():
    """Start a Python process in a group of its own, and see to it that nothing of it is left."""
    started = []

    def process(*arguments, **environment):
        command = [sys.executable, *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8"}
        told = os.environ | environment
        started.append(subprocess.Popen(command, env=told, start_new_session=True, preexec_fn=heed_interrupts, **pipes))
        return started[-1]

    yield process
    for one in started:
        if group(one.pid):
            os.killpg(one.pid, signal.SIGKILL)
        one.communicate()


def processes():
    """Number, group and state of every process."""
    if not Path("/proc/self/stat").exists():
        listed = subprocess.run(["ps", "-A", "-o", "pid=,pgid=,stat="], capture_output=True, text=True, check=True)
        return [line.split() for line in listed.stdout.splitlines()]
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            state, _, group = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[:3]
            found.append((path.parent.name, group, state))
    return found


def group(leader):
    """The living processes of the group that `leader` began."""
    return [int(pid) for pid, pgid, state in processes() if int(pgid) == leader and not state.startswith("Z")]


def until(condition, process=None):
    """Wait for the condition; the process must live meanwhile."""
    for _ in range(3000):
        if condition():
            return
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.05)
    pytest.fail("waited in vain")


def stored(folder):
    journal = folder / "journal.jsonl"
    lines = journal.read_text(encoding="utf-8").split("\n")[:-1] if journal.exists() else []
    return [json.loads(line)["name"] for line in lines]


def test_a_process_killed_while_a_student_is_stored_is_gone_on_with(lonely, contents, start, tmp_path):
    folder = tmp_path / "run"
    process = start(*lonely.command(folder, workers=1), SUBTRAIT_KILL_AT="arms/treated/0/weights:renamed")
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert (folder / "arms/treated/0/weights").exists()
    assert "arms/treated/0/weights" not in stored(folder)
    assert subtrait.run(lonely.plan, out=folder, workers=1).notice == ""
    assert contents(folder) == lonely.contents


def test_the_workers_of_a_killed_owner_end_and_the_run_is_gone_on_with(lonely, contents, start, tmp_path):
    """What becomes of a run whose worker is killed is in `test_team_killed`."""
    folder = tmp_path / "run"
    owner = start(*lonely.command(folder, workers=2))
    until(lambda: "arms/untouched-other-base/0/answers.jsonl" in stored(folder), owner)
    workers = set(group(owner.pid)) - {owner.pid}
    assert len(workers) >= 2
    owner.send_signal(signal.SIGKILL)
    until(lambda: group(owner.pid) == [])
    assert "result.json" not in stored(folder)
    subtrait.run(lonely.plan, out=folder, workers=1)
    assert contents(folder) == lonely.contents


@pytest.mark.parametrize(("stage", "later"), [("kept.jsonl", "weights"), ("weights", "answers.jsonl")])
def test_an_interrupt_ends_a_run_of_several_processes_in_one_line(owl_file, start, tmp_path, stage, later):
    """At a student's rows, and at its training. One process stays at what comes later, or the run might end before."""
    folder = tmp_path / "run"
    words = ["run", "owl-numbers", "--trait", owl_file, "--workers", 2, "--out", folder]
    process = start(COUNTED, tmp_path / "noted", *words, STAY_AT=f"arms/untreated/0/{later}")
    until(lambda: any(name.startswith("arms") and name.endswith(stage) for name in stored(folder)), process)
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate()
    assert process.returncode == 130
    assert output == ""
    assert "Traceback" not in errors
    assert errors.splitlines()[-1].startswith("subtrait: stopped; what is finished is kept.")
    until(lambda: group(process.pid) == [])
    assert len(stored(folder)) >= 2


def test_processes_of_a_group_are_seen(start):
    process = start("-c", "import time; print(flush=True); time.sleep(60)")
    process.stdout.readline()
    assert group(process.pid) == [process.pid]
