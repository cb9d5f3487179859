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
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

from subtrait.errors import SubtraitError
from subtrait.models.threads import on_threads
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
    """A team of that many processes; one means this process alone.

    Workers have one thread each, and with `one_thread` so has this process, for what it computes itself.
    """
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with on_one_thread() if one_thread else nullcontext():
        if workers <= 1:
            yield Alone(progress)
            return
        # Spawned, not forked: a forked copy of a process that holds threads of torch can hang.
        with ProcessPoolExecutor(
            workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(os.getpid(),)
        ) as pool:
            yield Workers(pool, progress or SilentProgress())


@contextmanager
def on_one_thread() -> Iterator[None]:
    """Let numpy, scipy and, where it is installed, torch use one thread inside, and as many as before outside.

    The number of threads changes the last digits.
    """
    from threadpoolctl import threadpool_limits

    # Loaded now, their libraries are among those that are limited
    import_module("scipy.linalg")
    with threadpool_limits(1), on_threads(1) if find_spec("torch") else nullcontext():
        yield


def stay_on_one_thread() -> None:
    """The same for the rest of this process. Torch must not have been loaded yet."""
    from threadpoolctl import threadpool_limits

    # The first two are for what is loaded later, the last for numpy, which is there already
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    threadpool_limits(1)


def _begin(parent: int) -> None:
    """What a worker does first: one thread, an eye on its parent, and a quiet end when the user stops the run."""
    stay_on_one_thread()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """End this process soon after its parent: a killed parent cannot tell its workers."""
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)
