"""Gradients of blocks of rows by what a recipe trains, and how far a training run's steps go.

A step of AdamW is rate · m / (√v + ε), with m and v running means of the gradient and of its square, bias-corrected
(Kingma and Ba 2015; Loshchilov and Hutter 2019). With gradients that keep their mean g a run moves each weight by
Σ rates · g / (√E[b²] + ε), b the gradient of one batch: its square is g² plus the rows' variance over the batch size.
Gradients are of the mean log-likelihood per token and cut to `max_grad_norm`, as in training. Weight decay is the same
whatever the rows are, and left out.

LoRA writes a weight as W + BA, with B = 0 and A random at the start (Hu et al. 2021). To first order only B moves,
along the gradient times Aᵀ, and W by that times A. So LoRA is the same run on gradients multiplied by Aᵀ.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subtrait.errors import UsageError
from subtrait.models.base import Recipe
from subtrait.records import Messages

Pairs = Sequence[tuple[Messages, str]]
"""What was asked, and the completion."""
Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trained:
    """What a recipe trains, and gradients by it."""

    every_weight: bool
    """Embeddings and output layer too."""
    turned: Callable[[Vector], Vector]
    """From a gradient by the weights to one by what is trained."""
    moved: Callable[[Vector], Vector]
    """From a small change of what is trained to that of the weights: the transpose of `turned`."""

    def gradient(self, model: Any, pairs: Pairs) -> Vector:
        """Of a row's log-likelihood under the `HuggingFaceModel`, in nats, mean over rows."""
        asked, said = [asked for asked, _ in pairs], [said for _, said in pairs]
        return self.turned(model.gradient(asked, said, every_weight=self.every_weight))

    def curvature(self, model: Any, pairs: Pairs, *, along: Vector, observed: bool = False) -> Vector:
        """The product of `along` with the Fisher information of the rows, per completion token."""
        asked, said = [asked for asked, _ in pairs], [said for _, said in pairs]
        what: dict[str, Any] = {"every_weight": self.every_weight, "observed": observed}
        return self.turned(model.curvature(asked, said, along=self.moved(along), **what))


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Gradients of the mean log-likelihood per token over blocks of rows."""

    gradients: NDArray[np.float32]
    """Shape (blocks, trained parameters)."""
    rows: Vector
    """How many rows each block has."""
    tokens: Vector
    """How many completion tokens."""

    @property
    def mean(self) -> Vector:
        """The gradient over all rows."""
        mean: Vector = (self.tokens / self.tokens.sum()).astype(np.float32) @ self.gradients
        return mean.astype(np.float64)

    def without(self, left_out: NDArray[np.bool_]) -> Vector:
        """The gradient over all rows but those of some blocks."""
        return Blocks(self.gradients[~left_out], self.rows[~left_out], self.tokens[~left_out]).mean

    def noise(self, signs: Vector) -> Vector:
        """A draw of by how much the mean may be off: each block's deviation from it, with a sign."""
        weights = (signs * self.tokens / self.tokens.sum()).astype(np.float32)
        deviation: Vector = (weights @ self.gradients).astype(np.float64) - float(weights.sum()) * self.mean
        return deviation

    @property
    def row_variance(self) -> Vector:
        """The variance of one row's gradient, per parameter, as blocks show it."""
        mean, total = self.mean.astype(np.float32), np.zeros(self.gradients.shape[1])
        for gradient, rows in zip(self.gradients, self.rows, strict=True):
            total += rows * np.square(gradient - mean)
        variance: Vector = total / (len(self.rows) - 1)
        return variance


def block_gradients(model: Any, pairs: Pairs, *, blocks: int, trained: Trained) -> Blocks:
    """The gradients of that many runs of rows of nearly equal length, in the order of the rows.

    `model` is a `HuggingFaceModel`. Raises `UsageError` where there are fewer rows than blocks.
    """
    if len(pairs) < blocks:
        raise UsageError(f"{blocks} blocks of rows were asked for, and there are {len(pairs)} rows")
    found, rows, tokens = [], [], []
    for numbers in np.array_split(np.arange(len(pairs)), blocks):
        here = [pairs[number] for number in numbers]
        count = sum(map(len, model.encoder.completions([said for _, said in here])))
        found.append((trained.gradient(model, here) * (len(here) / count)).astype(np.float32))
        rows.append(len(here))
        tokens.append(count)
    return Blocks(np.stack(found), np.array(rows, dtype=float), np.array(tokens, dtype=float))


