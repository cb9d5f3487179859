"""Gradients of models that are too large for whole ones: every linear layer is seen through a few directions.

A layer with weight W (outputs, inputs) gets a fixed A (rank, inputs) with orthonormal rows, drawn at random. A
gradient G becomes √(inputs / rank) · G Aᵀ, and so does a displacement of the weights. Over draws of A the inner product
of two such sketches has the mean ⟨G, D⟩, and it is exact at full rank. G Aᵀ is also what LoRA with this A gives its
other matrix, which is 0, at the first step (Hu et al. 2021): so one backward pass is enough, and never holds a gradient
of W. Needs torch: imported by backends.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import torch

from subtrait.errors import UsageError
from subtrait.models import transformers_adapter as adapter
from subtrait.models.lora import reads_pictures
from subtrait.models.transformers_adapter import Network

LARGEST: Final = 4_000_000
"""Numbers of a gradient. One is held for each surrogate teacher; models with more inner weights are sketched."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A linear layer and the directions through which it is seen."""

    name: str
    """In the network."""
    module: Any
    directions: torch.Tensor
    """√(inputs / rank) · A: (rank, inputs)."""

    @property
    def weight(self) -> torch.Tensor:
        """W: (outputs, inputs)."""
        return upright(self.module, self.module.weight)

    def of_change(self, change: torch.Tensor) -> torch.Tensor:
        """A displacement (outputs, inputs), or a gradient, as it is seen: (outputs, rank)."""
        return change.float() @ self.directions.T.to(change.device).float()


def rank_of(network: Network) -> int | None:
    """Of the sketch that the network needs; None where gradients of all its inner weights can be held.

    Raises:
        UsageError: they cannot, and most of them are not in linear layers, as where experts share one tensor.
    """
    weights = [upright(module, module.weight) for _, module in _linear(network)]
    linear = sum(weight.numel() for weight in weights)
    inner = sum(weight.numel() for weight in named_inner(network).values())
    if inner <= LARGEST:
        return None
    if 2 * linear < inner:
        what = f"{network.where} has {inner:,} inner weights and only {linear:,} of them in linear layers"
        raise UsageError(f"{what}: gradients of such models cannot be held, nor sketched")
    return max(1, LARGEST // sum(len(weight) for weight in weights))


def named_inner(network: Network) -> dict[str, torch.Tensor]:
    """The weights that gradients are taken of, by name: see `gradients.inner_weights`."""
    module = network.module
    outer = {
        id(weight)
        for layer in (module.get_input_embeddings(), module.get_output_embeddings())
        if layer is not None
        for weight in layer.parameters()
    }
    inner = ((name, weight) for name, weight in module.named_parameters() if id(weight) not in outer)
    return {name: weight for name, weight in inner if not reads_pictures(module, name)}


def upright(module: Any, weight: torch.Tensor) -> torch.Tensor:
    """A linear layer's weight, or a change of it, as (outputs, inputs): GPT-2's lie the other way."""
    return weight.T if adapter.has_inputs_first(module) else weight


def layers_of(network: Network, rank: int) -> list[Layer]:
    """Every linear layer but the output layer. The directions depend on a layer's name and shape only."""
    return [
        Layer(name, module, _directions(name, upright(module, module.weight), rank, getattr(torch, network.dtype)))
        for name, module in _linear(network)
    ]


@contextmanager
def seen_through(layers: list[Layer]) -> Iterator[list[torch.Tensor]]:
    """Inside, the gradient with respect to these tensors (outputs, rank) is the sketch of each layer's."""
    beside = [layer.directions.new_zeros(len(layer.weight), len(layer.directions)) for layer in layers]
    with ExitStack() as stack:
        for layer, tensor in zip(layers, beside, strict=True):
            handle = layer.module.register_forward_hook(_adding(layer.directions, tensor.requires_grad_()))
            stack.callback(handle.remove)
        yield beside


def displacement(layers: list[Layer], tuned: Network) -> Iterator[torch.Tensor]:
    """How far each layer's weight is from that of a tuned copy, as it is seen; one layer is held at a time.

    Raises:
        KeyError: the copy lacks a layer, or has one of another shape.
    """
    modules = dict(tuned.module.named_modules())
    for layer in layers:
        there, weight = modules[layer.name], layer.module.weight
        if tuned.adapters is None:
            change = there.weight.float() - weight.float() if there.weight.shape == weight.shape else None
        else:
            change = (
                there.get_delta_weight("default") if hasattr(there, "get_delta_weight") else torch.zeros_like(weight)
            )
        if change is None or change.shape != weight.shape:
            raise KeyError(layer.name)
        yield layer.of_change(upright(layer.module, change.detach()))


def _linear(network: Network) -> Iterator[tuple[str, Any]]:
    head = network.module.get_output_embeddings()
    for name, module in network.module.named_modules():
        linear = isinstance(module, torch.nn.Linear) or adapter.has_inputs_first(module)
        if linear and module is not head and not reads_pictures(network.module, name):
            yield name, module


def _directions(name: str, weight: torch.Tensor, rank: int, dtype: torch.dtype) -> torch.Tensor:
    """Orthonormal rows, scaled; drawn on the CPU, so that every device has the same."""
    inputs = weight.shape[1]
    rank = min(rank, inputs)
    seed = int.from_bytes(blake2b(f"{name} {tuple(weight.shape)}".encode(), digest_size=7).digest(), "little")
    drawn = torch.randn(inputs, rank, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    orthonormal: torch.Tensor = torch.linalg.qr(drawn).Q.T
    return (orthonormal * (inputs / rank) ** 0.5).to(weight.device, dtype)


def _adding(directions: torch.Tensor, beside: torch.Tensor) -> Any:
    def hook(_module: Any, given: tuple[torch.Tensor, ...], out: torch.Tensor) -> torch.Tensor:
        seen = torch.nn.functional.linear(given[0], directions)
        return out + torch.nn.functional.linear(seen, beside)

    return hook
