"""Less at once where memory runs out: the same work on halves of the rows. Only the shapes of batches differ."""

import gc
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from subtrait.errors import UsageError

Row = TypeVar("Row")
Made = TypeVar("Made")
CPU_RAN_OUT: Final = ("DefaultCPUAllocator: can't allocate memory", "DefaultCPUAllocator: not enough memory")
"""What torch says of the memory of a CPU, on POSIX systems and on others: its error has no type of its own."""


def in_halves(rows: Sequence[Row], work: Callable[[Sequence[Row]], Made]) -> Iterator[tuple[Sequence[Row], Made]]:
    """What `work` makes of all rows or, where memory runs out, of their halves, each with its rows, in order.

    `work` must leave nothing behind when it runs out of memory.

    Raises:
        UsageError: a single row is too much.
    """
    waiting = [rows]
    while waiting:
        some = waiting.pop()
        made = attempt(lambda some=some: [work(some)], smaller=len(some) > 1)  # type: ignore[misc]
        if made is None:
            half = len(some) // 2
            waiting += [some[half:], some[:half]]
        else:
            yield some, made[0]


def attempt(work: Callable[[], Made], *, smaller: bool) -> Made | None:
    """What `work` makes; None where memory ran out and something `smaller` can still be tried.

    Raises:
        UsageError: memory ran out, and it cannot be done in smaller parts.
    """
    import torch

    try:
        return work()
    except (MemoryError, RuntimeError) as problem:
        if not is_out_of_memory(problem):
            raise
        if not smaller:
            what = f"one row alone takes more memory than there is ({' '.join(str(problem).split())[:120]})"
            raise UsageError(f"{what}: use a lower --dtype, a device with more memory or shorter rows") from None
    # Here, where the problem and all that it held on to are gone
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return None


def is_out_of_memory(problem: BaseException) -> bool:
    """Whether memory ran out: that of a GPU, or this machine's for numpy, for Python or for torch."""
    import torch

    if isinstance(problem, torch.OutOfMemoryError | MemoryError):
        return True
    return type(problem) is RuntimeError and any(said in str(problem) for said in CPU_RAN_OUT)
