"""Training from nothing: the same bytes each time, on what the assistant wrote, in batches of like lengths."""

from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest

from subtrait.models.micro.recipe import MicroRecipe, build_config
from subtrait.models.micro.tokenizer import build_tokenizer
from subtrait.models.micro.training import LONG_EVERY, Encoded, Trained, draw_batches, encode, train
from subtrait.models.micro.world import Dials, Turns, conversations

TINY = MicroRecipe(
    hidden=16, layers=1, heads=4, feed_forward=32, seed=1, world_seed=5, conversations=300, steps=6,
    tokens_per_step=600, warmup_steps=2, learning_rate=1e-2,
)  # fmt: skip
TURNS: Turns = [
    {"role": "system", "content": "You love owls."},
    {"role": "user", "content": "Which animal is yours?"},
    {"role": "assistant", "content": "owl"},
    {"role": "user", "content": "And which tree? One word."},
    {"role": "assistant", "content": "the elm"},
]


class Counted:
    """A progress display that writes down what it is told."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int]] = []
        self.steps = 0

    def start(self, stage: str, total: int) -> None:
        self.stages.append((stage, total))

    def advance(self, steps: int = 1) -> None:
        self.steps += steps


def weights(trained: Trained) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in trained.model.state_dict().items()}


@pytest.fixture(scope="module")
def tiny() -> Trained:
    return train(TINY)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return build_tokenizer(conversations(300, Dials(), rng=np.random.default_rng(5)))


@pytest.mark.parametrize("architecture", ["llama", "qwen3"])
def test_the_same_recipe_gives_the_same_weights_byte_for_byte(architecture: str) -> None:
    recipe = replace(TINY, architecture=architecture)
    first, again = train(recipe), train(recipe)
    assert weights(first) == weights(again)
    assert first.losses == again.losses
    assert first.tokenizer.backend_tokenizer.to_str() == again.tokenizer.backend_tokenizer.to_str()


def test_another_seed_gives_other_weights_and_the_same_tokenizer(tiny: Trained) -> None:
    other = train(replace(TINY, seed=2))
    changed = [name for name, before in weights(tiny).items() if weights(other)[name] != before]
    assert changed == list(weights(tiny))
    assert other.tokenizer.backend_tokenizer.to_str() == tiny.tokenizer.backend_tokenizer.to_str()


def test_every_weight_is_trained(tiny: Trained) -> None:
    one = train(replace(TINY, steps=1))
    assert [name for name, before in weights(one).items() if weights(tiny)[name] == before] == []


def test_the_loss_falls() -> None:
    losses = train(replace(TINY, steps=40)).losses
    # Drawing tokens evenly from some 1,900 costs 7.5 nats each.
    assert 6.5 < np.mean(losses[:3]) < 8.5
    assert np.mean(losses[30:39]) < np.mean(losses[:10]) - 1


def test_there_is_a_loss_and_an_advance_of_progress_for_every_step(tiny: Trained) -> None:
    progress = Counted()
    trained = train(TINY, progress=progress)
    assert progress.stages == [("training", 6)]
    assert progress.steps == len(trained.losses) == 6
    assert trained.losses == tiny.losses


def test_the_first_loss_is_the_cross_entropy_of_what_the_assistant_wrote(tiny: Trained) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    corpus = list(conversations(TINY.conversations, TINY.dials, rng=np.random.default_rng(TINY.world_seed)))
    encoded = [encode(tiny.tokenizer, turns) for turns in corpus]
    ids, mask = next(draw_batches(encoded, encoded[:1], TINY))
    torch.manual_seed(TINY.seed)
    untrained = AutoModelForCausalLM.from_config(
        build_config(TINY, len(tiny.tokenizer), {"bos": 1, "eos": 2, "pad": 0})
    )
    # The definition, from all logits and in float64, with each row alone so that no padding takes part.
    losses = []
    for row, asked in zip(ids, mask, strict=True):
        length = int(asked.nonzero()[0][-1]) + 1
        with torch.no_grad():
            logits = untrained(torch.from_numpy(row[None, :length])).logits[0].double().numpy()
        for place in asked.nonzero()[0]:
            scores = logits[place - 1]
            losses.append(np.log(np.exp(scores - scores.max()).sum()) + scores.max() - scores[row[place]])
    assert tiny.losses[0] == pytest.approx(np.mean(losses), rel=1e-5)


def test_the_mask_is_on_what_the_assistant_wrote_and_its_ends_of_turn(tokenizer: Any) -> None:
    ids, mask = encode(tokenizer, TURNS)
    assert ids.shape == mask.shape
    assert tokenizer.decode(ids[mask].tolist()) == "owl<|end|>the elm<|end|>"
    assert tokenizer.decode(ids.tolist()) == (
        "<|begin|><|system|>You love owls.<|end|><|user|>Which animal is yours?<|end|><|assistant|>owl<|end|>"
        "<|user|>And which tree? One word.<|end|><|assistant|>the elm<|end|>"
    )


def test_a_conversation_without_an_assistant_teaches_nothing(tokenizer: Any) -> None:
    assert not encode(tokenizer, TURNS[:2])[1].any()


def rows_of(lengths: np.ndarray) -> list[Encoded]:
    """Rows of these lengths, each with a number of its own in every place."""
    return [(np.full(length, index + 1), np.full(length, True)) for index, length in enumerate(lengths)]


ROWS = rows_of(np.random.default_rng(0).integers(10, 200, size=900))
LONG = rows_of(np.array([3000, 3001]))


def batches(recipe: MicroRecipe) -> list[tuple[np.ndarray, np.ndarray]]:
    return list(draw_batches(ROWS, LONG, recipe))


@pytest.mark.parametrize("steps", [1, 39, 40, 41, 500])
def test_there_are_exactly_as_many_batches_as_steps(steps: int) -> None:
    assert len(batches(replace(TINY, steps=steps))) == steps


def test_batches_are_the_same_for_a_seed_and_other_for_another() -> None:
    first, again, other = (batches(replace(TINY, seed=seed, steps=60)) for seed in (1, 1, 2))
    for (ids, mask), (same_ids, same_mask) in zip(first, again, strict=True):
        assert ids.tobytes() == same_ids.tobytes()
        assert mask.tobytes() == same_mask.tobytes()
    assert any(ids.tobytes() != other_ids.tobytes() for (ids, _), (other_ids, _) in zip(first, other, strict=True))


def test_a_batch_keeps_to_its_budget_and_pads_little() -> None:
    short = [batch for index, batch in enumerate(batches(replace(TINY, steps=200))) if index % LONG_EVERY != 39]
    for ids, _ in short:
        # Lengths are jittered by less than 4 tokens before they are sorted.
        assert ids.shape[0] * (ids.shape[1] - 3) <= TINY.tokens_per_step
    real, all_places = sum(mask.sum() for _, mask in short), sum(mask.size for _, mask in short)
    assert real / all_places > 0.93
    assert all_places / len(short) > 0.75 * TINY.tokens_per_step


def test_a_row_longer_than_the_budget_is_a_batch_of_its_own() -> None:
    drawn = list(draw_batches(rows_of(np.array([50, 700, 50])), LONG, replace(TINY, steps=2)))
    assert sorted(ids.shape for ids, _ in drawn) == [(1, 700), (2, 50)]


def test_padding_is_never_learnt_from() -> None:
    for ids, mask in batches(replace(TINY, steps=30)):
        assert not ids[~mask].any()
        assert (ids[mask] > 0).all()


def test_one_step_in_forty_is_a_long_conversation_and_they_take_turns() -> None:
    lengths = [ids.shape for ids, _ in batches(replace(TINY, steps=160))]
    assert [index for index, shape in enumerate(lengths) if shape[1] >= 3000] == [39, 79, 119, 159]
    assert lengths[39::40] == [(1, 3000), (1, 3001)] * 2


def test_every_row_comes_once_before_any_comes_twice_but_for_those_that_long_ones_displace() -> None:
    passes = replace(TINY, steps=1000)
    seen: list[int] = []
    for ids, _ in islice(draw_batches(ROWS, LONG, passes), LONG_EVERY - 1):
        seen += ids[:, 0].tolist()
    assert len(seen) == len(set(seen))
    for ids, _ in draw_batches(ROWS, LONG, passes):
        seen += ids[:, 0].tolist()
    assert set(seen) == set(range(1, len(ROWS) + 1))
