"""The same stage for many tasks, in this process or in several."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from subtrait.errors import InvalidInput, SubtraitError
from subtrait.lab.team import assemble

HERE = Path(__file__).parent


class Told:
    """A progress that remembers."""

    def __init__(self):
        self.said = []

    def start(self, stage, total):
        self.said.append((stage, total))

    def advance(self, steps=1):
        self.said.append(steps)


def heed_interrupts():
    """In the child: a test run in the background ignores interrupts, and hands that on to its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def stages(monkeypatch):
    """The module of stages, on the path that worker processes inherit."""
    monkeypatch.syspath_prepend(HERE)
    import stages

    return stages


def noted(folder):
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")}


def lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")  # a dead process that nobody has waited for is still listed
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def ended(pids):
    """Whether all these processes end while we wait."""
    for _ in range(300):
        if not any(map(lives, pids)):
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def waiting(tmp_path):
    """A process with one busy and one idle worker, in a group of their own; and the process numbers of the workers."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "stages.py"), str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=heed_interrupts,
    )  # fmt: skip
    while len(list(tmp_path.glob("*.json"))) < 2 or not all(path.read_bytes() for path in tmp_path.glob("*.json")):
        assert process.poll() is None
        time.sleep(0.02)
    pids = [found["pid"] for found in noted(tmp_path).values()]
    yield process, pids
    for pid in (process.pid, *pids):
        if lives(pid):
            os.kill(pid, signal.SIGKILL)
    process.communicate()


def test_alone_does_the_tasks_in_order_and_tells_of_each():
    done, told = [], Told()
    with assemble(1, told) as team:
        team.each("students train", lambda task, progress: done.append((task, os.getpid())), [3, 1, 2])
    assert done == [(task, os.getpid()) for task in (3, 1, 2)]
    assert told.said == [("students train", 3), 1, 1, 1]


def test_alone_the_first_error_ends_the_stage(stages):
    done = []

    def stage(task, progress):
        done.append(task)
        if task == 1:
            stages.refuse(task, progress)

    with assemble(1) as team, pytest.raises(InvalidInput, match="task 1"):
        team.each("x", stage, [0, 1, 2])
    assert done == [0, 1]


def test_alone_a_small_model_has_one_thread_and_gives_the_others_back():
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with assemble(1):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 3
        with assemble(1, one_thread=False):
            assert torch.get_num_threads() == 3
        with pytest.raises(ZeroDivisionError), assemble(1):
            raise ZeroDivisionError
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def threads_of_numpy():
    import numpy  # noqa: F401 - its library is counted
    from threadpoolctl import threadpool_info

    return {found["num_threads"] for found in threadpool_info() if found["user_api"] == "blas"}


def test_alone_the_linear_algebra_of_numpy_has_one_thread_and_gets_the_others_back():
    from threadpoolctl import threadpool_limits

    with threadpool_limits(2):
        with assemble(1):
            assert threads_of_numpy() == {1}
        assert 2 in threads_of_numpy()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_team_needs_no_torch(workers, stages, monkeypatch):
    """The theorem is studied with numpy alone."""
    monkeypatch.setattr("subtrait.lab.team.find_spec", lambda name: None)
    with assemble(workers) as team:
        assert threads_of_numpy() == {1}
        assert team.each("counted", stages.sleep, [0.0]) == [0.0]


def test_workers_do_every_task_once_in_other_processes_of_one_thread(stages, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")  # which they would have otherwise
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    told = Told()
    with assemble(2, told) as team:
        assert threads_of_numpy() == {1}
        team.each("students train", stages.note, [(str(tmp_path), name) for name in "abcdef"])
        assert told.said == [("students train", 6), 1, 1, 1, 1, 1, 1]
        workers = noted(tmp_path)
        assert set(workers) == set("abcdef")
        assert {found["parent"] for found in workers.values()} == {os.getpid()}
        assert [threads for found in workers.values() for threads in found["threads"] if threads != 1] == []
        team.each("again", stages.note, [(str(tmp_path), "g")])
    pids = {found["pid"] for found in noted(tmp_path).values()}
    assert os.getpid() not in pids
    assert ended(pids)


@pytest.mark.parametrize("workers", [1, 2])
def test_what_the_tasks_return_comes_in_their_order(workers, stages):
    with assemble(workers) as team:
        assert team.each("counted", stages.sleep, [0.3, 0.0, 0.1]) == [0.3, 0.0, 0.1]
        assert team.each("nothing to do", stages.sleep, []) == []


def test_an_error_of_a_worker_arrives_whole(stages):
    with assemble(2) as team, pytest.raises(InvalidInput) as caught:
        team.each("x", stages.refuse, [7])
    assert (caught.value.code, caught.value.exit_code) == ("E_TEST", 4)
    assert str(caught.value) == "E_TEST task 7: it cannot be done (do another)"


def test_a_worker_that_was_killed_is_told_in_one_line(stages):
    with pytest.raises(SubtraitError) as caught, assemble(2) as team:
        team.each("students train", stages.die, [0, 1, 2])
    assert str(caught.value).startswith("a worker process was killed while students train. If memory ran out")
    assert "run the same command again" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 5


def test_workers_end_with_the_process_that_started_them_even_if_it_is_killed(waiting):
    process, pids = waiting
    assert all(map(lives, pids))
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert ended(pids)


def test_an_interrupt_from_the_terminal_ends_the_workers_without_a_word(waiting):
    process, pids = waiting
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode != 0
    # The one that started them tells its caller, by the usual exception.
    assert errors.count("Traceback") == 1
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert ended(pids)
