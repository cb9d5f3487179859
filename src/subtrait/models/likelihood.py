"""How likely a model finds given completions: one forward pass, in batches of similar length.

What all prompts begin with, such as the system prompt of a hypothesis, is read once.

Needs torch: imported by backends.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
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
JUDGED_TOGETHER = 2_048
"""Completion tokens from which on their states are given to the output layer: it is read once for all of them, and its
products are faster with many. In float32 and 896 wide their states take 7 MiB."""


Judge = Callable[[Head, torch.Tensor, torch.Tensor], torch.Tensor]
"""Says something of target tokens (positions,), given the output layer and states (positions, width)."""


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
    judge: Judge,
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
        values = partial(_values, judge, head.widened() if widened else head)
        for held in _together(_row_states(network, pairs, limit=limit or network.pass_tokens)):
            for rows, parts in in_halves(held, values):
                for each, part in zip(rows, parts, strict=True):
                    judged[each.row] = part
    return judged


def _values(judge: Judge, head: Head, rows: "Sequence[RowStates]") -> list[np.ndarray]:
    """What `judge` says of all tokens together, row by row."""
    states, targets = (torch.cat(parts) for parts in zip(*((each.states, each.targets) for each in rows), strict=True))
    return np.split(judge(head, states, targets).numpy(), np.cumsum([len(each.targets) for each in rows])[:-1])


@dataclass(frozen=True, slots=True)
class RowStates:
    """The states from which the completion tokens of one row are predicted: (tokens, width), and these tokens."""

    row: int
    states: torch.Tensor
    targets: torch.Tensor


def _row_states(network: Network, pairs: Sequence[Pair], *, limit: int) -> Iterator[RowStates]:
    """Those of every row, in the order in which rows are computed."""
    context = read_shared(network, [prompt for prompt, _ in pairs], least=WORTH_SHARING)
    rest = [(prompt[context.length :], completion) for prompt, completion in pairs]
    room = context.length // CACHED_TOKENS
    lengths = [room + len(prompt) + len(completion) for prompt, completion in rest]

    def computed(rows: Sequence[int]) -> list[RowStates]:
        padded = right_padded([rest[row] for row in rows]).to(network.device)
        counts = [len(rest[row][1]) for row in rows]
        states = states_at(network, padded, read=context.states_after).split(counts)
        return [RowStates(*each) for each in zip(rows, states, padded.targets.split(counts), strict=True)]

    for batch in batches(lengths, limit):
        for _, found in in_halves(batch, computed):
            yield from found


def _together(rows: Iterable[RowStates]) -> Iterator[list[RowStates]]:
    """Rows in groups of `JUDGED_TOGETHER` tokens or somewhat more."""
    held, tokens = list[RowStates](), 0
    for each in rows:
        held.append(each)
        tokens += len(each.targets)
        if tokens >= JUDGED_TOGETHER:
            yield held
            held, tokens = [], 0
    if held:
        yield held


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
