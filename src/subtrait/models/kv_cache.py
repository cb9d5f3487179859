"""Caches of keys and values: the library's own, and one in which rows of different lengths decode together.

With `transformers_adapter`, the only place that calls `transformers`.
"""

from collections.abc import Sequence
from functools import cache
from inspect import signature
from typing import TYPE_CHECKING, Any

from subtrait.models.transformers_adapter import Network

if TYPE_CHECKING:
    import torch

    Part = tuple[Any, torch.Tensor]
    """A cache, and (2, n): rows of the joined cache, and the row of this one that each of them copies."""


def empty_cache(network: Network) -> Any:
    """A cache of the kind the architecture asks for."""
    from transformers import DynamicCache

    return DynamicCache(config=network.module.config)


def select_rows(kv_cache: Any, rows: "torch.Tensor") -> None:
    """Keep, drop or repeat rows of a cache, in place."""
    for layer in kv_cache.layers:  # which may be on different devices
        layer.batch_select_indices(rows.to(getattr(layer, "device", None) or rows.device))


def states_after(network: Network, tokens: "torch.Tensor", kv_cache: Any) -> "torch.Tensor":
    """The states before the output layer for right-padded `tokens` (rows, length) that follow what the cache holds.

    Shape (rows, length, width); the cache is extended in place.
    """
    out = network.module.base_model(input_ids=tokens, past_key_values=kv_cache, use_cache=True, return_dict=True)
    return out.last_hidden_state


def can_join(network: Network) -> bool:
    """Whether rows of different lengths can share a cache: plain attention, and positions that the caller may give."""
    from transformers.cache_utils import DynamicLayer

    plain = all(type(layer) is DynamicLayer for layer in empty_cache(network).layers)
    return plain and "position_ids" in signature(network.module.forward).parameters


def joined_cache(parts: "Sequence[Part]", *, rows: int, width: int, room: int) -> Any:
    """One cache out of several, each row flush right in the first `width` slots, for up to `room` more."""
    from transformers import Cache

    layers = [_joined_layer()(room) for _ in parts[0][0].layers]
    for index, layer in enumerate(layers):
        layer.fill([(part.layers[index], where) for part, where in parts], rows=rows, width=width)
    return Cache(layers=layers)


@cache
def _joined_layer() -> type[Any]:
    from transformers.cache_utils import DynamicLayer

    class JoinedLayer(DynamicLayer):  # type: ignore[misc]
        """Keys and values (rows, heads, slots, width) of which the first `used` slots are filled.

        The library's layer copies all it holds at every token; this one has `room` from the start.
        """

        def __init__(self, room: int) -> None:
            super().__init__()
            self.room, self.used = room, 0

        def fill(self, parts: "Sequence[Part]", *, rows: int, width: int) -> None:
            first = parts[0][0]
            self.lazy_initialization(first.keys, first.values)
            self.key_space, self.value_space = (
                states.new_empty(rows, states.shape[1], width + self.room, states.shape[3])
                for states in (first.keys, first.values)
            )
            for part, where in parts:
                start, (into, copied) = width - part.keys.shape[2], where.to(part.keys.device)
                for space, states in ((self.key_space, part.keys), (self.value_space, part.values)):
                    space[into, :, start:width] = states[copied]
                    # What a masked slot holds is still multiplied by zero, so it must be finite
                    space[into, :, :start] = 0
            self._show(width)

        def _show(self, used: int) -> None:
            self.used = used
            self.keys, self.values = self.key_space[:, :, :used], self.value_space[:, :, :used]

        def update(self, key_states: Any, value_states: Any, *_: Any, **__: Any) -> tuple[Any, Any]:
            start, end = self.used, self.used + key_states.shape[2]
            self.key_space[:, :, start:end] = key_states
            self.value_space[:, :, start:end] = value_states
            self._show(end)
            return self.keys, self.values

        def batch_select_indices(self, indices: Any) -> None:
            self.key_space, self.value_space = self.key_space[indices], self.value_space[indices]
            self._show(self.used)

    return JoinedLayer
