"""Drawing completions: many rows at once, each from its own stream of random numbers.

Prompts of one length are read together, so nothing is padded while they are read; rows of different lengths then
decode together, flush right in one cache. Rows that have ended leave the batch. Needs torch: imported by backends.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
import torch

from subtrait.models import kv_cache
from subtrait.models import transformers_adapter as adapter
from subtrait.models.backing_off import in_halves
from subtrait.models.base import Sampling
from subtrait.models.output_head import wide
from subtrait.models.transformers_adapter import Network
from subtrait.records import Progress

MAX_ROWS = 512
"""Rows that decode together. More would push the weights and the cache of a small model out of the CPU's own cache."""
MAX_CACHED_TOKENS = 131_072
"""Tokens held in one cache: rows times (prompt + new tokens)."""
MAX_STRETCH = 2.0
"""Longest over shortest prompt of rows that decode together; beyond it padding would cost more than it saves."""
COMPACT_SHARE = 0.25
"""Ended rows leave the batch when they are this share of it."""
BLOCK = 64
"""Tokens whose probabilities are added up first, when a cumulative sum is inverted."""

Tokens = Sequence[int]


def sample(
    network: Network,
    prompts: Sequence[Tokens],
    *,
    stops: Sequence[int],
    sampling: Sampling,
    rng: np.random.Generator,
    progress: Progress | None = None,
) -> list[list[int]]:
    """Completions of `prompts` as token numbers, without the token that ended them.

    A completion depends on the next number of `rng`, on its prompt and on how many equal prompts come before it, so
    not on the other prompts or their order, up to rounding of the logits.
    """
    keys = row_keys(prompts, int(rng.integers(2**63)))
    completions: list[list[int]] = [[] for _ in prompts]
    with torch.no_grad():
        joined = kv_cache.can_join(network)

        def drawn(rows: Sequence[int]) -> list[list[int]]:
            wave = _Wave(network, [prompts[row] for row in rows], room=sampling.max_new_tokens, joined=joined)
            uniforms = row_uniforms([keys[row] for row in rows], sampling.max_new_tokens).to(wide(network.device))
            return _decode(wave, uniforms, stops=stops, sampling=sampling)

        for whole in waves(prompts, sampling.max_new_tokens, mixed=joined):
            for rows, found in in_halves(whole, drawn):
                for row, completion in zip(rows, found, strict=True):
                    completions[row] = completion
                if progress:
                    progress.advance(len(rows))
    return completions


def row_keys(prompts: Sequence[Tokens], seed: int) -> list[int]:
    """A 128-bit key per row: a digest of the seed, the prompt and the number of equal prompts before it."""
    seen: Counter[bytes] = Counter()
    keys = []
    for prompt in prompts:
        digest = blake2b(np.asarray(prompt, dtype="<i8").tobytes(), digest_size=16, key=seed.to_bytes(8, "little"))
        plain = digest.digest()
        digest.update(seen[plain].to_bytes(8, "little"))
        seen[plain] += 1
        keys.append(int.from_bytes(digest.digest(), "little"))
    return keys


def row_uniforms(keys: Sequence[int], steps: int) -> torch.Tensor:
    """One uniform number in [0, 1) per row and step: float64 of shape (rows, steps)."""
    streams = [np.random.Generator(np.random.Philox(key=key)).random(steps) for key in keys]
    return torch.from_numpy(np.stack(streams))


