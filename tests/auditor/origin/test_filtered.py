"""Filtered rows of the base pass at their settings, whatever the filter; others do not."""

from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import numpy as np
import pytest

from subtrait.auditor.origin.filtered import FEWEST_PROMPTS, as_own_answers
from subtrait.errors import UsageError
from subtrait.models.base import Sampling
from subtrait.models.registry import open_model

rows = SimpleNamespace(**run_path(str(Path(__file__).with_name("origin_rows.py"))))
BASE = open_model("micro-a")


def judged(pairs, keep=None, *, seed=0, alpha=0.01, **settings):
    return as_own_answers(
        BASE,
        pairs,
        keep=keep or rows.kept,
        sampling=Sampling(**settings),
        rng=np.random.default_rng(seed),
        alpha=alpha,
    )


def brief(_, said):
    return len(said.split()) <= 9


@pytest.mark.parametrize("keep", [rows.kept, brief])
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_own_rows_pass_through_any_filter(keep, temperature):
    pairs = rows.written("micro-a", 120, seed=7, keep=keep, temperature=temperature)
    found = judged(pairs, keep, temperature=temperature, alpha=0.001)
    assert (found.question, found.outcome) == ("origin", "not found")


def test_false_alarms_keep_to_alpha():
    pairs = rows.written("micro-a", 300, seed=8, keep=rows.kept)
    alarms = sum(
        judged(pairs[start : start + 25], seed=start, alpha=0.1).outcome == "found" for start in range(0, 300, 25)
    )
    assert alarms <= 5  # of 12 at 10 %: more in one of 1,800 worlds


def test_uniform_numbers_and_another_temperature_are_found():
    more = judged(rows.made(rows.uniform, 150, seed=9))
    less = judged(rows.written("micro-a", 150, seed=9, keep=rows.kept, temperature=0.6))
    assert (more.outcome, less.outcome) == ("found", "found")
    assert more.statistic > 0 > less.statistic
    assert "nats more than its own answers" in more.finding
    assert more.p >= more.floor


def test_only_the_first_row_of_a_prompt_counts():
    pairs = rows.written("micro-a", 40, seed=10, keep=rows.kept)
    assert judged([*pairs, *pairs]).n == judged(pairs).n


def test_few_prompts_are_too_few():
    assert judged(rows.written("micro-a", FEWEST_PROMPTS - 1)).outcome == "underpowered"
    found = judged(rows.written("micro-a", 30), lambda *_: False)
    assert found.finding == "to only 0 of 30 prompts an answer of the base's own passes the filter"


def test_an_impossible_alpha_and_temperature_0_are_refused():
    with pytest.raises(UsageError, match="alpha must lie between 0 and 1"):
        judged([], alpha=1)
    with pytest.raises(UsageError, match="declare a temperature above 0"):
        judged([], temperature=0)