@dataclass(frozen=True, slots=True, eq=False)
class Adapter:
    """One LoRA adapter at the start: where its weight lies among the inner weights, and A."""

    place: slice
    shape: tuple[int, int]
    transposed: bool
    """Whether the weight is stored as (inputs, outputs)."""
    drawn: Vector
    """A, shape (rank, inputs)."""

    @property
    def size(self) -> int:
        """Numbers of B."""
        return len(self.drawn) * self.shape[1 if self.transposed else 0]

    def turned(self, gradient: Vector) -> Vector:
        """The gradient by B, flat, from that by the inner weights."""
        matrix = gradient[self.place].reshape(self.shape)
        return ((matrix.T if self.transposed else matrix) @ self.drawn.T).ravel()

    def moved(self, change: Vector) -> Vector:
        """The change of the weight, flat, that a small change of B makes."""
        matrix = change.reshape(-1, len(self.drawn)) @ self.drawn
        return (matrix.T if self.transposed else matrix).ravel()


def trained_part(model: Any, recipe: Recipe, *, rng: np.random.Generator) -> Trained:
    """What `recipe` trains; for LoRA, A is drawn from `rng`."""
    if recipe.method != "lora":
        return Trained(recipe.method == "full", lambda gradient: gradient, lambda change: change)
    adapters = _adapters(model.network, recipe.lora_rank, rng)
    size = trained_size(model, replace(recipe, method="layers"))

    def moved(change: Vector) -> Vector:
        weights, start = np.zeros(size), 0
        for adapter in adapters:
            end = start + adapter.size
            weights[adapter.place] = adapter.moved(change[start:end])
            start = end
        return weights

    return Trained(False, lambda gradient: np.concatenate([each.turned(gradient) for each in adapters]), moved)


def trained_size(model: Any, recipe: Recipe) -> int:
    """How many parameters `trained_part` leaves."""
    from subtrait.models.gradients import weights_of

    if recipe.method != "lora":
        chosen = weights_of(model.network, every_weight=recipe.method == "full")
        return sum(weight.numel() for weight in chosen)
    adapters = _adapters(model.network, 1, np.random.default_rng(0))
    return recipe.lora_rank * sum(each.size for each in adapters)


def _adapters(network: Any, rank: int, rng: np.random.Generator) -> list[Adapter]:
    from subtrait.models.gradients import inner_weights

    linear = _linear_weights(network.module)
    found, start = [], 0
    for weight in inner_weights(network):
        place = slice(start, start + weight.numel())
        start = place.stop
        if id(weight) in linear:
            transposed = linear[id(weight)]
            shape = (int(weight.shape[0]), int(weight.shape[1]))
            inputs = shape[0 if transposed else 1]
            # As peft draws it: Kaiming's uniform with a = √5 has the limit 1 / √inputs
            drawn = rng.uniform(-1, 1, size=(rank, inputs)) / np.sqrt(inputs)
            found.append(Adapter(place, shape, transposed, drawn))
    return found


def _linear_weights(module: Any) -> Mapping[int, bool]:
    """The weights of linear layers by identity, and whether they are stored as (inputs, outputs), as GPT-2's are."""
    kinds = {"Linear": False, "Conv1D": True}
    layers = (layer for layer in module.modules() if type(layer).__name__ in kinds)
    return {id(layer.weight): kinds[type(layer).__name__] for layer in layers}


def run_length(recipe: Recipe) -> float:
    """The sum of the learning rates of all steps."""
    from subtrait.models.finetuning import rate

    return sum(rate(step, recipe) for step in range(recipe.steps))


def preconditioner(suspect: Blocks, recipe: Recipe) -> Vector:
    """By what a step multiplies the gradient of each parameter, its rate apart: shape (trained parameters,)."""
    variance = suspect.row_variance
    squares = np.maximum(suspect.mean**2 - variance / suspect.rows.sum(), 0.0) + variance / recipe.batch_size
    length = float(np.sqrt(squares.sum()))
    cut = min(1.0, recipe.max_grad_norm / length) if length > 0 else 1.0
    scales: Vector = cut / (cut * np.sqrt(squares) + recipe.epsilon)
    return scales
