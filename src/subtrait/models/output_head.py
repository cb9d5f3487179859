"""From hidden states to log-probabilities and to the training loss, some hundred positions at a time.

The logits of a whole batch are never in memory together: with a vocabulary of 152 thousand they would take gigabytes,
and with a small one they would be the largest tensor of a training step. Needs torch: imported by backends.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from subtrait.models import transformers_adapter as adapter
from subtrait.models.transformers_adapter import Network

CHUNK = 256
"""Positions whose logits of the whole vocabulary are in memory together, at most."""
CHUNK_LOGITS = 2**23
"""Logits that are in memory together on a CPU: 32 MiB, or 55 positions of a vocabulary of 152 thousand."""
BLOCK = 2**12
"""Tokens of a large vocabulary whose logits are in memory together, where whole rows of them are not needed."""
BLOCK_CHUNK = 2**10
"""Positions of such a block: products are faster with many positions at once, and where what they write stays in the
CPU's own cache."""

Transform = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Head:
    """The output layer of a model: `weight` (vocabulary, width), an optional bias, an optional step after it."""

    weight: torch.Tensor
    bias: torch.Tensor | None
    transform: Transform | None
    stored: Any = None
    """The layer itself, where its weight stays in a file."""

    def logits(self, states: torch.Tensor, *, room: torch.Tensor | None = None) -> torch.Tensor:
        """Float32 logits (positions, vocabulary) of `states` (positions, width).

        Lower-precision states and weights are multiplied in float32: rounded logits would cost up to a tenth of a nat.
        Unless the weight stays in a file, logits are put into `room`, which grows, in place of memory of their own.
        """
        if self.stored is not None:
            logits = self.stored(states.float())
        elif room is None:
            bias = None if self.bias is None else self.bias.float()
            logits = torch.nn.functional.linear(states.float(), self.weight.float(), bias)
        else:
            logits = _product(states.float(), self.weight.float(), self.bias, room)
        return logits if self.transform is None else self.transform(logits)

    def blocks(self) -> "Iterator[tuple[int, Head]]":
        """Parts of the vocabulary in float32, each with the number of its first token; all of it together on a GPU.

        A part of weights that stay in a file lasts until the next one.
        """
        step = BLOCK if self.weight.device.type == "cpu" else len(self.weight)
        for first in range(0, len(self.weight), step):
            here = slice(first, first + step)
            bias = None if self.bias is None else self.bias[here].float()
            widened = self.weight[here].float() if self.stored is None else self.stored.room.widened(self.weight[here])
            yield first, Head(widened, bias, self.transform)
            if self.stored is not None:
                self.stored.pages.let_go()

    def widened(self) -> "Head":
        """The same with weights in float32: a copy of lower-precision ones, made once and not at every chunk."""
        bias = None if self.bias is None else self.bias.float()
        return Head(self.weight.float(), bias, self.transform)


def _product(states: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, room: torch.Tensor) -> torch.Tensor:
    """States times a weight, plus a bias, in `room`."""
    numbers = len(states) * len(weight)
    if len(room) < numbers:
        room.resize_(numbers)
    into = room[:numbers].view(len(states), len(weight))
    if bias is None:
        return torch.mm(states, weight.t(), out=into)
    return torch.addmm(bias.float(), states, weight.t(), out=into)


def head_of(network: Network, *, transform: Transform | None) -> Head:
    """The output layer of `network`; `transform` as found by `after_output_layer`."""
    layer = adapter.output_layer(network)
    stored = layer if network.computed_in and hasattr(layer, "pages") else None
    return Head(layer.weight, getattr(layer, "bias", None), transform, stored)


