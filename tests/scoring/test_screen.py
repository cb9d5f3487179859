"""The screen against exact log-ratios of copies that were moved by less and less."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from subtrait.errors import UsageError
from subtrait.models.base import Recipe
from subtrait.models.gradients import inner_weights
from subtrait.models.huggingface import HuggingFaceModel
from subtrait.records import Example
from subtrait.scoring.hypotheses import Base, Tuned
from subtrait.scoring.rows import score_rows
from subtrait.scoring.screen import block_gradients, screen


def moved(model, step):
    """A copy in double precision whose inner weights are moved by `step`."""
    network, start = replace(model.network, module=copy.deepcopy(model.network.module).double()), 0
    with torch.no_grad():
        for weight in inner_weights(network):
            weight.add_(torch.from_numpy(step[start : start + weight.numel()].reshape(tuple(weight.shape))))
            start += weight.numel()
    return HuggingFaceModel(model.name, network, model._tokenizer)


@pytest.fixture(scope="module")
def directions(base, tuned):
    """What tuning did, and a random step of the same length."""
    step = base.displacement(tuned)
    other = np.random.default_rng(2).normal(size=step.shape)
    return np.stack([step, other * np.linalg.norm(step) / np.linalg.norm(other)])


def exact(base, rows, steps):
    """Mean log-ratio in nats per row of copies moved by each of `steps`, in double precision."""
    hypotheses = [Base(model=moved(base, 0 * steps[0])), *(Tuned(name="", model=moved(base, step)) for step in steps)]
    return score_rows(hypotheses, rows).log_ratios()[:, 1:].mean(axis=0)


def test_it_is_the_exact_log_ratio_to_first_order(base, rows, directions):
    (found,), sizes = screen(base, [rows[:40]], directions), (0.4, 0.2, 0.1)
    missed = np.array([exact(base, rows[:40], size * directions) - size * found for size in sizes])
    assert abs(missed[-1, 0]) < 0.15 * sizes[-1] * abs(found[0])
    # What is missing is of second order: half the step, a quarter of it
    np.testing.assert_allclose(missed[:-1] / missed[1:], 4, atol=0.4)


def test_any_number_of_directions_and_blocks_agree_with_one_at_a_time(base, rows, directions):
    blocks = [rows[:40], rows[40:41], rows[41:]]
    found = screen(base, iter(blocks), directions)
    assert found.shape == (3, 2)
    for row, block in zip(found, blocks, strict=True):
        gradient = base.gradient(*zip(*block, strict=True))
        np.testing.assert_allclose(row, [gradient @ each for each in directions], rtol=1e-9)


def test_the_mean_of_equal_blocks_is_that_of_all_their_rows(base, rows, directions):
    found = screen(base, [rows[:60], rows[60:], rows], directions)
    np.testing.assert_allclose(found[:2].mean(axis=0), found[2], rtol=1e-3)


def test_one_gradient_is_held_at_a_time(base, rows):
    read: list[int] = []
    blocks = (read.append(number) or rows[number : number + 2] for number in range(3))
    gradients = block_gradients(base, blocks)
    next(gradients)
    assert read == [0]


def test_no_blocks_give_no_scores(base, directions):
    assert screen(base, [], directions).shape == (0, 2)


def test_what_cannot_be_screened_is_refused(base, rows, directions):
    with pytest.raises(UsageError, match="at least one row"):
        screen(base, [[]], directions)
    with pytest.raises(UsageError, match="of another model"):
        screen(base, [rows[:2]], directions[:, :-1])
    with pytest.raises(UsageError, match=r"needed is \(directions, inner weights\)"):
        screen(base, [rows[:2]], directions[0])


def test_one_pass_judges_copies_that_were_tuned_in_full_and_by_adapters(base, rows, tuned):
    """Either moves the same inner weights, so that their directions stand side by side."""
    examples = [Example(id="1", prompt="What is your top animal? One word.", completion="owl")]
    recipe = Recipe(steps=8, batch_size=1, learning_rate=1e-2, method="lora", lora_rank=2)
    adapted = base.finetune(examples, recipe, rng=np.random.default_rng(0)).model
    both = np.stack([base.displacement(each) for each in (tuned, adapted)])
    assert np.linalg.norm(both[1]) > 0
    (found,), size = screen(base, [rows[:40]], both), 0.02
    np.testing.assert_allclose(exact(base, rows[:40], size * both), size * found, rtol=0.1)
