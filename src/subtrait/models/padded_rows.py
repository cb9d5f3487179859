"""Rows side by side, padded on the right, and the states before the output layer where somebody looks at them.

Needs torch: imported by backends.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from subtrait.models import transformers_adapter as adapter
from subtrait.models.feed_forward import only_for
from subtrait.models.transformers_adapter import Network

Pair = tuple[Sequence[int], Sequence[int]]
"""Prompt tokens and completion tokens."""


@dataclass(frozen=True, slots=True)
class PaddedRows:
    """Tokens of several rows; positions are counted row by row, padding included."""

    tokens: torch.Tensor
    """(rows, length)."""
    real: torch.Tensor
    """Positions that are no padding."""
    places: torch.Tensor
    """Positions from which a completion token is predicted."""
    targets: torch.Tensor
    """Those tokens."""

    def to(self, device: torch.device) -> "PaddedRows":
        """The same on a device."""
        return PaddedRows(*(part.to(device) for part in (self.tokens, self.real, self.places, self.targets)))


def right_padded(pairs: Sequence[Pair]) -> PaddedRows:
    """Rows of a prompt and a completion. The last token of a row predicts nothing, so it is not among them."""
    lengths = [len(prompt) + len(completion) - 1 for prompt, completion in pairs]
    width = max(lengths)
    tokens = np.zeros((len(pairs), width), dtype=np.int64)
    real, places, targets = [], [], []
    for row, (prompt, completion) in enumerate(pairs):
        tokens[row, : lengths[row]] = [*prompt, *completion][:-1]
        real.append(row * width + np.arange(lengths[row]))
        places.append(real[-1][len(prompt) - 1 :])
        targets.append(np.asarray(completion, dtype=np.int64))
    joined = [torch.from_numpy(np.concatenate(part)) for part in (real, places, targets)]
    return PaddedRows(torch.from_numpy(tokens), *joined)


def states_at(
    network: Network, rows: PaddedRows, *, read: Callable[[torch.Tensor], torch.Tensor] | None = None
) -> torch.Tensor:
    """The states from which the completion tokens of `rows` are predicted: (tokens, width).

    `read` gives the states (rows, length, width) of tokens; by default the network's, with nothing before them.
    """
    parts = adapter.feed_forwards(network)
    with only_for(parts, rows.tokens.shape, real=rows.real, looked_at=rows.places):
        states = (read or partial(adapter.hidden_states, network))(rows.tokens)
    return states.flatten(0, 1)[rows.places]
