"""Who does the tasks of a stage: this process, or a few worker processes side by side.

Each worker computes on one thread, and so does this process when it works alone on an embedded model; the bytes that
come out depend on neither the number of workers nor the order in which they finish.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, Protocol

from subtrait.errors import SubtraitError
from subtrait.records import Progress, SilentProgress

Stage = Callable[[Any, Progress], Any]
AFTER_A_KILL = (
    "If memory ran out, take fewer workers. What is finished is kept: run the same command again. "
    "A script that calls subtrait.run must do so below `if __name__ == '__main__':`."
)


class Team(Protocol):
    """Does the same stage for several tasks."""

    def each(self, name: str, stage: Stage, tasks: Sequence[Any]) -> list[Any]:
        """Call `stage(task, progress)` for each task; what each returned, in the order of the tasks.

        The first error ends the stage and is raised.
        """


class Alone:
    """Does the tasks one after another in this process."""

    def __init__(self, progress: Progress | None = None) -> None:
        self.progress = progress or SilentProgress()

    def each(self, name: str, stage: Stage, tasks: Sequence[Any]) -> list[Any]:
        """Call `stage(task, progress)` for each task, in order."""
        self.progress.start(name, len(tasks))
        found = []
        for task in tasks:
            found.append(stage(task, SilentProgress()))
            self.progress.advance()
        return found


class Workers:
    """Does the tasks in worker processes, which end when this process does, however it ends."""

    def __init__(self, pool: Any, progress: Progress) -> None:
        self.pool = pool
        self.progress = progress

    def each(self, name: str, stage: Stage, tasks: Sequence[Any]) -> list[Any]:
        """Call `stage(task, progress)` for each task, in any order."""
        from concurrent.futures import as_completed
        from concurrent.futures.process import BrokenProcessPool

        self.progress.start(name, len(tasks))
        try:
            futures = [self.pool.submit(stage, task, SilentProgress()) for task in tasks]
            for future in as_completed(futures):
                future.result()
                self.progress.advance()
            return [future.result() for future in futures]
        except BaseException as error:
            # Not future.cancel(): the pool's own thread may be ending those futures at this moment
            self.pool.shutdown(wait=False, cancel_futures=True)
            if isinstance(error, BrokenProcessPool):
                raise SubtraitError(f"a worker process was killed while {name}. {AFTER_A_KILL}") from None
            raise


@contextmanager
def assemble(workers: int, progress: Progress | None = None, *, one_thread: bool = True) -> Iterator[Team]:
    """A team of that many processes; one means this process, with `one_thread` on one thread like every worker."""
    if workers <= 1:
        with on_one_thread() if one_thread else nullcontext():
            yield Alone(progress)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # Spawned, not forked: a forked copy of a process that holds threads of torch can hang.
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(os.getpid(),)
    ) as pool:
        yield Workers(pool, progress or SilentProgress())


@contextmanager
def on_one_thread() -> Iterator[None]:
    """Let torch use one thread inside, and as many as before outside: the number of threads changes the last digits."""
    from subtrait.models.transformers_adapter import require, set_threads

    require()
    import torch

    before = torch.get_num_threads()
    set_threads(1)
    try:
        yield
    finally:
        set_threads(before)


def _begin(parent: int) -> None:
    """What a worker does first: one thread, an eye on its parent, and a quiet end when the user stops the run."""
    os.environ["OMP_NUM_THREADS"] = "1"
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """End this process soon after its parent: a killed parent cannot tell its workers."""
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)
