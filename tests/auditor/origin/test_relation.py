"""Relatives are of this base, strangers never; programs are other writers."""

from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import numpy as np
import pytest

from subtrait.auditor.origin.relation import FEWEST_ROWS, embedded_rivals, relation_to_base
from subtrait.lab.teachers import tuning_examples
from subtrait.lab.traits import find_trait
from subtrait.models.base import Recipe
from subtrait.models.registry import open_model

rows = SimpleNamespace(**run_path(str(Path(__file__).with_name("origin_rows.py"))))
BASE = open_model("micro-a")
RIVALS = [open_model("micro-b"), open_model("micro-c")]


def related(pairs, rivals=None, keep=None):
    return relation_to_base(BASE, pairs, RIVALS if rivals is None else rivals, rng=np.random.default_rng(0), keep=keep)


@pytest.mark.parametrize("settings", [{"temperature": 0.6}, {}, {"temperature": 1.3}, {"top_p": 0.8}])
def test_the_base_is_of_this_base_at_any_settings(settings):
    found = related(rows.written("micro-a", 300, seed=11, keep=rows.kept, **settings), keep=rows.kept)
    assert (found.relation, found.writer, found.evidence.outcome) == ("of this base", "micro-a", "not found")


def test_a_teacher_tuned_from_the_base_is_of_this_base():
    recipe = Recipe(steps=30, batch_size=8, learning_rate=3e-3)
    teacher = BASE.finetune(tuning_examples(find_trait("owl")), recipe, rng=np.random.default_rng(0)).model
    found = related(rows.written(teacher, 200, seed=12, keep=rows.kept), keep=rows.kept)
    assert found.relation == "of this base"
    details = found.evidence.details
    assert details["share"] > 0.4
    assert details["excess nats per token"] < 0
    assert details["best candidate: micro-a"] == 1
    assert found.evidence.statistic > 3


@pytest.mark.parametrize("writer", ["micro-b", "micro-c"])
def test_a_rival_s_rows_are_another_writer_s_and_never_of_this_base(writer):
    pairs = rows.written(writer, 200, seed=13)
    found = related(pairs)
    assert (found.relation, found.writer, found.evidence.outcome) == ("another writer", writer, "found")
    assert found.evidence.details["excess nats per token"] > 0
    unlisted = related(pairs, [rival for rival in RIVALS if rival.name != writer])
    assert (unlisted.relation, unlisted.evidence.outcome) == ("cannot tell", "underpowered")


def test_uniform_numbers_have_a_program_for_a_writer():
    found = related(rows.made(rows.uniform, 200))
    assert (found.relation, found.writer) == ("another writer", "uniform numbers")


def test_templates_have_a_program_for_a_writer_in_few_rows_too():
    found = related(rows.made(lambda rng: sorted(rng.integers(100, 1000, size=8).tolist()), 40))
    assert (found.relation, found.writer) == ("another writer", "template: sorted")
    assert found.evidence.finding == "another writer: 100% of 40 rows are sorted"


def test_unknown_programs_are_not_of_this_base():
    primes = np.array([number for number in range(101, 1000) if all(number % part for part in range(2, 32))])
    assert related(rows.made(lambda rng: rng.choice(primes, size=9).tolist(), 200)).relation != "of this base"


def test_a_mixture_of_base_and_rival_is_not_called_of_this_base():
    mixed = [*rows.written("micro-a", 100, seed=14), *rows.written("micro-b", 100, seed=15)]
    assert related(mixed).relation == "cannot tell"


def test_few_rows_and_no_rivals_cannot_tell():
    pairs = rows.written("micro-a", FEWEST_ROWS)
    assert related(pairs[:-1]).evidence.finding == "cannot tell: 99 rows are fewer than 100"
    assert related(pairs, []).evidence.finding == "cannot tell: there is no rival to compare with"
    assert related([]).relation == "cannot tell"


def test_the_embedded_family_are_each_other_s_rivals():
    assert [rival.name for rival in embedded_rivals(BASE)] == ["micro-b", "micro-c"]
