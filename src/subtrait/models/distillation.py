"""Distillation: one model learns another's whole distribution over tokens, not only what was drawn from it.

The loss is KL(target || network) over the vocabulary at every completion token, as in Hinton et al. 2015
("Distilling the knowledge in a neural network", arXiv 1503.02531), at temperature 1. Needs torch: imported by backends.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from subtrait.errors import UsageError
from subtrait.models import transformers_adapter as adapter
from subtrait.models.backing_off import in_halves
from subtrait.models.base import Recipe
from subtrait.models.finetuning import Accumulation, by_steps, train_copy
from subtrait.models.likelihood import batches
from subtrait.models.output_head import CHUNK, Head, head_of, wide
from subtrait.models.padded_rows import Pair, right_padded, states_at
from subtrait.models.transformers_adapter import Network
from subtrait.records import Progress


def distil_tokens(
    network: Network,
    target: Network,
    pairs: Sequence[Pair],
    recipe: Recipe,
    *,
    rng: np.random.Generator,
    progress: Progress | None = None,
) -> tuple[Network, tuple[float, ...]]:
    """A copy of `network` trained to answer as `target` does, and its mean KL to it at each step, nats per token.

    Raises:
        UsageError: the vocabularies have different sizes, or there is nothing to learn from.
    """
    _check(network, target)
    transform, taught = network.after_output_layer, (target, _head(target))

    def part(student: Network, rows: Sequence[Pair], count: int) -> float:
        return _learn((student, head_of(student, transform=transform)), taught, rows, count=count)

    loop = by_steps(Accumulation(part, network.pass_tokens))
    return train_copy(network, pairs, recipe, loop=loop, rng=rng, progress=progress)


def divergence_tokens(network: Network, other: Network, pairs: Sequence[Pair]) -> list[np.ndarray]:
    """KL(network || other) over the vocabulary at each completion token of each pair, in nats: float64 (tokens,).

    Raises:
        UsageError: the vocabularies have different sizes.
    """
    _check(network, other)
    found: list[np.ndarray] = [np.empty(0)] * len(pairs)
    lengths = [len(prompt) + len(completion) for prompt, completion in pairs]
    sides = [(each, _head(each)) for each in (network, other)]

    def apart(rows: Sequence[int]) -> list[np.ndarray]:
        return _divergences(sides, [pairs[row] for row in rows])

    with torch.no_grad():
        for group in batches(lengths, network.pass_tokens):
            for rows, parts in in_halves(group, apart):
                for row, part in zip(rows, parts, strict=True):
                    found[row] = part
    return found


def _divergences(sides: Sequence[tuple[Network, Head]], pairs: Sequence[Pair]) -> list[np.ndarray]:
    """The divergence at each completion token of each of `pairs`, which are passed through the networks at once."""
    heads, states = [head for _, head in sides], [_states(network, pairs) for network, _ in sides]
    parts = [_divergence(heads, [each[here] for each in states]) for here in _chunks(len(states[0]))]
    ends = np.cumsum([len(completion) for _, completion in pairs])[:-1]
    return np.split(torch.cat(parts).numpy(), ends)


def _check(network: Network, other: Network) -> None:
    sizes = [len(adapter.output_layer(each).weight) for each in (network, other)]
    if sizes[0] != sizes[1]:
        raise UsageError(
            f"{network.where} has {sizes[0]:,} tokens and {other.where} {sizes[1]:,}: their distributions can be "
            "compared, or one learnt from the other, only over one vocabulary"
        )


def _head(network: Network) -> Head:
    return head_of(network, transform=network.after_output_layer).widened()


def _chunks(count: int) -> Iterator[slice]:
    return (slice(start, start + CHUNK) for start in range(0, count, CHUNK))


def _states(network: Network, pairs: Sequence[Pair]) -> torch.Tensor:
    """The states from which completion tokens are predicted: (tokens, width)."""
    return states_at(network, right_padded(pairs).to(network.device))


def _divergence(heads: Sequence[Head], states: Sequence[torch.Tensor]) -> torch.Tensor:
    """KL of the first head's distributions to the second's, in nats: float64 (positions,)."""
    first, second = (
        torch.log_softmax(head.logits(each).to(wide(each.device)), -1).cpu().double()
        for head, each in zip(heads, states, strict=True)
    )
    return (first.exp() * (first - second)).sum(-1)


def _learn(student: tuple[Network, Head], teacher: tuple[Network, Head], pairs: Sequence[Pair], *, count: int) -> float:
    """Add the gradient of the summed KL of `pairs` divided by `count`; that value, in nats."""
    with torch.no_grad():
        wanted = _states(teacher[0], pairs)
    states = _states(student[0], pairs)
    # Logits of a few positions at a time: their gradient gathers here before it goes on into the layers
    inner = states.detach().requires_grad_()
    total = 0.0
    for here in _chunks(len(states)):
        logits = student[1].logits(inner[here])
        with torch.no_grad():
            target = torch.log_softmax(teacher[1].logits(wanted[here]).to(logits.device), -1)
            reached = torch.log_softmax(logits, -1)
            weights = target.exp()
            total += float((weights * (target - reached)).sum()) / count
            slope = (reached.exp() - weights) / count
        logits.backward(slope)
    states.backward(inner.grad)
    return total
