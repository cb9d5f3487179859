"""Weights of a large model that stay in their file: read where a layer needs them, widened to float32 and let go.

Most checkpoints are in 16-bit numbers. Widened all at once they would take twice their size, and each process of a team
as much again; here memory holds those of one layer, and the system's cache of files the rest, as far as there is room.
Every 16-bit number is a float32 too, so that results are those of weights that were widened once: to the bit, but for
layers of more numbers than `PART`, whose products are put together from parts. Only on a CPU. Needs torch: imported by
backends.
"""

import math
import mmap
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final, Self

import torch
from torch.nn.functional import embedding, linear

from subtrait.models.backing_off import is_out_of_memory
from subtrait.models.weights import Tensor, read_header, weight_files

LARGE: Final = 100_000_000
"""Numbers of a model above which they stay in their file."""
PART: Final = 2**23
"""Numbers that are widened together: all of a layer of most models, and not the output layer."""
LOOKED_UP: Final = 16
"""Tokens that are looked up together: for each of them the system may map as much as 2 MiB of the file."""
FORMATS: Final = {"BF16": "bfloat16", "F16": "float16", "F32": "float32"}


def format_to_keep(folder: Path, *, device: str, dtype: str) -> str | None:
    """The format in which the weights in a validated checkpoint folder can stay there.

    None for a small model, for weights of several formats, and for other devices and formats of computing.
    """
    if (device, dtype) != ("cpu", "float32"):
        return None
    tensors = [tensor for path in weight_files(folder) for tensor in read_header(path)]
    formats = {tensor.dtype for tensor in tensors}
    return FORMATS.get(formats.pop()) if len(formats) == 1 and sum(map(_numbers, tensors)) > LARGE else None


def numbers_that_stay(outline: Any, folder: Path) -> int:
    """How many weights would stay in the files; `outline` is the module without numbers, in the `format_to_keep`."""
    names = {tensor.name for path in weight_files(folder) for tensor in read_header(path)}
    return sum(int(outline.get_submodule(places[0]).weight.numel()) for _, places in staying(outline, names))


def keep_in_files(module: Any, folder: Path) -> bool:
    """Let linear layers and embeddings of `module` read their weights from `folder`; all else becomes float32.

    The module was loaded from there in the `format_to_keep`. False where it does not compute so: load it anew then.
    """
    stored, room, kept = _mapped(folder), Room(), set[int]()
    for name, places in staying(module, stored):
        if torch.equal(module.get_submodule(places[0]).weight, stored[name][0]):
            kept.add(id(stored[name][0]))
            for place in places:
                part = module.get_submodule(place)
                module.set_submodule(place, _kind(part)(part, stored[name], room))
        stored[name][1].let_go()
    for weight in module.parameters():
        if id(weight) not in kept:
            # Of float32, too, a copy: they lie in a mapping of the library's, of which all would stay in memory
            weight.data = weight.data.to(torch.float32, copy=True)
    return bool(kept) and _computes(module)


def staying(module: Any, names: Collection[str]) -> Iterator[tuple[str, list[str]]]:
    """Of the tensors with these names each that can stay in its file, and the parts of `module` whose weight it is.

    Whoever else holds a weight would not see it change in training: so all that hold it must be of the known kinds.
    Nothing can stay where the format of the weights rounds what the module computes with besides.
    """
    if any(one.is_floating_point() and one.dtype != torch.float32 for one in module.buffers()):
        return
    holders: dict[int, list[tuple[str, str, Any]]] = {}
    for place, part in module.named_modules(remove_duplicate=False):
        for attribute, weight in part.named_parameters(recurse=False):
            holders.setdefault(id(weight), []).append((place, attribute, part))
    for held in holders.values():
        name = next((found for place, _, _ in held if (found := f"{place}.weight") in names), None)
        if name and all(attribute == "weight" and _kind(part) for _, attribute, part in held):
            yield name, [place for place, _, _ in held]


