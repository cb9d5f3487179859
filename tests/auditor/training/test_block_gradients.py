"""Gradients of blocks, and steps of real training beside what they promise."""

import numpy as np
import pytest

from subtrait.auditor.training.block_gradients import (
    Blocks,
    Trained,
    block_gradients,
    preconditioner,
    run_length,
    trained_part,
    trained_size,
)
from subtrait.errors import UsageError
from subtrait.models.base import Recipe
from subtrait.models.finetuning import rate
from subtrait.models.registry import open_model
from subtrait.records import Example

WORDS = ("owl", "elm", "seven and eight", "no", "12, 14, 16, 18", "Yes.", "ash", "7")
ROWS = [([{"role": "user", "content": f"Say number {number}."}], word) for number, word in enumerate(WORDS)]
ONE_STEP = Recipe(steps=1, batch_size=len(ROWS), learning_rate=1.0, warmup_steps=0, epsilon=1e4, max_grad_norm=1e9)
"""Gradient descent by a rate of 1e-4: an epsilon beside which no gradient counts."""

INNER = Trained(False, lambda gradient: gradient, lambda change: change)


@pytest.fixture(scope="module")
def base():
    return open_model("micro-a")


@pytest.fixture(scope="module")
def found(base):
    return block_gradients(base, ROWS, blocks=4, trained=INNER)


def moved(base, recipe, seed=0):
    examples = [Example(id=word, prompt=asked[0]["content"], completion=word) for asked, word in ROWS]
    return base.displacement(base.finetune(examples, recipe, rng=np.random.default_rng(seed)).model)


def test_the_mean_over_blocks_is_the_gradient_over_all_rows(base, found):
    tokens = sum(map(len, base.encoder.completions(WORDS)))
    whole = base.gradient(*zip(*ROWS, strict=True)) * len(ROWS) / tokens
    assert found.tokens.sum() == tokens
    np.testing.assert_allclose(found.mean, whole, atol=1e-5 * np.abs(whole).max())


def test_a_step_of_gradient_descent_goes_along_the_mean(base, found):
    # AdamW's first step is rate · g / (|g| + ε)
    step, wanted = moved(base, ONE_STEP), found.mean * 1e-4
    assert step @ wanted / np.linalg.norm(step) / np.linalg.norm(wanted) == pytest.approx(1, abs=0.01)
    assert step @ wanted / (wanted @ wanted) == pytest.approx(1, abs=0.01)


def test_a_step_of_lora_climbs_as_its_projection_says(base, found):
    """A is drawn anew in the model, so the slopes agree up to that draw."""
    recipe = Recipe(**{f: getattr(ONE_STEP, f) for f in ("steps", "batch_size", "epsilon", "max_grad_norm")},
                    learning_rate=1.0, warmup_steps=0, method="lora", lora_rank=16)  # fmt: skip
    part = trained_part(base, recipe, rng=np.random.default_rng(1)).turned(found.mean)
    assert len(part) == trained_size(base, recipe)
    assert moved(base, recipe) @ found.mean == pytest.approx(1e-4 * part @ part, rel=0.2)


@pytest.mark.parametrize("method", ["layers", "full", "lora"])
def test_a_gradient_is_by_what_the_recipe_trains(base, method):
    recipe = Recipe(steps=1, method=method, lora_rank=3)
    trained = trained_part(base, recipe, rng=np.random.default_rng(0))
    assert trained.gradient(base, ROWS).shape == (trained_size(base, recipe),)


def test_layers_are_every_weight_but_those_that_read_and_write_tokens(base):
    layers, full = (trained_size(base, Recipe(steps=1, method=method)) for method in ("layers", "full"))
    assert full == base.network.module.num_parameters()
    assert full - layers == base.network.module.get_input_embeddings().weight.numel()  # one table reads and writes


@pytest.mark.parametrize("method", ["layers", "full", "lora"])
def test_what_is_trained_moves_the_weights_as_gradients_turn(base, method):
    """Gradients and changes are transposed to each other, so that inner products are the same on either side."""
    trained = trained_part(base, Recipe(steps=1, method=method, lora_rank=3), rng=np.random.default_rng(0))
    rng = np.random.default_rng(1)
    gradient = rng.normal(size=len(base.gradient(*zip(*ROWS, strict=True), every_weight=trained.every_weight)))
    change = rng.normal(size=len(trained.turned(gradient)))
    assert trained.moved(change) @ gradient == pytest.approx(change @ trained.turned(gradient))
    product = trained.curvature(base, ROWS, along=change)
    assert product.shape == change.shape
    assert change @ product > 0


def test_left_out_blocks_do_not_count():
    blocks, left_out = made_up(), np.arange(400) % 4 == 1
    few = Blocks(blocks.gradients[~left_out], blocks.rows[~left_out], blocks.tokens[~left_out])
    np.testing.assert_array_equal(blocks.without(left_out), few.mean)


def test_noise_is_as_large_as_the_error_of_the_mean():
    """Block k has variance (k/4)², so the mean of 400 blocks a 400th of that."""
    blocks, rng = made_up(), np.random.default_rng(4)
    draws = np.array([blocks.noise(rng.choice([-1.0, 1.0], size=400)) for _ in range(500)])
    np.testing.assert_allclose(draws.std(axis=0), np.arange(1, 6) / 4 / 20, rtol=0.15)
    np.testing.assert_allclose(draws.mean(axis=0), 0, atol=0.02)


def made_up(scale=1.0):
    rng = np.random.default_rng(0)
    gradients = scale * (0.3 + rng.normal(size=(400, 5)) * [1, 2, 3, 4, 5] / 4)
    return Blocks(gradients.astype(np.float32), np.full(400, 16.0), np.full(400, 100.0))


def test_the_preconditioner_is_that_of_batches_of_the_recipe():
    # Blocks have 16 rows and variance (k/4)², so rows have k² and batches of 64 rows (k/8)²
    found = preconditioner(made_up(), Recipe(steps=1, batch_size=64, epsilon=0.1, max_grad_norm=1e9))
    expected = 1 / (np.sqrt(0.09 + (np.arange(1, 6) / 8) ** 2) + 0.1)
    np.testing.assert_allclose(found, expected, rtol=0.12)


def test_long_gradients_are_cut_as_in_training():
    recipe = Recipe(steps=1, batch_size=64, epsilon=1e-12, max_grad_norm=1.0)
    steps = [preconditioner(made_up(scale), recipe) * scale for scale in (10, 1_000)]
    np.testing.assert_allclose(*steps, rtol=1e-4)  # AdamW does not see the size of gradients, cut or not
    recipe = Recipe(steps=1, batch_size=64, epsilon=1e6, max_grad_norm=1.0)
    steps = [preconditioner(made_up(scale), recipe) * scale for scale in (10, 1_000)]
    np.testing.assert_allclose(*steps, rtol=1e-4)  # gradient descent does not see it where all are cut


def test_a_run_is_as_long_as_the_sum_of_its_rates():
    recipe = Recipe(steps=40, learning_rate=0.01, warmup_steps=5)
    assert run_length(recipe) == pytest.approx(sum(rate(step, recipe) for step in range(40)))


def test_blocks_need_a_row_each(base):
    with pytest.raises(UsageError, match="9 blocks"):
        block_gradients(base, ROWS, blocks=9, trained=INNER)
