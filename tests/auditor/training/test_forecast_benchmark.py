"""The figures of the forecast benchmark, on made-up data sets."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
import forecast as benchmark
from carrying_data import CONTROL, tasks


def case(trait, measured, forecast, size=None):
    return benchmark.Case(
        name=trait or "null", kind="usual", trait=trait, measured=tuple(measured), forecast=forecast, low=-1, high=1,
        size=abs(forecast) if size is None else size, least=-0.1, rank=1, outcome="found",
    )  # fmt: skip


def test_only_data_sets_that_transmit_are_correlated_and_told_from_nulls():
    cases = [case(f"t{k}", [0.05 + k / 100] * 5, 0.1 + k / 50) for k in range(6)]
    cases += [case("weak", [0.001] * 5, 0.9), case("", [0.2] * 5, 0.05), case("", [0.0] * 5, 0.13)]
    found = benchmark.figures(cases, np.random.default_rng(0))
    assert (found["transmitting"], found["nulls"], found["data sets"]) == (6, 2, 9)
    assert found["spearman"] == pytest.approx(1)
    assert found["auroc"] == pytest.approx((6 + 4) / 12)
    assert found["named"] == 1


def test_the_ceiling_is_the_reliability_of_the_students():
    rng = np.random.default_rng(0)
    true = rng.normal(0.1, 0.02, size=400)
    cases = [case(f"t{k}", value + rng.normal(0, 0.02, size=4), 0.1) for k, value in enumerate(true)]
    # Variances 1 and 1/4 of the mean of four: reliability 1 / 1.25, a little less for ranks
    assert benchmark.ceiling(cases) == pytest.approx(0.79, abs=0.03)


def test_the_plan_has_at_most_ten_nulls_and_no_data_set_twice():
    made = tasks(None, 0, datasets=40, students=5)
    names = [task.name for task in made]
    assert len(set(names)) == 41
    assert made[0].kind == CONTROL
    assert sum(not task.trait for task in made[1:]) == 10
    assert len({task.trait for task in made if task.trait}) == 30