def _computes(module: Any) -> bool:
    """Whether the module still computes: some look at the format of a weight, or multiply by one themselves."""
    try:
        with torch.no_grad():
            module(input_ids=torch.arange(2)[None], use_cache=False)
    except Exception as problem:
        if is_out_of_memory(problem):
            raise
        return False  # whatever else it raises, the whole weights may do
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
    """Memory for widened weights, used again and again by one thread. A copy of a module has its own."""

    def __init__(self) -> None:
        """Nothing is taken before it is needed."""
        self._numbers = torch.empty(0)

    def widened(self, weight: torch.Tensor) -> torch.Tensor:
        """The same in float32: itself, or a copy that lasts until the next call."""
        if weight.dtype == torch.float32:
            return weight
        if len(self._numbers) < weight.numel():
            self._numbers = torch.empty(weight.numel())
        return self._numbers[: weight.numel()].view(weight.shape).copy_(weight.detach())

    def __deepcopy__(self, _: Any) -> Self:
        return type(self)()


Stored = tuple[torch.nn.Parameter, Pages]
"""A weight where it lies, and the file."""


class StoredLinear(torch.nn.Linear):  # type: ignore[misc]
    """A linear layer whose weight lies in a file. A copy that was put into float32 has its weight in memory."""

    compute_dtype = torch.float32
    """In which `peft` makes adapters for it."""

    def __init__(self, plain: torch.nn.Linear, stored: Stored, room: Room) -> None:
        """In place of `plain`."""
        torch.nn.Module.__init__(self)
        self.in_features, self.out_features = plain.in_features, plain.out_features
        self.weight, self.bias, self.pages, self.room = stored[0], plain.bias, stored[1], room

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Float32 (…, inputs) to (…, outputs)."""
        trained = self.weight.dtype == torch.float32 and self.weight.requires_grad
        if torch.is_grad_enabled() and states.requires_grad and not trained:
            product: torch.Tensor = _Product.apply(states, self.weight, self.bias, self.pages)
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
        self.scale_grad_by_freq = self.sparse = False
        self.weight, self.pages = stored[0], stored[1]

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens (…) to (…, width), in float32."""
        trained = torch.is_grad_enabled() and self.weight.requires_grad
        step = tokens.numel() if trained else LOOKED_UP
        found = []
        for some in tokens.flatten().split(step):
            found.append(embedding(some, self.weight, self.padding_idx).float())
            self.pages.let_go()
        return torch.cat(found).view(*tokens.shape, self.embedding_dim)


class _Product(torch.autograd.Function):  # type: ignore[misc]
    """States times a frozen weight, plus a bias: on the way back the weight is widened again, not kept."""

    @staticmethod
    def forward(ctx: Any, states: Any, weight: Any, bias: Any, pages: Pages) -> Any:
        ctx.save_for_backward(weight)
        ctx.pages = pages
        return linear(states, weight.float(), bias)

    @staticmethod
    def backward(ctx: Any, *outer: Any) -> Any:
        (weight,) = ctx.saved_tensors
        of_states = outer[0] @ weight.float() if ctx.needs_input_grad[0] else None
        of_bias = outer[0].flatten(0, -2).sum(0) if ctx.needs_input_grad[2] else None
        ctx.pages.let_go()
        return of_states, None, of_bias, None


def _kind(part: Any) -> Any:
    """What takes the place of a part; None for others, and for kinds of their own, which may do more."""
    if type(part) is torch.nn.Linear:
        return StoredLinear
    plain = type(part) is torch.nn.Embedding and part.max_norm is None
    return StoredEmbedding if plain and not (part.sparse or part.scale_grad_by_freq) else None


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
    kind = getattr(torch, FORMATS[tensor.dtype])
    flat = torch.frombuffer(mapping, dtype=kind, count=_numbers(tensor), offset=tensor.start)
    return torch.nn.Parameter(flat.view(tensor.shape), requires_grad=False)


def _numbers(tensor: Tensor) -> int:
    return math.prod(tensor.shape)
