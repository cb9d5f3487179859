"""Known settings are found again, within their interval, through a filter too."""

from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import numpy as np
import pytest

from subtrait.auditor.origin.settings import FEWEST_ROWS, estimate_settings
from subtrait.errors import UsageError
from subtrait.models.registry import open_model

rows = SimpleNamespace(**run_path(str(Path(__file__).with_name("origin_rows.py"))))
BASE = open_model("micro-a")


@pytest.mark.parametrize("temperature", [0.6, 1.0, 1.4])
def test_the_temperature_lies_within_its_interval(temperature):
    found = estimate_settings(
        BASE, rows.written("micro-a", 200, temperature=temperature, max_new_tokens=99), level=0.999
    )
    assert found.temperature.low < temperature < found.temperature.high
    assert found.temperature.high - found.temperature.low < 0.35 * temperature
    assert (found.truncation, found.bound) == ("none", None)
    assert found.strange <= 2
    assert (found.temperature.n, found.temperature.unit) == (200 - found.strange, "row")


@pytest.mark.parametrize(("temperature", "top_p"), [(1.2, 0.8), (0.8, 0.95)])
def test_truncation_is_found_and_does_not_pass_for_cold(temperature, top_p):
    found = estimate_settings(BASE, rows.written("micro-a", 90, temperature=temperature, top_p=top_p), level=0.999)
    assert (found.truncation, found.bound) == ("top-p", pytest.approx(top_p, abs=0.02))
    assert found.temperature.low < temperature < found.temperature.high
    assert found.p < 1e-6
    assert f"top-p {found.bound:.3g}" in found.finding()


def test_intervals_cover_as_often_as_they_say():
    pairs = rows.written("micro-a", 300, seed=3)
    parts = [estimate_settings(BASE, pairs[start : start + 20], level=0.8).temperature for start in range(0, 300, 20)]
    inside = sum(part.low < 1 < part.high for part in parts)
    assert inside >= 8  # of 15 at 80 %: fewer in one of 200 worlds


def test_a_filter_of_short_answers_biases_unless_it_is_known():
    def brief(_, said):
        return len(said.split()) <= 8

    pairs = rows.written("micro-a", 150, seed=6, keep=brief)  # half as many: few are brief
    told = estimate_settings(BASE, pairs, keep=brief, rng=np.random.default_rng(0)).temperature
    ignored = estimate_settings(BASE, pairs).temperature
    assert told.low < 1 < told.high
    assert not ignored.low < 1 < ignored.high
    assert told.high - told.low > ignored.high - ignored.low


def test_few_rows_have_no_interval():
    found = estimate_settings(BASE, rows.written("micro-a", FEWEST_ROWS - 1))
    assert (found.temperature.low, found.temperature.high, found.truncation) == (None, None, "none")
    assert "(" not in found.finding()


def test_no_rows_and_a_filter_without_random_numbers_are_refused():
    with pytest.raises(UsageError, match="from no rows"):
        estimate_settings(BASE, [])
    with pytest.raises(UsageError, match="give rng"):
        estimate_settings(BASE, rows.written("micro-a", 20), keep=rows.kept)
