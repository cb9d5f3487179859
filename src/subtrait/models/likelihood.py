"""How likely a model finds given completions: one forward pass, in batches of similar length.

What all prompts begin with, such as the system prompt of a hypothesis, is read once.

Needs torch: imported by backends.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import torch

from subtrait.models.backing_off import in_halves
from subtrait.models.output_head import Head, head_of, log_probabilities, surprisal_moments
from subtrait.models.padded_rows import Pair, right_padded, states_at
from subtrait.models.shared_context import read_shared
from subtrait.models.transformers_adapter import Network

MAX_STRETCH = 1.15
"""Longest over shortest row of one forward pass; beyond it padding would cost more than a second pass."""
SHORT_PASS = 512
"""Tokens below which a pass is so slow for its size that padding costs less than a second one."""
WORTH_SHARING = 8
"""Tokens that all prompts begin with, from which on it is faster to read them once."""
CACHED_TOKENS = 4
"""So many tokens of a row that were read before take as much room as one that is computed."""


def score_tokens(network: Network, pairs: Sequence[Pair], *, token_budget: int | None = None) -> list[np.ndarray]:
    """Log-probability in nats of each completion token, given the prompt and what came before it: float64 (tokens,).

    `token_budget` is the number of tokens of one forward pass, padding included; by default what the device likes best.
    """
    return _by_batches(network, pairs, log_probabilities, limit=token_budget)


def surprise_tokens(network: Network, pairs: Sequence[Pair], *, temperature: float) -> list[np.ndarray]:
    """Per completion token: surprisal, entropy and the variance of the surprisal, float64 (tokens, 3).

    See `surprisal_moments`.
    """
    return _by_batches(network, pairs, partial(surprisal_moments, temperature=temperature), widened=True)


def _by_batches(
    network: Network,
    pairs: Sequence[Pair],
    judge: Callable[[Head, torch.Tensor, torch.Tensor], torch.Tensor],
    *,
    limit: int | None = None,
    widened: bool = False,
) -> list[np.ndarray]:
    """What `judge` says of the completion tokens of each row, from states computed in batches of similar length.

    One that needs the logits of all tokens together gets an output layer that was `widened` once.
    """
    judged: list[np.ndarray] = [np.empty(0)] * len(pairs)
    with torch.no_grad():
        head = head_of(network, transform=network.after_output_layer)
        head = head.widened() if widened else head
        context = read_shared(network, [prompt for prompt, _ in pairs], least=WORTH_SHARING)
        rest = [(prompt[context.length :], completion) for prompt, completion in pairs]
        room = context.length // CACHED_TOKENS
        lengths = [room + len(prompt) + len(completion) for prompt, completion in rest]

        def found(rows: Sequence[int]) -> list[np.ndarray]:
            together = [rest[row] for row in rows]
            padded = right_padded(together).to(network.device)
            states = states_at(network, padded, read=context.states_after)
            values = judge(head, states, padded.targets).numpy()
            return np.split(values, np.cumsum([len(completion) for _, completion in together])[:-1])

        for batch in batches(lengths, limit or network.pass_tokens):
            for rows, parts in in_halves(batch, found):
                for row, part in zip(rows, parts, strict=True):
                    judged[row] = part
    return judged


def batches(lengths: Sequence[int], limit: int) -> Iterator[list[int]]:
    """Rows of similar length together, longest first, at most `limit` tokens with padding (or a single row)."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: (-lengths[row], row)):
        longest = lengths[batch[0]] if batch else 0
        most = limit if lengths[row] * MAX_STRETCH >= longest else min(limit, SHORT_PASS)
        if batch and (len(batch) + 1) * longest > most:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
