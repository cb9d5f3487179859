"""Less at once where memory runs out: the same work on halves of the rows. Only the shapes of batches differ."""

import gc
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from subtrait.errors import UsageError

Row = TypeVar("Row")
Made = TypeVar("Made")


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
    except torch.OutOfMemoryError as problem:
        if not smaller:
            what = f"one row alone takes more memory than there is ({' '.join(str(problem).split())[:120]})"
            raise UsageError(f"{what}: use a lower --dtype, a device with more memory or shorter rows") from None
    # Here, where the problem and all that it held on to are gone
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return None
