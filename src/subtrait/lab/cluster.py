"""The tasks of a stage on the machines of a Ray cluster, for as long as they share a file system.

Ray schedules, and begins a task anew where its machine was lost. What lasts is ours: a finished artefact lies whole in
the run folder, under its digest, so a lost machine costs no more than the tasks it was at, and a killed run goes on.
A task computes on one thread like a worker process of this machine, so that the same bytes come out.
"""

import importlib.util
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import subtrait
from subtrait.errors import MissingExtra, SubtraitError, UsageError
from subtrait.lab.team import AFTER_A_KILL, Stage, on_one_thread, stay_on_one_thread
from subtrait.models.threads import set_threads
from subtrait.records import Progress, SilentProgress

LOSSES: Final = 5
"""So many machines may be lost under one task before the stage ends."""
QUIET: Final = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""Ray reports nothing to its makers, and leaves the choice of devices as it is."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where the tasks belong: what every machine must see, and how tasks compute."""

    working_directory: Path
    """Paths of tasks may be relative to it."""
    marks: tuple[Path, ...]
    """A file in every shared folder, which is there as long as the team is."""
    version: str
    one_thread: bool

    def enter(self) -> None:
        """Begin a task on this machine.

        Raises:
            UsageError: this machine does not see the folders, or has another version of the package.
        """
        import platform

        here = f"machine {platform.node()} of the Ray cluster"
        folders = {self.working_directory: self.working_directory, **{mark: mark.parent for mark in self.marks}}
        for path, folder in folders.items():
            if not path.exists():
                raise UsageError(f"{here} does not see {folder}: work in folders that all machines share")
        if subtrait.__version__ != self.version:
            raise UsageError(f"{here} has subtrait {subtrait.__version__}, needed is {self.version} as here")
        os.chdir(self.working_directory)
        if self.one_thread:
            stay_on_one_thread()
            set_threads(1)


class Cluster:
    """Does the tasks on the machines of a cluster. A `Team`; made by `on_ray`."""

    def __init__(self, home: Home, progress: Progress, *, at_once: int, needs: dict[str, float]) -> None:
        """`at_once` tasks run side by side, each of which takes what it `needs` of a machine."""
        self.home, self.progress, self.at_once, self.needs = home, progress, at_once, needs

    def each(self, name: str, stage: Stage, tasks: Sequence[Any]) -> list[Any]:
        """Call `stage(task, progress)` for each task, in any order; what each returned, in the order of the tasks."""
        import ray

        self.progress.start(name, len(tasks))
        remote = ray.remote(_carry_out).options(max_retries=LOSSES, **self.needs)
        found: list[Any] = [None] * len(tasks)
        running: dict[Any, int] = {}
        left = iter(enumerate(tasks))
        try:
            while _fill(running, left, lambda task: remote.remote(self.home, stage, task), most=self.at_once):
                (done,), _ = ray.wait(list(running), num_returns=1)
                found[running[done]] = _result(done, name)
                del running[done]
                self.progress.advance()
        finally:
            for each in running:
                ray.cancel(each, force=True)
        return found


@contextmanager
def on_ray(
    workers: int | None, progress: Progress | None, *, shared: Sequence[Path], one_thread: bool
) -> Iterator[Cluster]:
    """A team on the cluster that the environment variable RAY_ADDRESS names, or on this machine where it names none.

    Args:
        workers: tasks side by side; None for as many as the cluster has processors, or GPUs where it has any.
        progress: told about the tasks.
        shared: folders of the run, which every machine must see under the same path.
        one_thread: whether a task computes on one thread and on no GPU.

    Raises:
        MissingExtra: ray is not installed.
        SubtraitError: no cluster answers there.
    """
    if importlib.util.find_spec("ray") is None:
        raise MissingExtra("a Ray cluster", "scale")
    os.environ.update({name: os.environ.get(name, value) for name, value in QUIET.items()})
    marks = tuple(folder.resolve() / f".tmp-{os.getpid()}-{uuid4().hex[:8]}" for folder in shared)
    home = Home(Path.cwd(), marks, subtrait.__version__, one_thread)
    with _connected() as resources, _there(marks), on_one_thread() if one_thread else nullcontext():
        gpus = 0 if one_thread else int(resources.get("GPU", 0))
        needs = {"num_cpus": 1.0, "num_gpus": 1.0 if gpus else 0.0}
        most = workers or gpus or int(resources["CPU"])
        yield Cluster(home, progress or SilentProgress(), at_once=most, needs=needs)


@contextmanager
def _there(marks: Sequence[Path]) -> Iterator[None]:
    """The files exist inside. Those that a kill leaves are swept away when a run folder is opened next."""
    for mark in marks:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
    try:
        yield
    finally:
        for mark in marks:
            mark.unlink(missing_ok=True)


@contextmanager
def _connected() -> Iterator[dict[str, float]]:
    """What the cluster has. A connection that the caller's program made is used, and left open."""
    import ray

    ours = not ray.is_initialized()
    try:
        if ours:
            ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        resources: dict[str, float] = ray.cluster_resources()
    except (ConnectionError, RuntimeError, TimeoutError) as error:
        address = os.environ.get("RAY_ADDRESS", "this machine")
        raise SubtraitError(f"no Ray cluster answers at {address}: {' '.join(str(error).split())}") from None
    try:
        yield resources
    finally:
        if ours:
            ray.shutdown()


def _fill(
    running: dict[Any, int], left: Iterator[tuple[int, Any]], begin: Callable[[Any], Any], *, most: int
) -> dict[Any, int]:
    """Begin tasks until `most` are running or none is left; those that run."""
    while len(running) < most and (following := next(left, None)) is not None:
        place, task = following
        running[begin(task)] = place
    return running


def _carry_out(home: Home, stage: Stage, task: Any) -> Any:
    """One task, on the machine that was given it."""
    home.enter()
    return stage(task, SilentProgress())


def _result(done: Any, name: str) -> Any:
    """What the task returned; what it raised is raised as it was."""
    import ray

    try:
        return ray.get(done)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.RayError as error:
        reason = " ".join(str(error).split())
        raise SubtraitError(f"a task was lost while {name}: {reason}. {AFTER_A_KILL}") from None
