"""What a row takes with a large base follows from sizes, speeds and the length of rows."""

import pytest

from subtrait.auditor.references import reckoning
from subtrait.auditor.references.reckoning import reckoned_memory, reckoned_rates, usual_tokens
from subtrait.data import Pair
from subtrait.lab.reckoning import PROCESS_BYTES, SHARE, TEMPLATE, together_at_most
from subtrait.models.base import Recipe
from subtrait.models.footprint import Speed, footprint

PAIRS = [
    Pair([{"role": "user", "content": "x" * 60}], "y" * 20),
    Pair([{"role": "user", "content": "x" * 100}], "y" * 60),
]


def test_the_usual_length_is_the_mean_in_tokens_and_the_template():
    assert usual_tokens(PAIRS) == (
        TEMPLATE + 40,
        20,
    )  # by hand: means of 80 and 40 characters, two of which make a token


def test_a_row_takes_its_operations_and_in_writing_the_reading_of_weights(monkeypatch):
    monkeypatch.setattr(reckoning, "speed_of", lambda _: Speed(products=1e9, reads=1e8))
    sizes, tokens = footprint("micro-a"), TEMPLATE + 60
    rates = reckoned_rates("micro-a", PAIRS)
    assert rates.judging == pytest.approx(6 * sizes.numbers * tokens / (1e9 * SHARE))
    reading = 20 * sizes.weight_bytes / 1e8 / together_at_most(tokens)
    assert rates.writing == pytest.approx(2 * sizes.numbers * tokens / (1e9 * SHARE) + reading)


def test_memory_is_that_of_the_program_the_model_and_what_training_or_writing_adds():
    sizes, recipe = footprint("micro-a"), Recipe(steps=1, batch_size=4)
    tokens = TEMPLATE + 60
    adds = max(sizes.training_bytes(recipe), sizes.writing_bytes(together_at_most(tokens) * tokens))
    assert reckoned_memory("micro-a", recipe, PAIRS) == PROCESS_BYTES + sizes.held_bytes + adds
