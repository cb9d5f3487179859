"""How likely a model finds given completions: one forward pass, in batches of similar length.

What all prompts begin with, such as the system prompt of a hypothesis, is read once.

Needs torch: imported by backends.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from heapq import heapreplace
from itertools import chain
from math import inf

import numpy as np
import torch

from subtrait.models.backing_off import in_halves
from subtrait.models.output_head import Head, head_of, log_probabilities, surprisal_moments
from subtrait.models.padded_rows import Pair, right_padded, states_at
from subtrait.models.shared_context import SharedContext, read_shared
from subtrait.models.side_by_side import MOST_LANES, go_abreast, lanes
from subtrait.models.transformers_adapter import Network

MAX_STRETCH = 1.15
"""Longest over shortest row of one forward pass; beyond it padding would cost more than a second pass."""
SHORT_PASS = 512
"""Tokens below which a pass is so slow for its size that padding costs less than a second one."""
WORTH_SHARING = 8
"""Tokens that all prompts begin with, from which on it is faster to read them once."""
CACHED_TOKENS = 4
"""So many tokens of a row that were read before take as much room as one that is computed."""
EVEN_PASSES = 8
"""So many passes at the end are made even, with what is more than a multiple of `MOST_LANES`."""
JUDGED_TOGETHER = 2_048
"""Completion tokens from which on their states are given to the output layer: it is read once for all of them, and its
products are faster with many. In float32 and 896 wide their states take 7 MiB."""
JUDGED_APART = 256
"""Completion tokens from which on halves of them, side by side, take less time than all on one thread."""


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
        transform = network.after_output_layer
        whole = head_of(network, transform=transform).widened() if widened else None
        context, rest = _split(network, pairs)
        planned = passes(context, rest, limit=limit or network.pass_tokens)

        def values(each: Network, held: Sequence[RowStates]) -> list[tuple[RowStates, np.ndarray]]:
            work = partial(_values, judge, whole or head_of(each, transform=transform))
            return [pair for rows, parts in in_halves(held, work) for pair in zip(rows, parts, strict=True)]

        with lanes(network, items=len(planned)) as abreast:
            found = abreast.each(partial(_row_states, context, rest), planned)
            held = _together(chain.from_iterable(found))
            for row, part in chain.from_iterable(abreast.each(values, held)):
                judged[row.row] = part
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


def _split(network: Network, pairs: Sequence[Pair]) -> tuple[SharedContext, list[Pair]]:
    """What all prompts begin with, read, and the rows without it."""
    context = read_shared(network, [prompt for prompt, _ in pairs], least=WORTH_SHARING)
    return context, [(prompt[context.length :], completion) for prompt, completion in pairs]


def passes(context: SharedContext, rest: Sequence[Pair], *, limit: int) -> list[list[int]]:
    """The rows of every forward pass, at most `limit` tokens with padding each (or a single row).

    Where passes go side by side the last ones are even, if that lets all end earlier. However many do, these are the
    same, and so is what they compute.
    """
    room = context.length // CACHED_TOKENS
    lengths = [room + len(prompt) + len(completion) for prompt, completion in rest]
    found = list(batches(lengths, limit))
    if len(found) < 2 or not go_abreast(context.network):
        return found
    first = max(0, len(found) - EVEN_PASSES - len(found) % MOST_LANES)
    rows = list(chain.from_iterable(found[first:]))
    even = [[rows[place] for place in some] for some in _even([lengths[row] for row in rows], limit)]
    return min(found, [*found[:first], *even], key=partial(_ends, lengths))


def _even(lengths: Sequence[int], limit: int) -> Iterator[list[int]]:
    """The same as `batches`, at most as many as a multiple of `MOST_LANES`, the largest as small as that allows."""

    def count(limit: int) -> int:
        return sum(1 for _ in batches(lengths, limit, stretch=inf))

    most = -(-count(limit) // MOST_LANES) * MOST_LANES
    least = bisect_left(range(limit), True, lo=min(limit, max(lengths)), key=lambda limit: count(limit) <= most)
    return batches(lengths, least, stretch=inf)


def _ends(lengths: Sequence[int], planned: Sequence[Sequence[int]]) -> int:
    """Tokens until all passes are done, each taken by the lane that is free first: by two and by most lanes, in sum."""
    ends = 0
    for count in (2, MOST_LANES):
        free = [0] * count
        for rows in planned:
            heapreplace(free, free[0] + len(rows) * lengths[rows[0]])
        ends += max(free)
    return ends


def _row_states(context: SharedContext, rest: Sequence[Pair], network: Network, rows: Sequence[int]) -> list[RowStates]:
    """Those of the rows of one pass."""
    context = replace(context, network=network)

    def computed(rows: Sequence[int]) -> list[RowStates]:
        padded = right_padded([rest[row] for row in rows]).to(network.device)
        counts = [len(rest[row][1]) for row in rows]
        states = states_at(network, padded, read=context.states_after).split(counts)
        return [RowStates(*each) for each in zip(rows, states, padded.targets.split(counts), strict=True)]

    return [state for _, states in in_halves(rows, computed) for state in states]


def _together(rows: Iterable[RowStates]) -> Iterator[list[RowStates]]:
    """Rows in groups of half of `JUDGED_TOGETHER` tokens or somewhat more, two at a time, which may go side by side.

    What is left in the end is halved too, if it is `JUDGED_APART` tokens.
    """
    held, tokens = list[RowStates](), 0
    for each in rows:
        held.append(each)
        tokens += len(each.targets)
        if tokens >= JUDGED_TOGETHER:
            yield from _in_two(held)
            held, tokens = [], 0
    if held:
        yield from _in_two(held) if tokens >= JUDGED_APART else [held]


def _in_two(rows: list[RowStates]) -> Iterator[list[RowStates]]:
    half = (len(rows) + 1) // 2
    yield from (part for part in (rows[:half], rows[half:]) if part)


def batches(lengths: Sequence[int], limit: int, *, stretch: float = MAX_STRETCH) -> Iterator[list[int]]:
    """Rows of similar length together, longest first, at most `limit` tokens with padding (or a single row).

    The longest of a batch of more than `SHORT_PASS` is at most `stretch` times as long as the shortest.
    """
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: (-lengths[row], row)):
        longest = lengths[batch[0]] if batch else 0
        most = limit if lengths[row] * stretch >= longest else min(limit, SHORT_PASS)
        if batch and (len(batch) + 1) * longest > most:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
