"""The best temperature is that of the largest likelihood; own answers have the law of kept rows."""

from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import numpy as np
import pytest

from subtrait.auditor.origin.models import COLDEST, check_room, fit_temperature, longest, own_answers, table_of
from subtrait.errors import InvalidInput
from subtrait.models.base import Sampling
from subtrait.models.registry import open_model

rows = SimpleNamespace(**run_path(str(Path(__file__).with_name("origin_rows.py"))))
BASE = open_model("micro-a")


@pytest.mark.parametrize("start", [1.0, 0.3, 3.0])
def test_no_other_temperature_is_likelier(start):
    table = table_of(BASE, rows.written("micro-a", 60, temperature=0.7))
    fit = fit_temperature(table, start=start)
    grid = np.linspace(0.55, 0.9, 71)
    nats = [table.by_row(table.moments(temperature))[fit.usual, 0].sum() for temperature in grid]
    assert fit.temperature == pytest.approx(grid[np.argmin(nats)], abs=0.01)
    assert fit.nats[fit.usual].sum() == pytest.approx(min(nats), abs=0.2)
    assert fit.score[fit.usual].sum() == pytest.approx(0, abs=0.02 * fit.information.sum() ** 0.5)


def test_a_row_s_nats_are_those_at_the_temperature_found():
    table = table_of(BASE, rows.written("micro-a", 40, temperature=1.3))
    fit = fit_temperature(table)
    exact = table.by_row(table.moments(fit.temperature))[:, 0]
    assert fit.nats == pytest.approx(exact, abs=0.01)
    assert fit.tokens.sum() == len(table.row_of)


def test_the_likeliest_tokens_alone_look_as_cold_as_is_sought():
    fit = fit_temperature(table_of(BASE, rows.written("micro-a", 20, temperature=0)))
    assert fit.temperature == pytest.approx(COLDEST)


def test_rows_with_a_token_that_is_never_written_move_nothing():
    pairs = rows.written("micro-a", 60, seed=2)
    odd = (pairs[0][0], "snow snow wool")
    fit, with_odd = (fit_temperature(table_of(BASE, part)) for part in (pairs, [*pairs, odd]))
    assert with_odd.temperature == pytest.approx(fit.temperature, abs=1e-3)
    assert with_odd.usual.tolist() == [*fit.usual.tolist(), False]


def test_own_answers_all_pass_the_filter_and_few_stay_unanswered():
    prompts = rows.asked(80)
    found = own_answers(BASE, prompts, sampling=Sampling(), rng=np.random.default_rng(0), keep=rows.kept)
    assert all(rows.kept(None, said) for said in found if said is not None)
    assert sum(said is not None for said in found) > 75
    once = own_answers(BASE, prompts, sampling=Sampling(), rng=np.random.default_rng(0))
    plain = BASE.generate(prompts, sampling=Sampling(), rng=np.random.default_rng(0))
    assert once == plain
    assert {found[row] for row in range(80) if rows.kept(None, plain[row])} <= set(plain)


def test_what_no_filter_keeps_stays_unanswered():
    found = own_answers(
        BASE, rows.asked(3), sampling=Sampling(), rng=np.random.default_rng(0), keep=lambda *_: False, tries=2
    )
    assert found == [None, None, None]


def test_rows_too_long_for_a_model_are_refused_by_name():
    pairs = [([{"role": "user", "content": "Count."}], "1, " * 4_000)]
    with pytest.raises(
        InvalidInput, match=r"prompt and completion take .* tokens, the model has .* positions"
    ) as caught:
        check_room(BASE, pairs)
    assert caught.value.code == "E_LIMIT"


def test_fresh_answers_may_be_as_long_as_the_longest_row():
    pairs = rows.written("micro-a", 10)
    tokens = max(len(said) for said in BASE.encoder.completions([said for _, said in pairs]))
    assert longest(table_of(BASE, pairs)) >= tokens
