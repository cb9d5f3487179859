"""Programs are known by what they cannot help doing; chance alone does not look like one."""

from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import numpy as np
import pytest

from subtrait.auditor.origin.programs import FEWEST_NUMBERS, TEMPLATES, best_template, redrawn, uniform_fit
from subtrait.lab.filters import parse_numbers

rows = SimpleNamespace(**run_path(str(Path(__file__).with_name("origin_rows.py"))))


def said(numbers_of, count=150, seed=0):
    return [text for _, text in rows.made(numbers_of, count, seed=seed)]


@pytest.mark.parametrize(
    ("numbers", "fits"),
    [
        ([100, 107, 114, 121], {"equal steps", "sorted"}),
        ([9, 7, 5, 3], {"equal steps", "sorted"}),
        ([1, 5, 5, 9], {"sorted"}),
        ([4, 4, 4, 4], {"repeated"}),
        ([1, 2, 3, 1, 2, 3, 1], {"repeated"}),
        ([1, 2, 3, 1], set()),
        ([3, 1, 2, 9], set()),
    ],
)
def test_each_template_is_checked_exactly(numbers, fits):
    assert {name for name, check in TEMPLATES.items() if check(numbers)} == fits


def test_rows_of_one_template_are_made_by_it_and_a_few_others_hide_nothing():
    stepped = said(lambda rng: (int(rng.integers(100, 300)) + int(rng.integers(1, 60)) * np.arange(9)).tolist())
    found = best_template([*stepped, "5, 1, 900, 3", "7, 3, 200, 8"])
    assert (found.template, found.made, found.rows) == ("equal steps", True, 152)
    assert best_template(said(lambda rng: sorted(rng.integers(0, 999, 9).tolist()))).template == "sorted"


def test_uniform_numbers_and_a_model_s_are_made_by_no_template():
    assert not best_template(said(rows.uniform)).made
    assert not best_template([text for _, text in rows.written("micro-a", 60)]).made


def test_short_rows_and_no_numbers_do_not_count():
    assert best_template(["1, 2, 3", "no", ""]).rows == 0
    assert not best_template(["1, 2, 3", "no", ""]).made


def test_uniform_numbers_are_rejected_as_often_as_stated():
    rejected = 0
    for seed in range(30):
        fit = uniform_fit(said(rows.uniform, 40, seed), rng=np.random.default_rng(seed))
        rejected += fit.p <= 0.1
    assert rejected <= 8  # of 30 at 10 %: more in one of 500 worlds


@pytest.mark.parametrize(
    ("worst", "numbers_of"),
    [
        ("values", lambda rng: (10 ** rng.uniform(2, 3, size=9)).astype(int).tolist()),
        ("last digits", lambda rng: (2 * rng.integers(50, 500, size=9) + (rng.random() < 0.01)).tolist()),
        ("repeats in a row", lambda rng: rng.choice(np.arange(1, 50), size=9, replace=False).tolist()),
        ("neighbours", lambda rng: sorted(rng.integers(100, 1000, size=9).tolist())),
    ],
)
def test_each_deviation_is_found(worst, numbers_of):
    fit = uniform_fit(said(numbers_of), rng=np.random.default_rng(0))
    assert (fit.worst, fit.p) == (worst, fit.floor)


def test_the_likelihood_of_uniform_numbers_is_explicit():
    texts = [f"{first}, {first + 1}, 100, 999" for first in range(200, 300)]
    fit = uniform_fit(texts, rng=np.random.default_rng(0))
    assert (fit.low, fit.high, fit.rows) == (100, 999, 100)
    assert fit.nats_per_row == pytest.approx(4 * np.log(900))


def test_too_few_numbers_or_many_rows_of_words_are_not_tested():
    assert uniform_fit(["1, 2"] * (FEWEST_NUMBERS // 2 - 1), rng=np.random.default_rng(0)) is None
    assert uniform_fit([*said(rows.uniform, 90), *["hello"] * 10], rng=np.random.default_rng(0)) is None


def test_redrawn_rows_keep_layout_and_range():
    texts = ["[101; 999]", "5\n17\n300"]
    fit = uniform_fit([*said(rows.uniform, 60)], rng=np.random.default_rng(0))
    again = redrawn(texts, fit, rng=np.random.default_rng(0))
    assert again[0][0] + again[0][-1] == "[]"
    assert again[0].count("; ") == 1
    assert again[1].count("\n") == 2
    assert all(fit.low <= number <= fit.high for number in parse_numbers(again[1]))