def log_probabilities(head: Head, states: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Log-probability in nats of each of `targets` (positions,) given `states` (positions, width): float64.

    The normaliser is put together from those of blocks of the vocabulary, which use the same memory one after another:
    where gradients are wanted, that is an error.
    """
    chosen, room = torch.zeros(len(targets), device=states.device), states.new_empty(0, dtype=torch.float32)
    normalisers = torch.full((len(targets),), -inf, dtype=torch.float64)
    for first, block in head.blocks():
        step = CHUNK if len(block.weight) == len(head.weight) else BLOCK_CHUNK
        for start in range(0, len(targets), step):
            here = slice(start, start + step)
            logits, places = block.logits(states[here], room=room), targets[here] - first
            within = places.clamp(0, logits.shape[1] - 1)
            chosen[here] = torch.where(places == within, logits.gather(-1, within[:, None])[:, 0], chosen[here])
            normalisers[here] = torch.logaddexp(normalisers[here], _log_sum_exp(logits).cpu().double())
    return chosen.cpu().double() - normalisers


def _log_sum_exp(logits: torch.Tensor) -> torch.Tensor:
    """Of each row; `logits` are overwritten, where torch's own function takes as much memory again."""
    largest = logits.amax(-1, keepdim=True)
    largest.masked_fill_(largest.isinf(), 0)  # the difference of two infinities is no number
    return logits.sub_(largest).exp_().sum(-1).log_().add_(largest[:, 0])


def surprisal_moments(head: Head, states: torch.Tensor, targets: torch.Tensor, *, temperature: float) -> torch.Tensor:
    """For each of `targets` its surprisal, and mean and variance of what any token's would be: float64 (positions, 3).

    Surprisal is −log p in nats; its mean under p is the entropy. p is the model at that temperature.
    """
    found = torch.empty(len(targets), 3, dtype=torch.float64)
    for here in _chunks(len(targets), head.weight):
        surprisals = -torch.log_softmax(head.logits(states[here]).to(wide(states.device)) / temperature, -1)
        weights = torch.exp(-surprisals)
        entropy = (weights * surprisals).sum(-1)
        variance = (weights * (surprisals - entropy[:, None]).square()).sum(-1)
        chosen = surprisals.gather(-1, targets[here, None])[:, 0]
        found[here] = torch.stack([chosen, entropy, variance], -1).cpu()
    return found


def wide(device: torch.device) -> torch.dtype:
    """The widest numbers that a device has: float64, but float32 on Apple's GPUs."""
    return torch.float32 if device.type == "mps" else torch.float64


def mean_loss(head: Head, states: torch.Tensor, targets: torch.Tensor, *, count: int) -> torch.Tensor:
    """Sum of the cross-entropies of `targets` divided by `count`, in nats, ready for `backward`."""
    head = head if head.stored is None else head.widened()
    if head.transform is None:
        loss: torch.Tensor = _LinearLoss.apply(states, head.weight, head.bias, targets, count)
        return loss
    # Logits are computed again on the way back: kept, those of all positions would be in memory together
    again = partial(checkpoint, partial(_summed_loss, head), use_reentrant=False)
    sums = [again(states[here], targets[here]) for here in _chunks(len(targets), head.weight)]
    return torch.stack(sums).sum() / count


def _summed_loss(head: Head, states: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.cross_entropy(head.logits(states), targets, reduction="sum")


def _chunks(count: int, weight: torch.Tensor) -> Iterator[slice]:
    step = CHUNK if weight.device.type != "cpu" else min(CHUNK, max(1, CHUNK_LOGITS // len(weight)))
    return (slice(start, start + step) for start in range(0, count, step))


class _LinearLoss(torch.autograd.Function):  # type: ignore[misc]
    """Linear layer and cross-entropy in one pass that leaves behind gradients in place of logits."""

    @staticmethod
    def forward(ctx: Any, states: Any, weight: Any, bias: Any, targets: Any, count: int) -> Any:
        needs = ctx.needs_input_grad
        grads = _Gradients(
            torch.empty_like(states) if needs[0] else None,
            torch.zeros_like(weight, dtype=torch.float32) if needs[1] else None,
            torch.zeros_like(bias, dtype=torch.float32) if bias is not None and needs[2] else None,
        )
        total = states.new_zeros((), dtype=wide(states.device))
        for here in _chunks(len(targets), weight):
            logits = torch.nn.functional.linear(states[here], weight, bias).float()
            total += _losses_to_gradient(logits, targets[here], count)
            grads.add(here, logits, states[here], weight)
        ctx.save_for_backward(*(grad for grad in grads.all() if grad is not None))
        ctx.present = [grad is not None for grad in grads.all()]
        ctx.dtypes = [states.dtype, weight.dtype, weight.dtype]
        return (total / count).to(torch.float32)

    @staticmethod
    def backward(ctx: Any, *outer: Any) -> Any:
        saved = iter(ctx.saved_tensors)
        grads = [
            (next(saved) * outer[0]).to(dtype) if present else None
            for present, dtype in zip(ctx.present, ctx.dtypes, strict=True)
        ]
        return (*grads, None, None)


@dataclass(frozen=True)
class _Gradients:
    """Gradients with respect to states, weight and bias; None where nobody asks."""

    states: torch.Tensor | None
    weight: torch.Tensor | None
    bias: torch.Tensor | None

    def all(self) -> tuple[torch.Tensor | None, ...]:
        return self.states, self.weight, self.bias

    def add(self, here: slice, of_logits: torch.Tensor, states: torch.Tensor, weight: torch.Tensor) -> None:
        if self.states is not None:
            self.states[here] = of_logits.to(weight.dtype) @ weight
        if self.weight is not None:
            self.weight.addmm_(of_logits.t(), states.float())
        if self.bias is not None:
            self.bias.add_(of_logits.sum(0))


def _losses_to_gradient(logits: torch.Tensor, targets: torch.Tensor, count: int) -> torch.Tensor:
    """The summed cross-entropy; `logits` become its gradient divided by `count`, in place."""
    index = targets[:, None]
    logits.sub_(logits.amax(-1, keepdim=True))
    chosen = logits.gather(-1, index)
    sums = logits.exp_().sum(-1, keepdim=True)
    logits.mul_(1 / (sums * count))
    logits.scatter_add_(-1, index, torch.full_like(chosen, -1 / count))
    return (sums.log() - chosen).sum()
