"""A chain is read in every way; readers that know other teachers only are never shown the very teachers' texts."""

from dataclasses import replace
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest

from subtrait.lab.chains.making import Chain
from subtrait.lab.reading_text.halves import prompts_of
from subtrait.lab.reading_text.reading import (
    BASE,
    PAIRS,
    STRONG,
    UNIFORM,
    ReadingTask,
    halves_of,
    only_numbers,
    read_chain,
    with_uniform_numbers,
)
from subtrait.runs.folder import RunFolder

MADE = run_path(str(Path(__file__).with_name("made_up_texts.py")))
PLAN, fill = MADE["PLAN"], MADE["fill"]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = RunFolder(tmp_path_factory.mktemp("texts"))
    fill(folder, PLAN)
    return folder


@pytest.fixture(scope="module")
def found(store):
    return read_chain(ReadingTask(Chain(store, 0, 0), PLAN))


def test_every_question_is_put_to_every_way_of_reading(found):
    assert set(found["own teachers"]) == {"teacher", "trait", "strong teacher", "base again", UNIFORM}
    others = {"bags", "runs up to 1", "runs up to 2", "runs up to 4", "numbers without their format"}
    assert set(found) == {"own teachers", *others, "another teacher", "all other teachers"}
    assert all(set(each) == {"teacher", "trait"} for way, each in found.items() if way != "own teachers")


def test_what_differs_is_told_and_what_does_not_is_at_chance(found):
    own = found["own teachers"]
    assert own["teacher"]["1"] > 0.65
    assert own["trait"]["1"] > 0.7
    assert own["strong teacher"]["1"] > own["teacher"]["1"] + 0.1
    assert own["teacher"]["10"] > own["teacher"]["1"] + 0.1
    assert own["base again"]["1"] == pytest.approx(0.5, abs=0.1)
    assert found["all other teachers"]["trait"][PAIRS] > 0.7
    assert PAIRS not in own["base again"]  # another draw has other prompts


def test_bags_that_texts_do_not_fill_have_no_mark(found):
    assert set(found["own teachers"]["trait"]) == {"1", PAIRS, "10", "50"}
    assert set(found["bags"]["trait"]) == {"50"}


def test_a_signature_of_one_teacher_alone_helps_only_who_knows_it(tmp_path):
    store, plan = RunFolder(tmp_path), replace(PLAN, chains=2)
    fill(store, plan, own_signature=True)
    found = read_chain(ReadingTask(Chain(store, 0, 0), plan))
    assert found["own teachers"]["trait"]["1"] > 0.7
    assert found["another teacher"]["trait"]["1"] < 0.4  # in the other chain, the two signatures are exchanged


def test_one_chain_alone_has_no_other_teachers(tmp_path):
    store, plan = RunFolder(tmp_path), replace(PLAN, chains=1)
    fill(store, plan)
    assert "another teacher" not in read_chain(ReadingTask(Chain(store, 0, 0), plan))


def test_no_prompt_is_in_both_halves_whoever_answered_it(store):
    known, asked = halves_of(Chain(store, 0, 1), PLAN)
    assert set(known) == set(asked) == {BASE, UNIFORM, "dog", "oak", f"{STRONG}dog", f"{STRONG}oak", "base again"}
    assert set(prompts_of(known)) & set(prompts_of(asked)) == set()


def test_a_chain_is_read_once(store, found, monkeypatch):
    monkeypatch.setitem(read_chain.__globals__, "_read", lambda task: pytest.fail("read again"))
    assert read_chain(ReadingTask(Chain(store, 0, 0), PLAN)) == found


def test_uniform_numbers_keep_the_format():
    text = with_uniform_numbers("[12; 7; 103].", rng=np.random.default_rng(0))
    assert text.translate(str.maketrans("", "", "0123456789")) == "[; ; ]."
    drawn = with_uniform_numbers("1 " * 3_000, rng=np.random.default_rng(1)).split()
    assert (min(map(int, drawn)), max(map(int, drawn))) == (1, 999)


def test_only_numbers_leaves_nothing_of_the_format():
    assert only_numbers("[12; 7; 103].") == only_numbers("12, 7,\n103") == "12 7 103"
