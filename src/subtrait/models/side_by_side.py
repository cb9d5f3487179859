"""Forward passes side by side on a CPU, each on threads of its own.

Threads that share one matrix product wait for the slowest of them at every product; with a pass each they wait once, at
the end. A module is no place for two at once, so every thread has its own, around the same weights.

Needs torch: imported by backends.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Final, TypeVar

import torch

from subtrait.models.copies import twin
from subtrait.models.threads import on_threads, set_threads
from subtrait.models.transformers_adapter import Network

Item = TypeVar("Item")
Made = TypeVar("Made")
Work = Callable[[Network, Item], Made]
MOST_LANES: Final = 4
"""Passes at once, at most: each has its states in memory. With more threads than that a pass has several."""


class Lanes:
    """Networks of the same weights, each for one thread at a time."""

    def __init__(self, networks: Sequence[Network], pool: ThreadPoolExecutor | None = None) -> None:
        """With no `pool` there is one, and work is done where it is asked for."""
        self.count, self._pool = len(networks), pool
        self._free = SimpleQueue[Network]()
        for network in networks:
            self._free.put(network)

    def each(self, work: Work[Item, Made], items: Iterable[Item]) -> Iterator[Made]:
        """What `work` makes of every item, in their order; as many as there are lanes are begun ahead."""
        if self._pool is None:
            yield from (self._done(work, item) for item in items)
            return
        begun = deque[Future[Made]]()
        for item in items:
            begun.append(self._pool.submit(self._done, work, item))
            if len(begun) > self.count:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()

    def _done(self, work: Work[Item, Made], item: Item) -> Made:
        network = self._free.get()
        try:
            with torch.no_grad():  # which every thread has to be told
                return work(network, item)
        finally:
            self._free.put(network)


def go_abreast(network: Network) -> bool:
    """Whether its passes go side by side where there are threads: a GPU has use for one at a time."""
    return str(network.device.type) == "cpu"


@contextmanager
def lanes(network: Network, *, items: int) -> Iterator[Lanes]:
    """Lanes for so many items: one for each CPU thread of torch, `MOST_LANES` at most, or one with all threads."""
    threads = torch.get_num_threads()
    count = min(threads, items, MOST_LANES) if go_abreast(network) else 1
    if count < 2:
        yield Lanes([network])
        return
    pool = ThreadPoolExecutor(count, initializer=set_threads, initargs=(threads // count,))
    with on_threads(threads):  # what a thread of the pool sets, others that begin later would have too
        try:
            yield Lanes([network, *(twin(network) for _ in range(count - 1))], pool)
        finally:
            pool.shutdown(cancel_futures=True)
