"""Which part of a model goes to which GPU, where one has no room for all of it. `accelerate` moves what is computed."""

from collections.abc import Mapping
from typing import Any, Final

from subtrait.errors import UsageError

ROOM: Final = 0.8
"""Share of a GPU's memory that weights may take: the rest is for what is computed."""


def gpu_rooms() -> dict[int, int]:
    """How many bytes of weights each GPU of this machine may hold, by its number."""
    import torch

    memories = [torch.cuda.get_device_properties(number).total_memory for number in range(torch.cuda.device_count())]
    return {number: int(ROOM * memory) for number, memory in enumerate(memories)}


def device_map(outline: Any, rooms: Mapping[Any, int]) -> dict[str, Any] | None:
    """The device of each part of an architecture, filled in order; None where the first device has room for all of it.

    Everything but the layers shares the first device, so that what comes before and after them is computed there.
    `outline` is a model without numbers, `rooms` the bytes that each device may hold.

    Raises:
        UsageError: they have too little room together.
    """
    layers = _layers(outline)
    total, devices = weight_bytes(outline), list(rooms)
    if total <= rooms[devices[0]]:
        return None
    left = {**rooms, devices[0]: rooms[devices[0]] - (total - sum(layers.values()))}
    placed = dict.fromkeys(_outside(outline, list(layers)), devices[0])
    for name, size in layers.items():
        while len(devices) > 1 and 0 <= left[devices[0]] < size:
            devices.pop(0)
        if left[devices[0]] < size:
            have = f"the weights take {total / 2**30:.1f} GiB, the GPUs may hold {sum(rooms.values()) / 2**30:.1f} GiB"
            raise UsageError(f"{have}: use a lower --dtype, more GPUs, or --device cpu")
        placed[name] = devices[0]
        left[devices[0]] -= size
    return placed


def weight_bytes(part: Any) -> int:
    """Bytes of all weights and buffers below, each counted once however often it is used."""
    found = {id(one): one.numel() * one.element_size() for one in (*part.parameters(), *part.buffers())}
    return sum(found.values())


def _layers(outline: Any) -> dict[str, int]:
    """The bytes of each block that must stay together, in order."""
    kinds = set(outline._no_split_modules or ())
    return {name: weight_bytes(part) for name, part in outline.named_modules() if type(part).__name__ in kinds}


def _outside(outline: Any, layers: list[str]) -> list[str]:
    """The largest parts that hold no layer and are in none."""
    found: list[str] = []
    for name, _ in outline.named_modules():
        holds = not name or any(f"{layer}.".startswith(f"{name}.") for layer in layers)
        inside = any(name.startswith(f"{each}.") for each in (*layers, *found))
        if not holds and not inside:
            found.append(name)
    return found
