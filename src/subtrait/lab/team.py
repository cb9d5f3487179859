"""Who does the tasks of a stage: this process, or a few worker processes side by side.

Each worker computes on one thread, and so does this process when it works alone on an embedded model; the bytes that
come out depend on neither the number of workers nor the order in which they finish.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from subtrait.records import Progress, SilentProgress

TaskType = TypeVar("TaskType")
Stage = Callable[[Any, Progress], None]


class Team(Protocol):
    """Does the same stage for several tasks."""

    def each(self, name: str, stage: Stage, tasks: Sequence[Any]) -> None:
        """Call `stage(task, progress)` for each task. The first error ends the stage and is raised."""


class Alone:
    """Does the tasks one after another in this process."""

    def __init__(self, progress: Progress | None = None) -> None:
        self.progress = progress or SilentProgress()

    def each(self, name: str, stage: Stage, tasks: Sequence[Any]) -> None:
        """Call `stage(task, progress)` for each task, in order."""
        self.progress.start(name, len(tasks))
        for task in tasks:
            stage(task, SilentProgress())
            self.progress.advance()


class Workers:
    """Does the tasks in worker processes, which end when this process does, however it ends."""

    def __init__(self, pool: Any, progress: Progress) -> None:
        self.pool = pool
        self.progress = progress

    def each(self, name: str, stage: Stage, tasks: Sequence[Any]) -> None:
        """Call `stage(task, progress)` for each task, in any order."""
        from concurrent.futures import as_completed

        self.progress.start(name, len(tasks))
        futures = [self.pool.submit(stage, task, SilentProgress()) for task in tasks]
        try:
            for future in as_completed(futures):
                future.result()
                self.progress.advance()
        finally:
            for future in futures:
                future.cancel()


@contextmanager
def assemble(workers: int, progress: Progress | None = None) -> Iterator[Team]:
    """A team of that many processes; one means this process."""
    if workers <= 1:
        yield Alone(progress)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # Spawned, not forked: a forked copy of a process that holds threads of torch can hang.
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(os.getpid(),)
    ) as pool:
        yield Workers(pool, progress or SilentProgress())


def _begin(parent: int) -> None:
    """What a worker does first: one thread, and an eye on its parent."""
    os.environ["OMP_NUM_THREADS"] = "1"
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """End this process soon after its parent: a killed parent cannot tell its workers."""
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)
