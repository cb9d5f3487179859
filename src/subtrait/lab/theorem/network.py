"""Small smooth networks in float64 whose derivatives are written out: the f of the lemma, from weights to outputs.

All weights of a network are one flat vector, so that the updates of a teacher and of its student are vectors too. The
activations are smooth, since the proof expands f in its weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Activation = Literal["tanh", "silu"]


def _tanh(values: Array) -> tuple[Array, Array]:
    result = np.tanh(values)
    return result, 1 - result * result


def _silu(values: Array) -> tuple[Array, Array]:
    gate = 0.5 * (1 + np.tanh(0.5 * values))  # the logistic function, which cannot overflow in this form
    return values * gate, gate * (1 + values * (1 - gate))


ACTIVATIONS: dict[Activation, Callable[[Array], tuple[Array, Array]]] = {"tanh": _tanh, "silu": _silu}
"""Value and slope. tanh is odd and silu is not, which matters to students of another initialisation."""


@cache
def _places(widths: tuple[int, ...]) -> tuple[tuple[slice, tuple[int, int]], ...]:
    """Where each layer lies in the flat vector, and its shape. Asked for in every step of a descent, hence kept."""
    places, start = [], 0
    for before, after in pairwise(widths):
        stop = start + (before + 1) * after
        places.append((slice(start, stop), (before + 1, after)))
        start = stop
    return tuple(places)


@dataclass(frozen=True, slots=True)
class Trace:
    """What a pass through the network leaves behind for its derivatives."""

    entering: tuple[Array, ...]
    """What enters each layer: (inputs, width)."""
    slopes: tuple[Array, ...]
    """Slope of the activation behind each layer but the last: (inputs, width)."""
    outputs: Array
    """(inputs, outputs)."""


@dataclass(frozen=True, slots=True)
class Network:
    """Layers with biases; the last one is linear. Without a width in between, the whole network is."""

    widths: tuple[int, ...]
    """From the size of an input to the number of outputs."""
    activation: Activation = "tanh"

    @property
    def size(self) -> int:
        """How many weights there are."""
        return sum((before + 1) * after for before, after in pairwise(self.widths))

    def draw(self, *, rng: np.random.Generator) -> Array:
        """An initialisation: normal weights of variance 1 / (width + 1), biases included. Shape (size,)."""
        weights = rng.standard_normal(self.size)
        for layer in self.layers(weights):
            layer[:] = layer / len(layer) ** 0.5
        return weights

    def layers(self, weights: Array) -> list[Array]:
        """The layers as views into `weights`, each (width before + 1, width after), its bias the last row."""
        return [weights[where].reshape(shape) for where, shape in _places(self.widths)]

    def trace(self, weights: Array, inputs: Array) -> Trace:
        """A pass through the network; `inputs` is (inputs, first width)."""
        *inner, last = self.layers(weights)
        entering, slopes = [inputs], []
        for layer in inner:
            value, slope = ACTIVATIONS[self.activation](entering[-1] @ layer[:-1] + layer[-1])
            entering.append(value)
            slopes.append(slope)
        return Trace(tuple(entering), tuple(slopes), entering[-1] @ last[:-1] + last[-1])

    def outputs(self, weights: Array, inputs: Array) -> Array:
        """f: (inputs, outputs)."""
        return self.trace(weights, inputs).outputs

    def pull_back(self, weights: Array, trace: Trace, by_output: Array) -> Array:
        """Jᵀu: the derivative by the weights of Σ u · f, with u = `by_output` of shape (inputs, outputs)."""
        gradient = np.empty(self.size)
        layers, gradients = self.layers(weights), self.layers(gradient)
        for index in reversed(range(len(layers))):
            gradients[index][:-1] = trace.entering[index].T @ by_output
            gradients[index][-1] = by_output.sum(axis=0)
            if index:
                by_output = (by_output @ layers[index][:-1].T) * trace.slopes[index - 1]
        return gradient

    def push_forward(self, weights: Array, trace: Trace, direction: Array) -> Array:
        """Jd: how fast the outputs change as the weights move along `direction`. Shape (inputs, outputs)."""
        moved = np.zeros_like(trace.entering[0])
        layers, moves = self.layers(weights), self.layers(direction)
        for index, (layer, move) in enumerate(zip(layers, moves, strict=True)):
            moved = moved @ layer[:-1] + trace.entering[index] @ move[:-1] + move[-1]
            if index < len(trace.slopes):
                moved = moved * trace.slopes[index]
        return moved
