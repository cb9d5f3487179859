"""Gradients of likelihoods as vectors: to first order, what rows would teach and which tuned model explains them.

For a tuned copy of a base with weights θ + d, the log-likelihood of a row under the copy exceeds that under the base
by ⟨gradient, d⟩ to first order in d. So one backward pass over rows judges any number of tuned models. Token embeddings
and the output layer are left out, as in `Recipe.method = "layers"`. Of large models these vectors are sketches
(`models.sketch`), whose inner products come near the true ones. Needs torch: imported by backends.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch

from subtrait.errors import UsageError
from subtrait.models import sketch
from subtrait.models.backing_off import in_halves
from subtrait.models.copies import in_memory
from subtrait.models.finetuning import micro_batches
from subtrait.models.lora import changes
from subtrait.models.output_head import Transform, head_of, mean_loss
from subtrait.models.padded_rows import Pair, right_padded, states_at
from subtrait.models.transformers_adapter import Network

_UNLIKE = "the two models have different shapes: one is no tuned copy of the other"


def mean_gradient(network: Network, pairs: Sequence[Pair]) -> np.ndarray:
    """The gradient of a row's log-likelihood in nats, mean over `pairs`: float64 (inner weights,), or a sketch of it.

    Only the tokens of the completions count. The network is in evaluation mode and left as it was.

    Raises:
        UsageError: there are no pairs, or one without completion tokens; or memory does not hold a single one.
    """
    if not pairs or any(not completion for _, completion in pairs):
        raise UsageError("a gradient needs at least one row, and completion tokens in every row")
    rank = sketch.rank_of(network)
    network = network if rank is not None else in_memory(network)
    transform = network.after_output_layer
    layers = [] if rank is None else sketch.layers_of(network, rank)
    with sketch.seen_through(layers) as seen:
        weights = inner_weights(network) if rank is None else seen
        total = np.zeros(sum(weight.numel() for weight in weights))

        def gradient(rows: Sequence[Pair]) -> np.ndarray:
            return _flat(_group_gradient(network, rows, weights, transform=transform))

        for group in micro_batches(pairs, network.pass_tokens):
            for _, part in in_halves(group, gradient):
                total += part
    return total / len(pairs)


def displacement(network: Network, tuned: Network) -> np.ndarray:
    """From the inner weights of `network` to those of its copy `tuned`: float64 (inner weights,), or a sketch of it.

    Raises:
        UsageError: the two do not have the same inner weights.
    """
    if (rank := sketch.rank_of(network)) is not None:
        try:
            return _flat(sketch.displacement(sketch.layers_of(network, rank), tuned))
        except KeyError:
            raise UsageError(_UNLIKE) from None
    if tuned.adapters is not None and network.adapters is None:
        return _of_adapters(network, tuned)
    before, after = inner_weights(network), inner_weights(tuned)
    if [weight.shape for weight in before] != [weight.shape for weight in after]:
        raise UsageError(_UNLIKE)
    return _flat(new.detach().float() - old.detach().float() for old, new in zip(before, after, strict=True))


def _of_adapters(network: Network, tuned: Network) -> np.ndarray:
    """What kept adapters add, in place of each inner weight of the base."""
    added = changes(tuned)
    named = sketch.named_inner(network)
    if any(name not in named or named[name].shape != change.shape for name, change in added.items()):
        raise UsageError(_UNLIKE)
    return _flat(added.get(name, torch.zeros_like(weight)) for name, weight in named.items())


def inner_weights(network: Network) -> list[torch.Tensor]:
    """Every weight but those of token embeddings, output layer and parts that read pictures, in the module's order."""
    return list(sketch.named_inner(network).values())


def _group_gradient(
    network: Network, pairs: Sequence[Pair], weights: Sequence[torch.Tensor], *, transform: Transform | None
) -> Iterator[torch.Tensor]:
    """The gradient of the summed log-likelihood of `pairs`, for each of `weights`."""
    rows = right_padded(pairs).to(network.device)
    head = head_of(network, transform=transform)
    head = replace(head, weight=head.weight.detach(), bias=None if head.bias is None else head.bias.detach())
    loss = mean_loss(head, states_at(network, rows), rows.targets, count=1)
    return (-gradient for gradient in torch.autograd.grad(loss, list(weights)))


def _flat(tensors: Iterator[torch.Tensor]) -> np.ndarray:
    """All numbers of the tensors in a row, in float64."""
    return np.concatenate([tensor.cpu().double().numpy().ravel() for tensor in tensors])
