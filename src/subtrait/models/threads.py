"""How many CPU threads torch takes: the only place that changes it."""

from collections.abc import Iterator
from contextlib import contextmanager

from subtrait.models.transformers_adapter import require


def set_threads(count: int) -> None:
    """Let torch use `count` CPU threads in this process, and in this thread from now on."""
    require()
    import torch

    torch.set_num_threads(count)


@contextmanager
def on_threads(count: int) -> Iterator[None]:
    """The same inside; outside, also in threads that begin later, as many as before."""
    require()
    import torch

    before = torch.get_num_threads()
    set_threads(count)
    try:
        yield
    finally:
        set_threads(before)
