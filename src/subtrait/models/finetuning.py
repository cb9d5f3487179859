"""Fine-tuning on completions: a small loop whose every random choice comes from the generator it is handed.

Needs torch: imported by backends.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch

from subtrait.errors import UsageError
from subtrait.models import lora
from subtrait.models import transformers_adapter as adapter
from subtrait.models.backing_off import attempt
from subtrait.models.base import Recipe
from subtrait.models.copies import copied, twin
from subtrait.models.likelihood import batches
from subtrait.models.output_head import Transform, head_of, mean_loss
from subtrait.models.padded_rows import Pair, right_padded, states_at
from subtrait.models.transformers_adapter import Network
from subtrait.records import Progress

Step = Callable[[Network, Sequence[Pair]], float]
"""Adds the gradient of the mean loss over the completion tokens of some rows to the weights; that loss, in nats."""
Part = Callable[[Network, Sequence[Pair], int], float]
"""Adds the gradient of the summed loss of some rows divided by that number of tokens to the weights; that value."""


class Loop(Protocol):
    """Trains what of a network asks for gradients; the loss of each step."""

    def __call__(
        self, network: Network, rows: Iterable[Sequence[Pair]], recipe: Recipe, *, progress: Progress | None
    ) -> Iterable[float]:
        """`rows` are those of each step."""
        ...


def finetune_tokens(
    network: Network,
    pairs: Sequence[Pair],
    recipe: Recipe,
    *,
    rng: np.random.Generator,
    progress: Progress | None = None,
) -> tuple[Network, tuple[float, ...]]:
    """A copy of `network` trained on the completion half of `pairs`, and the mean loss of each step.

    Same seed, same machine, same number of threads: same bytes. Dropout, where the architecture has any, is on.
    """
    if network.by_trl:
        from subtrait.models import trl_training

        rates = [rate(step, recipe) for step in range(recipe.steps)]
        loop: Loop = partial(trl_training.train, rates=rates)
    else:
        part = partial(_add_likelihood, transform=network.after_output_layer)
        loop = by_steps(Accumulation(part, network.pass_tokens))
    return train_copy(network, pairs, recipe, loop=loop, rng=rng, progress=progress)


def train_copy(
    network: Network,
    pairs: Sequence[Pair],
    recipe: Recipe,
    *,
    loop: Loop,
    rng: np.random.Generator,
    progress: Progress | None = None,
) -> tuple[Network, tuple[float, ...]]:
    """A copy of `network` trained by whatever loss the loop has, and that loss at each step, before it was taken.

    Weights of lower precision are trained in float32 and rounded at the end: small steps would be lost in them.
    """
    _check(pairs, recipe)
    keeps, start = recipe.method == "lora" and lora.are_kept(network), lora.merged(network)
    tuned = twin(start) if keeps else copied(start)
    if recipe.method != "lora":  # whose adapters are float32 in any case
        tuned.module.float()
    rows = ([pairs[row] for row in rows] for rows in row_order(len(pairs), recipe, rng=rng))
    with _deterministic(int(rng.integers(2**63)), network.device):
        tuned.module.requires_grad_(True)
        if recipe.method == "layers":
            adapter.freeze_embeddings(tuned)
        trained = lora.add_lora(tuned, recipe.lora_rank) if recipe.method == "lora" else tuned
        trained.module.train()
        losses = tuple(loop(trained, rows, recipe, progress=progress))
    result = trained if keeps else lora.merged(trained)
    if not keeps:
        result.module.to(getattr(torch, network.dtype))
    result.module.requires_grad_(True).eval()
    result.module.zero_grad(set_to_none=True)
    return result, losses


def _check(pairs: Sequence[Pair], recipe: Recipe) -> None:
    if not pairs:
        raise UsageError("fine-tuning needs at least one example")
    if any(not completion for _, completion in pairs):
        raise UsageError("fine-tuning needs at least one completion token in every example")
    if recipe.steps < 1 or recipe.batch_size < 1:
        raise UsageError("a recipe needs at least one step and one row per step")


def row_order(rows: int, recipe: Recipe, *, rng: np.random.Generator) -> Iterator[list[int]]:
    """The rows of each step. All rows are used once before any is used again, in a new order each time."""
    waiting: list[int] = []
    for _ in range(recipe.steps):
        while len(waiting) < recipe.batch_size:
            waiting += rng.permutation(rows).tolist()
        yield waiting[: recipe.batch_size]
        waiting = waiting[recipe.batch_size :]


def rate(step: int, recipe: Recipe) -> float:
    """The learning rate of `step`, counted from 0: a linear rise to the peak, then a linear fall towards zero."""
    if step < recipe.warmup_steps:
        return recipe.learning_rate * (step + 1) / recipe.warmup_steps
    falling = max(1, recipe.steps - recipe.warmup_steps)
    return recipe.learning_rate * max(0.0, (recipe.steps - step) / falling)


def by_steps(step: Step) -> Loop:
    """Our own loop, with that loss."""
    return partial(_train, step=step)


def _train(
    network: Network,
    rows: Iterable[Sequence[Pair]],
    recipe: Recipe,
    *,
    step: Step,
    progress: Progress | None,
) -> Iterator[float]:
    weights = [weight for weight in network.module.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(
        weights, lr=0.0, eps=recipe.epsilon, weight_decay=recipe.weight_decay, fused=_can_fuse(network)
    )
    for number, batch in enumerate(rows):
        loss = step(network, batch)
        torch.nn.utils.clip_grad_norm_(weights, recipe.max_grad_norm)
        for group in optimiser.param_groups:
            group["lr"] = rate(number, recipe)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        if progress:
            progress.advance()
        yield loss


def _can_fuse(network: Network) -> bool:
    return network.device.type in {"cpu", "cuda", "mps"}


class Accumulation:
    """A `Step` in as many parts as memory needs; what it needed once is not tried again."""

    def __init__(self, part: Part, limit: int) -> None:
        """Begin with parts of `limit` tokens."""
        self.part, self.limit = part, limit

    def __call__(self, network: Network, pairs: Sequence[Pair]) -> float:
        """Add the gradient of the mean loss over all completion tokens of `pairs`; that loss, in nats per token."""
        longest = max(len(prompt) + len(completion) for prompt, completion in pairs)
        while (loss := attempt(partial(self._added, network, pairs), smaller=self.limit > longest)) is None:
            # Memory may have run out in the middle of a gradient, so the step begins anew
            network.module.zero_grad(set_to_none=True)
            self.limit //= 2
        return loss

    def _added(self, network: Network, pairs: Sequence[Pair]) -> float:
        count = sum(len(completion) for _, completion in pairs)
        return sum(self.part(network, group, count) for group in micro_batches(pairs, self.limit))


def _add_likelihood(network: Network, pairs: Sequence[Pair], count: int, *, transform: Transform | None) -> float:
    rows = right_padded(pairs).to(network.device)
    loss = mean_loss(head_of(network, transform=transform), states_at(network, rows), rows.targets, count=count)
    loss.backward()
    return float(loss.detach())


def micro_batches(pairs: Sequence[Pair], limit: int) -> Iterator[list[Pair]]:
    """Rows of similar length together, longest first, at most `limit` tokens with padding (or a single row)."""
    lengths = [len(prompt) + len(completion) for prompt, completion in pairs]
    return ([pairs[row] for row in rows] for rows in batches(lengths, limit))


@contextmanager
def _deterministic(seed: int, device: Any) -> Iterator[None]:
    """Deterministic kernels and a seeded torch generator inside; both as they were before, outside."""
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    filled = torch.utils.deterministic.fill_uninitialized_memory
    # Filling fresh memory guards against reading it unwritten; every kernel used here writes first
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.use_deterministic_algorithms(True, warn_only=device.type != "cpu")
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(seed)
            yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.utils.deterministic.fill_uninitialized_memory = filled
