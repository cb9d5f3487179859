"""Rows are attributed to their writer, and strangers' rows to none."""

from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import numpy as np
import pytest

from subtrait.auditor.origin.candidates import NONE_OF_THESE, attribute, explain, share_of_own
from subtrait.errors import UsageError
from subtrait.models.registry import open_model

rows = SimpleNamespace(**run_path(str(Path(__file__).with_name("origin_rows.py"))))
A, B, C = (open_model(name) for name in ("micro-a", "micro-b", "micro-c"))


@pytest.mark.parametrize("writer", ["micro-a", "micro-b", "micro-c"])
def test_rows_are_their_writer_s_through_a_filter_too(writer):
    pairs = rows.written(writer, 200, seed=5, keep=rows.kept)
    found = attribute(pairs, [A, B, C], rng=np.random.default_rng(0), keep=rows.kept)
    assert (found.writer, found.best) == (writer, writer)
    assert found.nats_per_row[writer] == min(found.nats_per_row.values())
    assert found.temperatures[writer] == pytest.approx(1, abs=0.15)
    assert {one.rival for one in found.advantages} == {"micro-a", "micro-b", "micro-c"} - {writer}
    assert all(one.share.low < 1.2 and one.share.high > 0.8 and one.z > 3 for one in found.advantages)
    assert found.wrong < 0.1


@pytest.mark.parametrize("absent", ["micro-b", "micro-c"])
def test_rows_of_a_model_that_is_no_candidate_are_none_s(absent):
    pairs = rows.written(absent, 160, seed=6)
    found = attribute(pairs, [model for model in (A, B, C) if model.name != absent], rng=np.random.default_rng(0))
    assert found.writer == NONE_OF_THESE
    assert found.nearest.share.low < 0.3


def test_gains_are_differences_of_nats_and_antisymmetric():
    found = explain(rows.written("micro-a", 20), [A, B])
    difference = found.fits["micro-b"].nats - found.fits["micro-a"].nats
    assert found.gain("micro-a", "micro-b") == pytest.approx(difference)
    assert found.gain("micro-b", "micro-a") == pytest.approx(-difference)


def test_the_interval_of_a_share_is_that_of_a_ratio_of_means():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        share = share_of_own(rng.normal(0.3, 1, size=400), rng.normal(0.6, 1, size=400))
        covered += share.low < 0.5 < share.high
    assert 340 <= covered <= 380  # 360 expected at 90 %


def test_own_answers_that_show_no_advantage_give_no_interval():
    rng = np.random.default_rng(0)
    share = share_of_own(rng.normal(0.3, 1, size=50), rng.normal(0.0, 1, size=50))
    assert (share.low, share.high) == (None, None)


def test_a_filter_that_keeps_nothing_leaves_the_writer_open():
    found = attribute(rows.written("micro-a", 30), [A, B], rng=np.random.default_rng(0), keep=lambda *_: False)
    assert (found.writer, found.advantages, found.wrong) == (NONE_OF_THESE, (), 1.0)


def test_one_candidate_two_of_one_name_and_no_rows_are_refused():
    pairs, rng = rows.written("micro-a", 5), np.random.default_rng(0)
    for asked, candidates in ((pairs, [A]), (pairs, [A, A]), ([], [A, B])):
        with pytest.raises(UsageError):
            attribute(asked, candidates, rng=rng)
