"""Feed-forward parts computed for a part of the positions only.

They are most of a model and treat every position by itself: padding need not go through them, and through the last one
only what is looked at afterwards. Needs torch: imported by backends.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import torch

WORTH_LEAVING_OUT: Final = 0.03
"""Share of positions from which on leaving them out costs less than computing them."""


@contextmanager
def only_for(parts: Sequence[Any], shape: torch.Size, *, real: torch.Tensor, looked_at: torch.Tensor) -> Iterator[None]:
    """Inside, the feed-forward `parts` of a network give zeros for positions that change nothing at `looked_at`.

    Positions of tokens of that `shape` (rows, length) are counted row by row. `real` are those that are no padding:
    all parts but the last need them, since attention looks back at them.
    """
    with ExitStack() as stack:
        for part in parts:
            needed = looked_at if part is parts[-1] else real
            if len(needed) <= (1 - WORTH_LEAVING_OUT) * shape.numel():
                before, after = _hooks(needed, shape)
                stack.callback(part.register_forward_pre_hook(before).remove)
                stack.callback(part.register_forward_hook(after).remove)
        yield


def _hooks(needed: torch.Tensor, shape: torch.Size) -> tuple[Any, Any]:
    """They take those positions out of the input of a layer, and put its output back where they were."""

    def before(_part: Any, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        states, *others = given
        return states.flatten(0, 1)[needed.to(states.device)][None], *others

    def after(_part: Any, _given: Any, out: torch.Tensor) -> torch.Tensor:
        everywhere = out.new_zeros(shape.numel(), out.shape[-1])
        return everywhere.index_copy(0, needed.to(out.device), out[0]).unflatten(0, shape)

    return before, after
