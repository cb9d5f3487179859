"""By trl a model takes the steps of our own loop, and learns the same tokens."""

import importlib.util

import numpy as np
import pytest
import torch

from subtrait.errors import InvalidInput, MissingExtra, UsageError
from subtrait.models import trl_training
from subtrait.models.base import Recipe
from subtrait.models.registry import open_model
from subtrait.records import Example

ROWS = [Example(id=str(row), prompt=f"Animal {row}?", completion="owl" * (1 + row % 3)) for row in range(12)]


def tuned(name, **recipe):
    settings = Recipe(**{"steps": 5, "batch_size": 4, "learning_rate": 1e-2, "warmup_steps": 2, **recipe})
    return open_model(name).finetune(ROWS, settings, rng=np.random.default_rng(0))


@pytest.mark.parametrize("method", ["full", "lora"])
def test_the_steps_are_those_of_our_own_loop(checkpoint, method):
    own, other = (tuned(f"{checkpoint}{setting}", method=method) for setting in ("", "+trl"))
    np.testing.assert_allclose(other.losses, own.losses, rtol=1e-3)
    assert own.losses[-1] < own.losses[0]
    for one, two in zip(*(each.model.network.module.parameters() for each in (own, other)), strict=True):
        torch.testing.assert_close(one, two, atol=1e-3, rtol=1e-2)


def test_the_same_seed_gives_the_same_bytes_and_a_tuned_model_keeps_its_trainer(checkpoint, tmp_path):
    one, two = tuned(f"{checkpoint}+trl").model, tuned(f"{checkpoint}+trl").model
    assert one.fingerprint() == two.fingerprint()
    (folder := tmp_path / "tuned").mkdir()
    one.save(folder)
    assert open_model(f"{checkpoint}+trl").reload(folder).network.by_trl
    assert one.network.by_trl
    assert not list(folder.glob("*.bin"))


def test_a_mask_that_is_not_ours_is_refused(checkpoint, monkeypatch):
    row = trl_training._row
    monkeypatch.setattr(trl_training, "_row", lambda pair: {**row(pair), "completion_mask": [1] * sum(map(len, pair))})
    with pytest.raises(InvalidInput, match="E_MASK"):
        tuned(f"{checkpoint}+trl")


def test_without_trl_the_error_says_how_to_install_it(checkpoint, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "trl" else find(name, *rest))
    with pytest.raises(MissingExtra, match=r"pip install 'subtrait\[trl\]'"):
        tuned(f"{checkpoint}+trl")
    assert not open_model(str(checkpoint)).network.by_trl


@pytest.fixture
def memory_for(monkeypatch):
    """Let the trainer ask for memory that no machine has where a pass has too many rows, or is one of those that fail.

    What it gives notes the rows of each pass.
    """
    from trl import SFTTrainer

    computed = SFTTrainer.compute_loss

    def limit(most, failing=()):
        passes = []

        def compute_loss(self, model, inputs, *rest, **named):
            passes.append(len(inputs["labels"]))
            if passes[-1] > most or len(passes) in failing:
                torch.empty(2**50)
            return computed(self, model, inputs, *rest, **named)

        monkeypatch.setattr(SFTTrainer, "compute_loss", compute_loss)
        return passes

    return limit


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize(
    ("most", "failing", "first"),
    [
        (6, (), [6]),
        (3, (), [6, 3, 3]),
        (2, (), [6, 3, 1, 1, 1, 1, 1, 1]),
        (6, (1, 3), [6, 3, 3, 1, 1, 1, 1, 1, 1]),  # in the middle of a gradient
    ],
)
def test_where_memory_runs_out_a_step_has_the_same_rows_in_smaller_parts(
    checkpoint, memory_for, method, most, failing, first
):
    usual = tuned(f"{checkpoint}+trl", method=method, batch_size=6, steps=3)
    passes = memory_for(most, failing)
    found = tuned(f"{checkpoint}+trl", method=method, batch_size=6, steps=3)
    assert passes[: len(first)] == first
    settled = first[-1]
    assert passes[len(first) :] == [settled] * (2 * 6 // settled)  # what was needed once is not tried again
    np.testing.assert_allclose(found.losses, usual.losses, rtol=1e-5)
    for one, two in zip(*(each.model.network.module.parameters() for each in (found, usual)), strict=True):
        torch.testing.assert_close(one, two, atol=1e-5, rtol=1e-4)


def test_a_row_that_is_too_much_by_itself_is_one_clear_line(checkpoint, memory_for):
    memory_for(0)
    with pytest.raises(UsageError, match="one row alone takes more memory than there is"):
        tuned(f"{checkpoint}+trl")
