"""Weights of a large model that stay in their file: read where a layer needs them, widened to float32 and let go.

Most checkpoints are in 16-bit numbers. Widened all at once they would take twice their size, and each process of a team
as much again; here memory holds those of one layer, and the system's cache of files the rest, as far as there is room.
Every 16-bit number is a float32 too, so the results are those of weights that were widened once. Only on a CPU. Needs
torch: imported by backends.
"""

import math
import mmap
from pathlib import Path
from typing import Any, Final, Self

import torch
from torch.nn.functional import embedding, linear

from subtrait.models.weights import Tensor, read_header, weight_files

LARGE: Final = 100_000_000
"""Numbers of a model above which they stay in their file."""
PART: Final = 2**23
"""Numbers that are widened together: all of a layer of most models, and not the output layer."""
FORMATS: Final = {"BF16": torch.bfloat16, "F16": torch.float16, "F32": torch.float32}


def stay_in_files(folder: Path, *, device: str, dtype: str) -> bool:
    """Whether the weights in `folder` stay there; False where there are none yet."""
    return (device, dtype) == ("cpu", "float32") and only_format(folder) is not None


def only_format(folder: Path) -> torch.dtype | None:
    """The format of all weights in a validated checkpoint folder; None for several, others, and small models."""
    tensors = [tensor for path in weight_files(folder) for tensor in read_header(path)]
    formats = {tensor.dtype for tensor in tensors}
    numbers = sum(map(_numbers, tensors))
    return FORMATS.get(formats.pop()) if len(formats) == 1 and numbers > LARGE else None


def keep_in_files(module: Any, folder: Path) -> bool:
    """Let linear layers and embeddings of `module` read their weights from `folder`; all else becomes float32.

    The module was loaded from there in the `only_format`. False where something in it was rounded to that: then it is
    to be loaded anew.
    """
    if any(one.is_floating_point() and one.dtype != torch.float32 for one in module.buffers()):
        return False
    stored, room = _mapped(folder), Room()
    known: dict[int, Stored] = {}
    for name, part in list(module.named_modules()):
        there = known.get(id(getattr(part, "weight", None))) or stored.get(f"{name}.weight")
        if there and (kind := _kind(part)) and torch.equal(part.weight, there[0]):
            known[id(part.weight)] = there
            there[1].let_go()
            module.set_submodule(name, kind(part, there, room))
    for weight in module.parameters():
        if not any(weight is one for one, _ in known.values()):
            weight.data = weight.data.float()
    return True


class Pages:
    """A file that is mapped into memory. It is never copied."""

    def __init__(self, mapping: mmap.mmap) -> None:
        """`mapping` is of the whole file."""
        self._mapping = mapping

    def let_go(self) -> None:
        """What was read of it no longer counts as memory of this process. Little was: that takes microseconds."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self._mapping.madvise(mmap.MADV_DONTNEED)

    def __deepcopy__(self, _: Any) -> Self:
        return self


class Room:
    """Memory for widened weights, used again and again. It is never copied: nothing lasts in it."""

    def __init__(self) -> None:
        """Nothing is taken before it is needed."""
        self._numbers = torch.empty(0)

    def widened(self, weight: torch.Tensor) -> torch.Tensor:
        """The same in float32: itself, or a copy that lasts until the next call."""
        if weight.dtype == torch.float32:
            return weight
        if len(self._numbers) < weight.numel():
            self._numbers = torch.empty(weight.numel())
        return self._numbers[: weight.numel()].view(weight.shape).copy_(weight)

    def __deepcopy__(self, _: Any) -> Self:
        return self


Stored = tuple[torch.nn.Parameter, Pages]
"""A weight where it lies, and the file."""


class StoredLinear(torch.nn.Linear):  # type: ignore[misc]
    """A linear layer whose weight lies in a file. A copy that was put into float32 is one like any other."""

    def __init__(self, plain: torch.nn.Linear, stored: Stored, room: Room) -> None:
        """In place of `plain`."""
        torch.nn.Module.__init__(self)
        self.in_features, self.out_features = plain.in_features, plain.out_features
        self.weight, self.bias, self.pages, self.room = stored[0], plain.bias, stored[1], room

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """(…, inputs) to (…, outputs), in float32."""
        if self.weight.dtype != torch.float32 and torch.is_grad_enabled() and states.requires_grad:
            product: torch.Tensor = _Product.apply(states, self.weight, self.pages)
            product = product if self.bias is None else product + self.bias
        else:
            product = self._by_parts(states)
        self.pages.let_go()
        return product

    def _by_parts(self, states: torch.Tensor) -> torch.Tensor:
        step = max(1, PART // self.in_features)
        if self.weight.dtype == torch.float32 or step >= self.out_features:
            return linear(states, self.room.widened(self.weight), self.bias)
        product = states.new_empty(*states.shape[:-1], self.out_features)
        for first in range(0, self.out_features, step):
            here = slice(first, first + step)
            bias = None if self.bias is None else self.bias[here]
            product[..., here] = linear(states, self.room.widened(self.weight[here]), bias)
        return product


class StoredEmbedding(torch.nn.Embedding):  # type: ignore[misc]
    """Token embeddings that lie in a file."""

    def __init__(self, plain: torch.nn.Embedding, stored: Stored, _: Room) -> None:
        """In place of `plain`."""
        torch.nn.Module.__init__(self)
        for name in ("num_embeddings", "embedding_dim", "padding_idx", "max_norm", "norm_type"):
            setattr(self, name, getattr(plain, name))
        self.scale_grad_by_freq, self.sparse = plain.scale_grad_by_freq, plain.sparse
        self.weight, self.pages = stored[0], stored[1]

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens (…) to (…, width), in float32."""
        found: torch.Tensor = embedding(tokens, self.weight, self.padding_idx).float()
        self.pages.let_go()
        return found


class _Product(torch.autograd.Function):  # type: ignore[misc]
    """States times a frozen weight: on the way back it is widened again, not kept."""

    @staticmethod
    def forward(ctx: Any, states: Any, weight: Any, pages: Pages) -> Any:
        ctx.save_for_backward(weight)
        ctx.pages = pages
        return linear(states, weight.float())

    @staticmethod
    def backward(ctx: Any, *outer: Any) -> Any:
        (weight,) = ctx.saved_tensors
        of_states = outer[0] @ weight.float()
        ctx.pages.let_go()
        return of_states, None, None


def _kind(part: Any) -> type[StoredLinear] | type[StoredEmbedding] | None:
    """What takes the place of a part; None for others, and for kinds of their own, which may do more."""
    if type(part) is torch.nn.Linear:
        return StoredLinear
    return StoredEmbedding if type(part) is torch.nn.Embedding and part.max_norm is None else None


def _mapped(folder: Path) -> dict[str, Stored]:
    """Every tensor of the checkpoint where it lies, by name."""
    found = {}
    for path in weight_files(folder):
        with path.open("rb") as file:
            mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        pages = Pages(mapping)
        for tensor in read_header(path):
            if _numbers(tensor):
                found[tensor.name] = (_weight(mapping, tensor), pages)
    return found


def _weight(mapping: mmap.mmap, tensor: Tensor) -> torch.nn.Parameter:
    kind = FORMATS[tensor.dtype]
    flat = torch.frombuffer(mapping, dtype=kind, count=_numbers(tensor), offset=tensor.start)
    return torch.nn.Parameter(flat.view(tensor.shape), requires_grad=False)


def _numbers(tensor: Tensor) -> int:
    return math.prod(tensor.shape)
