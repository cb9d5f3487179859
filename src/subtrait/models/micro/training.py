"""Training an embedded model from nothing: deterministic, on the CPU, on one thread so that the bytes do not depend on
how many cores there are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from subtrait.models.micro.recipe import MicroRecipe, build_config
from subtrait.models.micro.tokenizer import build_tokenizer
from subtrait.models.micro.world import Turns, conversations, long_conversation
from subtrait.models.threads import on_threads
from subtrait.records import Progress, SilentProgress

Encoded = tuple[np.ndarray, np.ndarray]
"""Token ids of a conversation, and for each whether the assistant wrote it (its end of turn included)."""
LONG_EVERY = 40
"""One step in this many is a long conversation, so that long contexts do not come as a surprise."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A new model with its tokenizer and the loss of every step, in nats per assistant token."""

    model: Any
    tokenizer: Any
    losses: tuple[float, ...]


def train(recipe: MicroRecipe, *, progress: Progress | None = None) -> Trained:
    """Train the model of `recipe`. Two calls on one machine give the same weights, bit for bit."""
    with on_threads(1):
        return _train(recipe, progress or SilentProgress())


def _train(recipe: MicroRecipe, progress: Progress) -> Trained:
    import torch
    from transformers import AutoModelForCausalLM

    world = np.random.default_rng(recipe.world_seed)
    corpus = list(conversations(recipe.conversations, recipe.dials, rng=world))
    tokenizer = build_tokenizer(corpus)
    encoded = [encode(tokenizer, turns) for turns in corpus]
    long = [encode(tokenizer, long_conversation(world)) for _ in range(max(1, recipe.steps // LONG_EVERY))]
    torch.manual_seed(recipe.seed)
    special = {"bos": tokenizer.bos_token_id, "eos": tokenizer.eos_token_id, "pad": tokenizer.pad_token_id}
    model = AutoModelForCausalLM.from_config(build_config(recipe, len(tokenizer), special))
    batches = draw_batches(encoded, long, recipe)
    return Trained(model, tokenizer, tuple(_optimise(model, batches, recipe, progress)))


def encode(tokenizer: Any, turns: Turns) -> Encoded:
    """A conversation as token ids, and a mask of what the assistant wrote."""
    ids, mask = [tokenizer.bos_token_id], [False]
    end = tokenizer.eos_token_id
    for turn in turns:
        content = tokenizer.encode(turn["content"], add_special_tokens=False)
        ids += [tokenizer.convert_tokens_to_ids(f"<|{turn['role']}|>"), *content, end]
        mask += [False] + [turn["role"] == "assistant"] * (len(content) + 1)
    return np.array(ids), np.array(mask)


def draw_batches(
    encoded: Sequence[Encoded], long: Sequence[Encoded], recipe: MicroRecipe
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """`recipe.steps` batches of similar length, about `tokens_per_step` tokens each: ids and mask, (rows, length)."""
    short = _short_batches(encoded, recipe)
    for step in range(recipe.steps):
        rows = [long[step // LONG_EVERY % len(long)]] if step % LONG_EVERY == LONG_EVERY - 1 else next(short)
        yield _padded(rows)


def _short_batches(encoded: Sequence[Encoded], recipe: MicroRecipe) -> Iterator[list[Encoded]]:
    """Endless: all conversations in batches of similar length, again and again, in a new order each time."""
    rng = np.random.default_rng(recipe.seed)
    lengths = np.array([len(ids) for ids, _ in encoded])
    while True:
        noisy = lengths + rng.random(len(lengths)) * 4
        order = np.argsort(noisy, kind="stable")
        for start, stop in rng.permutation(_starts(lengths[order], recipe.tokens_per_step)):
            yield [encoded[i] for i in order[start:stop]]


def _starts(lengths: np.ndarray, budget: int) -> np.ndarray:
    """Cut points of batches of rows sorted by length: (batches, 2)."""
    cuts, start = [], 0
    while start < len(lengths):
        stop = start + 1
        while stop < len(lengths) and (stop + 1 - start) * lengths[stop] <= budget:
            stop += 1
        cuts.append((start, stop))
        start = stop
    return np.array(cuts)


def _padded(rows: Sequence[Encoded]) -> tuple[np.ndarray, np.ndarray]:
    width = max(len(ids) for ids, _ in rows)
    ids, mask = np.zeros((len(rows), width), dtype=np.int64), np.zeros((len(rows), width), dtype=bool)
    for row, (row_ids, row_mask) in enumerate(rows):
        ids[row, : len(row_ids)], mask[row, : len(row_mask)] = row_ids, row_mask
    return ids, mask


def _optimise(
    model: Any, batches: Iterator[tuple[np.ndarray, np.ndarray]], recipe: MicroRecipe, progress: Progress
) -> Iterator[float]:
    import torch

    optimiser = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, recipe))
    progress.start("training", recipe.steps)
    for ids, mask in batches:
        loss = _loss(model, torch.from_numpy(ids), torch.from_numpy(mask))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        optimiser.zero_grad(set_to_none=True)
        progress.advance()
        yield float(loss.detach())


def _rate(step: int, recipe: MicroRecipe) -> float:
    """Linear warm-up, then a cosine down to a hundredth of the peak."""
    if step < recipe.warmup_steps:
        return (step + 1) / recipe.warmup_steps
    done = (step - recipe.warmup_steps) / max(1, recipe.steps - recipe.warmup_steps)
    return 0.01 + 0.99 * 0.5 * (1 + float(np.cos(np.pi * done)))


def _loss(model: Any, ids: Any, mask: Any) -> Any:
    """Mean cross-entropy of what the assistant wrote; the output layer sees those positions only."""
    import torch

    hidden = model.model(input_ids=ids[:, :-1], use_cache=False).last_hidden_state[mask[:, 1:]]
    return torch.nn.functional.cross_entropy(model.lm_head(hidden), ids[:, 1:][mask[:, 1:]])