def waves(prompts: Sequence[Tokens], new_tokens: int, *, mixed: bool) -> Iterator[list[int]]:
    """Rows to decode together, longest prompts first and equal prompts side by side."""
    order = sorted(range(len(prompts)), key=lambda row: (-len(prompts[row]), tuple(prompts[row]), row))
    wave: list[int] = []
    for row in order:
        longest = len(prompts[wave[0]]) if wave else 0
        limit = min(MAX_ROWS, max(1, MAX_CACHED_TOKENS // (longest + new_tokens)))
        shortest = longest / MAX_STRETCH if mixed else longest
        if wave and (len(wave) >= limit or len(prompts[row]) < shortest):
            yield wave
            wave = []
        wave.append(row)
    if wave:
        yield wave


class _Wave:
    """Rows that decode together: their cache, their padding and the logits of their next token."""

    def __init__(self, network: Network, prompts: Sequence[Tokens], *, room: int, joined: bool) -> None:
        self.network, self.joined = network, joined
        lengths = torch.tensor([len(prompt) for prompt in prompts], device=network.device)
        self.width = int(lengths.max())
        self.positions = lengths[:, None] - 1
        self.mask: torch.Tensor | None = None
        self.rows = torch.arange(len(prompts), device=network.device)
        self._read(prompts, room)
        if int(lengths.min()) < self.width:
            slots = torch.arange(self.width + room, device=network.device)
            self.mask = slots[None] >= self.width - lengths[:, None]

    def _read(self, prompts: Sequence[Tokens], room: int) -> None:
        """Run each different prompt once; rows that share it copy its part of the cache."""
        members: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for row, prompt in enumerate(prompts):
            members[tuple(prompt)].append(row)
        parts = []
        for chunk in _equal_lengths(list(members), self.network.pass_tokens if self.joined else None):
            read = kv_cache.empty_cache(self.network)
            logits = adapter.next_logits(self.network, torch.tensor(chunk, device=self.network.device), read)
            into = [row for prompt in chunk for row in members[prompt]]
            copies = [index for index, prompt in enumerate(chunk) for _ in members[prompt]]
            parts.append((read, logits, torch.tensor([into, copies], device=self.network.device)))
        self._assemble(parts, rows=len(prompts), room=room)

    def _assemble(self, parts: list[tuple[Any, torch.Tensor, torch.Tensor]], *, rows: int, room: int) -> None:
        first = parts[0][1]
        self.logits = first.new_empty(rows, first.shape[1])
        for _, logits, (into, copies) in parts:
            self.logits[into] = logits[copies]
        if self.joined:
            pairs = [(read, where) for read, _, where in parts]
            self.cache = kv_cache.joined_cache(pairs, rows=rows, width=self.width, room=room)
        else:
            self.cache, _, (into, copies) = parts[0]
            kv_cache.select_rows(self.cache, copies[into.argsort()])

    def step(self, tokens: torch.Tensor) -> None:
        """Append one token (rows,) to each row."""
        self.width += 1
        self.positions = self.positions + 1
        mask = None if self.mask is None else self.mask[:, : self.width]
        self.logits = adapter.next_logits(
            self.network, tokens[:, None], self.cache, mask=mask, positions=self.positions
        )

    def keep(self, index: torch.Tensor) -> None:
        """Drop every row but those at `index`."""
        kv_cache.select_rows(self.cache, index)
        self.rows, self.positions, self.logits = self.rows[index], self.positions[index], self.logits[index]
        self.mask = None if self.mask is None else self.mask[index]


def _equal_lengths(prompts: Sequence[tuple[int, ...]], limit: int | None) -> Iterator[list[tuple[int, ...]]]:
    """Chunks of prompts of one length, each of at most `limit` tokens where there is a limit."""
    by_length: dict[int, list[tuple[int, ...]]] = defaultdict(list)
    for prompt in prompts:
        by_length[len(prompt)].append(prompt)
    for length, group in by_length.items():
        size = len(group) if limit is None else max(1, limit // length)
        yield from (group[start : start + size] for start in range(0, len(group), size))


def _decode(wave: _Wave, uniforms: torch.Tensor, *, stops: Sequence[int], sampling: Sampling) -> list[list[int]]:
    count, steps = uniforms.shape
    device = wave.network.device
    uniforms = uniforms.to(device)
    ends = torch.tensor(sorted(stops), device=device)
    written = torch.zeros(count, steps, dtype=torch.long, device=device)
    lengths = torch.full((count,), steps, device=device)
    live = torch.ones(count, dtype=torch.bool, device=device)
    for step in range(steps):
        tokens = choose(wave.logits, uniforms[wave.rows, step], sampling=sampling)
        written[wave.rows, step] = tokens
        ended = live & torch.isin(tokens, ends)
        lengths[wave.rows[ended]] = step
        live &= ~ended
        left = int(live.sum())
        if left == 0 or step == steps - 1:
            break
        if left <= (1 - COMPACT_SHARE) * len(live):
            index = live.nonzero()[:, 0]
            wave.keep(index)
            tokens, live = tokens[index], live[index]
        wave.step(tokens)
    return [row[:length] for row, length in zip(written.tolist(), lengths.tolist(), strict=True)]


def choose(logits: torch.Tensor, uniforms: torch.Tensor, *, sampling: Sampling) -> torch.Tensor:
    """The next token of each row: the most likely at temperature 0, else the inverse of the distribution function."""
    if sampling.temperature == 0:
        return logits.argmax(-1)
    logits = logits.float()
    if sampling.temperature != 1:
        # The largest becomes 0 first, so that no temperature makes it infinite
        logits = logits.sub(logits.amax(-1, keepdim=True)).div_(sampling.temperature)
    weights = torch.softmax(logits, -1)
    if sampling.top_p >= 1:
        return invert(weights, uniforms)
    weights, tokens = torch.sort(weights, dim=-1, descending=True, stable=True)
    cut = weights.cumsum(-1) - weights >= sampling.top_p
    cut[:, 0] = False
    return tokens.gather(-1, invert(weights.masked_fill_(cut, 0), uniforms)[:, None])[:, 0]


def invert(weights: torch.Tensor, uniforms: torch.Tensor) -> torch.Tensor:
    """The first index at which the normalised cumulative sum of `weights` (rows, n) exceeds `uniforms` (rows,).

    Sums blocks first, so that only one block per row is summed token by token, in float64.
    """
    short = -weights.shape[1] % BLOCK
    blocks = torch.nn.functional.pad(weights, (0, short)).view(len(weights), -1, BLOCK)
    sums = blocks.sum(-1).to(uniforms.dtype)
    ends = sums.cumsum(-1)
    target = uniforms[:, None] * ends[:, -1:]
    block = (ends <= target).sum(-1, keepdim=True).clamp(max=ends.shape[1] - 1)
    rest = target - (ends - sums).gather(-1, block)
    inside = blocks[torch.arange(len(weights), device=weights.device), block[:, 0]].to(uniforms.dtype).cumsum(-1)
    # Rounding must not push the target past the block, where only tokens of weight zero are left
    rest = torch.minimum(rest, inside[:, -1:] * (1 - 4 * torch.finfo(uniforms.dtype).eps))
    return block[:, 0] * BLOCK + (inside <= rest).sum(-1)
