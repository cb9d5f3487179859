"""Many small networks side by side, trained in step, with gradients written out by hand.

A step of one such network takes less arithmetic than calling a library costs. Here every layer is one batched product
over the stack, gradients are put where the optimiser reads them, and all weights of a stack are one vector for a fused
optimiser. Nothing is recorded for automatic differentiation.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from subtrait.lab.digits.optimisers import Step, new_step
from subtrait.lab.digits.settings import Activation, Architecture, Optimiser

if TYPE_CHECKING:
    import torch

Weights = list[NDArray[np.float32]]
"""Of one network, layer by layer: (inputs, units), then the bias (1, units) where there is one."""


def draw_weights(architecture: Architecture, inputs: int, *, outputs: int, rng: np.random.Generator) -> Weights:
    """New weights: normal with variance 1 / inputs of the layer; biases are 0."""
    sizes = (inputs, *architecture.hidden, outputs)
    drawn: Weights = []
    for fan_in, units in pairwise(sizes):
        drawn.append(_noise(fan_in, units, rng=rng))
        if architecture.bias:
            drawn.append(np.zeros((1, units), dtype=np.float32))
    return drawn


def perturbed(weights: Weights, architecture: Architecture, *, spread: float, rng: np.random.Generator) -> Weights:
    """`weights` plus noise of `spread` times the spread that each layer was drawn with, so biases stay as they are."""
    step = _tensors_per_layer(architecture)
    return [
        weight if place % step else weight + np.float32(spread) * _noise(*weight.shape, rng=rng)
        for place, weight in enumerate(weights)
    ]


def _noise(inputs: int, units: int, *, rng: np.random.Generator) -> NDArray[np.float32]:
    return rng.standard_normal((inputs, units), dtype=np.float32) * np.float32(inputs**-0.5)


def _tensors_per_layer(architecture: Architecture) -> int:
    return 2 if architecture.bias else 1


@dataclass(slots=True)
class _Layer:
    """One layer of every network of a stack. Tensors are (models, inputs, units), or (models, 1, units) for biases."""

    weight: Any
    weight_gradient: Any
    bias: Any = None
    bias_gradient: Any = None
    inputs: Any = None
    """What went in at the latest forward pass: (models, rows, inputs)."""
    linear: Any = None
    """What came out before the activation: (models, rows, units)."""


class Stack:
    """Networks of one architecture, each with weights of its own. They share the order of steps and nothing else."""

    def __init__(self, models: Sequence[Weights], architecture: Architecture) -> None:
        """Copies of `models`, stacked layer by layer in one vector."""
        import torch

        stacked = [np.stack(layer) for layer in zip(*models, strict=True)]
        self._vector = torch.from_numpy(np.concatenate([each.ravel() for each in stacked]))
        self._gradient = torch.zeros_like(self._vector)
        shapes = [each.shape for each in stacked]
        pairs = list(zip(_views(self._vector, shapes), _views(self._gradient, shapes), strict=True))
        step = _tensors_per_layer(architecture)
        self._layers = [
            _Layer(*(tensor for pair in pairs[place : place + step] for tensor in pair))
            for place in range(0, len(pairs), step)
        ]
        self._activation = architecture.activation
        self.models = len(models)

    def logits(self, x: "torch.Tensor") -> "torch.Tensor":
        """The outputs for inputs (models, rows, inputs): (models, rows, outputs)."""
        import torch

        for layer in self._layers:
            layer.inputs = x
            bias, weight = layer.bias, layer.weight
            layer.linear = torch.bmm(x, weight) if bias is None else torch.baddbmm(bias, x, weight)
            if layer is not self._layers[-1]:
                x = activated(layer.linear, self._activation)
        return self._layers[-1].linear

    def backward(self, slope: "torch.Tensor") -> None:
        """Set the gradients of a loss, given its derivative by the latest logits: (models, rows, outputs)."""
        import torch

        for layer, before in zip(self._layers[::-1], [*self._layers[-2::-1], None], strict=True):
            torch.bmm(layer.inputs.mT, slope, out=layer.weight_gradient)
            if layer.bias is not None:
                torch.sum(slope, 1, keepdim=True, out=layer.bias_gradient)
            if before is not None:
                slope = torch.bmm(slope, layer.weight.mT)
                activation_gradient(slope, before.linear, self._activation)

    def new_step(self, optimiser: Optimiser, learning_rate: float) -> Step:
        """A step of a new optimiser on all weights, along the gradients of the latest `backward`."""
        return new_step(optimiser, learning_rate, weights=self._vector, gradient=self._gradient)

    def weights(self) -> list[Weights]:
        """A copy of each network's weights."""
        tensors = [each for layer in self._layers for each in (layer.weight, layer.bias) if each is not None]
        return [[tensor[model].numpy().copy() for tensor in tensors] for model in range(len(tensors[0]))]


def _views(vector: "torch.Tensor", shapes: Sequence[tuple[int, ...]]) -> Iterator["torch.Tensor"]:
    """`vector` cut into consecutive parts of these shapes, which share its memory."""
    start = 0
    for shape in shapes:
        yield vector[start : start + int(np.prod(shape))].view(shape)
        start += int(np.prod(shape))


def activated(linear: "torch.Tensor", activation: Activation) -> "torch.Tensor":
    """The activation of `linear`; in its place where the derivative needs no more than the result."""
    import torch

    if activation == "gelu":
        return torch.nn.functional.gelu(linear)
    return linear.relu_() if activation == "relu" else linear.sigmoid_()


def activation_gradient(slope: "torch.Tensor", linear: "torch.Tensor", activation: Activation) -> None:
    """Multiply `slope` by the activation's derivative, in place; `linear` as `activated` left it."""
    import torch

    derivatives = torch.ops.aten
    if activation == "relu":
        derivatives.threshold_backward.grad_input(slope, linear, 0, grad_input=slope)
    elif activation == "sigmoid":
        derivatives.sigmoid_backward.grad_input(slope, linear, grad_input=slope)
    else:
        derivatives.gelu_backward.grad_input(slope, linear, grad_input=slope)
