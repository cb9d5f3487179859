"""What networks are shown: pictures or noise, in batches, every network in an order of its own."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from subtrait.lab.digits.pictures import Pictures

if TYPE_CHECKING:
    import torch

Source = Callable[["torch.Tensor"], "torch.Tensor"]
"""From row numbers (models, rows) to inputs (models, rows, pixels) between -1 and 1."""

Portions = Iterable["torch.Tensor"]
"""Row numbers (models, rows) of several batches at a time: fetching inputs batch by batch takes longer."""


def pictures(shown: Pictures) -> Source:
    """The pictures themselves: black is -1 and the brightest value 1."""
    import torch

    values, scale = torch.from_numpy(shown.images), 2 / shown.brightest
    return lambda rows: values[rows].float().mul_(scale).sub_(1)


def uniform_noise(count: int, pixels: int, *, rngs: Sequence[np.random.Generator]) -> Source:
    """`count` pictures for each network, every pixel uniform between -1 and 1. Rows are numbers below `count`."""
    import torch

    drawn = torch.empty(len(rngs) * count, pixels)
    for own, rng in zip(drawn.numpy().reshape(len(rngs), -1), rngs, strict=True):
        rng.random(out=own, dtype=np.float32)
    drawn.mul_(2).sub_(1)
    first = torch.arange(len(rngs))[:, None] * count
    return lambda rows: drawn[rows + first]


def shuffled(count: int, portion: int, *, epochs: int, rngs: Sequence[np.random.Generator]) -> Iterator["torch.Tensor"]:
    """Row numbers (networks, rows): in every epoch each row once per network, in an order of the network's own.

    The last portion of an epoch holds what is left.
    """
    import torch

    for _ in range(epochs):
        order = torch.from_numpy(np.stack([rng.permutation(count) for rng in rngs]))
        yield from order.split(portion, dim=1)
