"""What many rows begin with, read once: its keys and values are kept, and every batch of rows goes on from a copy.

A system prompt, or the one that a chat template puts in by itself, is the same for all rows of a hypothesis; without
this a model of billions of weights would read it again for each. Needs torch: imported by backends.
"""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import torch

from subtrait.models import kv_cache
from subtrait.models import transformers_adapter as adapter
from subtrait.models.transformers_adapter import Network

Tokens = Sequence[int]


@dataclass(frozen=True, slots=True)
class SharedContext:
    """The tokens that rows begin with, and what the network made of them; of length 0 where there are none."""

    network: Network
    length: int
    """In tokens."""
    cache: Any
    """Keys and values of one row."""

    def states_after(self, tokens: torch.Tensor) -> torch.Tensor:
        """The states before the output layer for right-padded `tokens` (rows, length) that follow the context.

        Shape (rows, length, width). The context is left as it was.
        """
        if not self.length:
            return adapter.hidden_states(self.network, tokens)
        read = deepcopy(self.cache)
        kv_cache.select_rows(read, torch.zeros(len(tokens), dtype=torch.long, device=self.network.device))
        return kv_cache.states_after(self.network, tokens, read)


def read_shared(network: Network, prompts: Iterable[Tokens], *, least: int = 1) -> SharedContext:
    """What all prompts begin with, read once, leaving each prompt at least one token of its own.

    Fewer than `least` tokens are not worth it: then, and for a single prompt, the context is empty.
    """
    prompts = list(prompts)
    shared = _shared(prompts) if len(prompts) > 1 else 0
    if shared < least:
        return SharedContext(network, 0, None)
    read = kv_cache.empty_cache(network)
    with torch.no_grad():
        kv_cache.states_after(network, torch.tensor([list(prompts[0][:shared])], device=network.device), read)
    return SharedContext(network, shared, read)


def _shared(prompts: Sequence[Tokens]) -> int:
    """How many tokens all prompts begin with, but for the last of the shortest."""
    together = takewhile(lambda column: len(set(column)) == 1, zip(*(prompt[:-1] for prompt in prompts), strict=False))
    return sum(1 for _ in together)
