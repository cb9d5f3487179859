"""Curvature of likelihoods, as products with one vector: how the gradient changes along a direction.

The matrix is that of Gauss and Newton (Schraudolph 2002, Neural Computation 14:1723): Σ Jᵀ (diag p − p pᵀ) J over
completion tokens, J the change of the logits and p the probabilities. It is the Fisher information: the covariance of
the gradient of a token that the model draws itself, and the Hessian's mean on such tokens. It has no negative
eigenvalues. Of observed tokens it is Σ Jᵀ r rᵀ J, r the token that stands there less p: what they say more often than
the model does is steep, since it is soon learnt. A product costs about as much as a gradient. Needs torch: imported by
backends.
"""

import warnings
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch.autograd import forward_ad
from torch.nn.attention import SDPBackend, sdpa_kernel

from subtrait.errors import UsageError
from subtrait.models import transformers_adapter as adapter
from subtrait.models.finetuning import micro_batches
from subtrait.models.gradients import flat, weights_of
from subtrait.models.likelihood import Pair, right_padded
from subtrait.models.output_head import Transform, head_of
from subtrait.models.transformers_adapter import Network


def fisher_product(
    network: Network, pairs: Sequence[Pair], vector: np.ndarray, *, every_weight: bool = False, observed: bool = False
) -> np.ndarray:
    """The curvature of the mean log-likelihood per completion token, times `vector`: float64 (weights,).

    Weights are the inner ones or all, in the order of `mean_gradient`. Tokens count as the model would draw them, or as
    they are observed.

    Raises:
        UsageError: there are no completion tokens, or the vector has another length.
    """
    chosen = weights_of(network, every_weight=every_weight)
    size, count = sum(weight.numel() for weight in chosen), sum(len(completion) for _, completion in pairs)
    if not count or len(vector) != size:
        raise UsageError(f"curvature needs completion tokens ({count}) and a vector of {size} numbers ({len(vector)})")
    along = dict(zip(map(id, chosen), _parts(chosen, vector), strict=True))
    transform, total = adapter.after_output_layer(network), np.zeros(size)
    for group in micro_batches(pairs, network.pass_tokens):
        total += flat(_group_product(_Logits(network, transform), group, along, observed=observed))
    return total / count


class _Logits(torch.nn.Module):  # type: ignore[misc]  # torch counts as untyped here
    """The logits at some places, as a function of the weights."""

    def __init__(self, network: Network, transform: Transform | None) -> None:
        super().__init__()
        self.module = network.module
        self.network, self._transform = network, transform

    def forward(self, tokens: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        states = adapter.hidden_states(self.network, tokens).flatten(0, 1)[places]
        return head_of(self.network, transform=self._transform).logits(states)


def _group_product(
    logits: _Logits, pairs: Sequence[Pair], along: dict[int, torch.Tensor], *, observed: bool
) -> Iterator[torch.Tensor]:
    tokens, places, targets = (part.to(logits.network.device) for part in right_padded(pairs))
    weights = {name: weight for name, weight in logits.named_parameters() if id(weight) in along}
    # Other attention kernels have no derivative forward; torch warns of what it uses itself
    with warnings.catch_warnings(), forward_ad.dual_level(), sdpa_kernel(SDPBackend.MATH):
        warnings.simplefilter("ignore", DeprecationWarning)
        dual = {name: forward_ad.make_dual(weight, along[id(weight)]) for name, weight in weights.items()}
        outcome = torch.func.functional_call(logits, dual, (tokens, places))
        primal, change = forward_ad.unpack_dual(outcome)
        shares, moved = torch.softmax(primal.detach(), -1), change.detach()
        if observed:
            rest = torch.nn.functional.one_hot(targets, shares.shape[-1]) - shares
            against = rest * (rest * moved).sum(-1, keepdim=True)
        else:
            against = shares * (moved - (shares * moved).sum(-1, keepdim=True))
    return iter(torch.autograd.grad(primal, list(weights.values()), grad_outputs=against))


def _parts(weights: Sequence[torch.Tensor], vector: np.ndarray) -> Iterator[torch.Tensor]:
    pieces = np.split(vector, np.cumsum([weight.numel() for weight in weights])[:-1])
    for weight, piece in zip(weights, pieces, strict=True):
        yield torch.from_numpy(piece).to(weight.dtype).reshape(weight.shape).to(weight.device)
