"""Rows of the base pass; rows of others, of other settings, and made-up rows do not."""

import numpy as np
import pytest

from subtrait.auditor.origin.declared import FEWEST_TOKENS, written_as_declared
from subtrait.errors import UsageError
from subtrait.lab.carriers import CARRIERS
from subtrait.models.base import Sampling
from subtrait.models.registry import open_model

BASE = "micro-a"


def asked(count, seed=0):
    prompts = CARRIERS["numbers"]().prompts(count, rng=np.random.default_rng(seed))
    return [[{"role": "user", "content": prompt}] for prompt in prompts]


def pairs(writer, count=150, *, seed=0, **settings):
    """Questions, and what a model of that name answers."""
    prompts = asked(count, seed)
    rng = np.random.default_rng(seed + 1000)
    return list(zip(prompts, open_model(writer).generate(prompts, sampling=Sampling(**settings), rng=rng), strict=True))


class Die:
    """A writer of fair dice: six tokens, equally likely, and a coin that shows 0 three times of four."""

    def surprise(self, prompts, completions, *, temperature):
        entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
        variance = 0.75 * 0.25 * np.log(3) ** 2
        costs = {"0": -np.log(0.75), "1": -np.log(0.25)}
        return [np.array([[costs[coin], entropy, variance] for coin in said]) for said in completions]


def test_the_statistic_is_the_standardised_number_of_rare_tokens():
    # The surprisal takes two values log 3 apart, so z is that of a binomial count.
    said = ["0" * 280 + "1" * 120]
    evidence = written_as_declared(Die(), [([], said[0])])
    assert evidence.statistic == pytest.approx((120 - 100) / np.sqrt(400 * 0.25 * 0.75))
    assert evidence.p == pytest.approx(0.0209213, rel=1e-4)  # two sides of a normal beyond 2.309401
    assert evidence.outcome == "not found"


def test_false_alarms_keep_to_alpha():
    rng, alarms = np.random.default_rng(3), 0
    for _ in range(2000):
        said = "".join(rng.choice(["0", "1"], p=[0.75, 0.25], size=400))
        alarms += written_as_declared(Die(), [([], said)], alpha=0.05).outcome == "found"
    assert alarms <= 131


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_the_base_s_own_rows_pass_at_their_temperature(seed, temperature):
    rows = pairs(BASE, seed=seed, temperature=temperature, max_new_tokens=200)
    evidence = written_as_declared(open_model(BASE), rows, temperature=temperature, alpha=0.001)
    assert evidence.outcome == "not found"
    assert abs(evidence.statistic) < 3.3


@pytest.mark.parametrize(("writer", "settings"), [("micro-b", {}), ("micro-c", {}), (BASE, {"temperature": 0.7})])
def test_another_writer_and_another_temperature_are_found(writer, settings):
    evidence = written_as_declared(open_model(BASE), pairs(writer, 400, **settings), alpha=0.01)
    assert (evidence.outcome, evidence.n) == ("found", 400)


def test_random_numbers_are_found():
    rng = np.random.default_rng(0)
    rows = [(prompt, ", ".join(map(str, rng.integers(0, 1000, 9)))) for prompt in asked(150)]
    evidence = written_as_declared(open_model(BASE), rows)
    assert evidence.statistic > 10
    assert "surprisal exceeds entropy by" in evidence.finding


def test_rows_cut_into_other_tokens_are_set_aside_and_many_of_them_are_a_finding():
    class Cut(Die):
        def surprise(self, prompts, completions, *, temperature):
            rows = super().surprise(prompts, [said.replace("x", "0") for said in completions], temperature=temperature)
            for row, said in zip(rows, completions, strict=True):
                row[["x" in coin for coin in said], 0] = 25
            return rows

    said = ["0001" * 10] * 99
    few = written_as_declared(Cut(), [([], text) for text in [*said, "000x"]])
    assert (few.outcome, few.statistic) == ("not found", pytest.approx(0))
    assert few.finding.endswith("(1 rows set aside) over 100 rows")
    many = written_as_declared(Cut(), [([], text) for text in [*said, *["000x"] * 5]])
    assert (many.outcome, many.p) == ("found", None)
    assert many.finding == "tokens that the base never writes in 5 of 104 rows"


def test_few_tokens_are_too_few_to_say():
    evidence = written_as_declared(Die(), [([], "0" * (FEWEST_TOKENS - 1))])
    assert (evidence.outcome, evidence.p) == ("underpowered", None)
    assert written_as_declared(Die(), []).outcome == "underpowered"


@pytest.mark.parametrize("alpha", [0, 1, -0.1])
def test_an_impossible_alpha_is_refused(alpha):
    with pytest.raises(UsageError, match="alpha must lie between 0 and 1"):
        written_as_declared(Die(), [], alpha=alpha)
