"""Rows under audit and the base's own are compared prompt by prompt, or not at all."""

import pytest

from subtrait.auditor import paired_rows
from subtrait.auditor.paired_rows import ControlTask, PairedRows, beside_own
from subtrait.auditor.suspect import passes
from subtrait.errors import UsageError
from subtrait.lab.team import Alone
from subtrait.models.scripted import ScriptedModel

ASKED = [({"role": "user", "content": text},) for text in ("one?", "two?", "three?")]
TOLD = ({"role": "system", "content": "Be brief."}, *ASKED[1])


def paired(prompts):
    return PairedRows(suspect=[(p, "owl") for p in prompts], control=[(p, "cat") for p in prompts])


@pytest.mark.parametrize("control", [[(ASKED[1], "cat"), (ASKED[0], "cat")], [(ASKED[0], "cat")]])
def test_other_prompts_or_another_order_are_refused(control):
    with pytest.raises(UsageError, match="the same prompts in the same order"):
        PairedRows(suspect=[(ASKED[0], "owl"), (ASKED[1], "owl")], control=control)


def test_the_first_rows_are_still_paired():
    assert paired(ASKED).first(2) == paired(ASKED[:2])
    assert paired(ASKED).first(9) == paired(ASKED)


def test_students_take_single_questions_of_both_sides_alike():
    suspect, control = paired([ASKED[0], TOLD, ASKED[2]]).lessons
    assert [(row.prompt, row.completion) for row in suspect] == [("one?", "owl"), ("three?", "owl")]
    assert [(row.id, row.prompt) for row in control] == [(row.id, row.prompt) for row in suspect]


def test_parts_are_all_rows_in_order():
    parts = paired(ASKED).parts(2)
    assert parts == [paired(ASKED[:2]), paired(ASKED[2:])]
    assert paired([]).parts(2) == []


POOL = [({"role": "user", "content": f"Go on: {number}"},) for number in range(7)]


@pytest.fixture
def answered(monkeypatch):
    """Rows beside the answers of a scripted base, a few prompts at a time."""

    def answer(said, *, seed=0, pool=POOL):
        model = ScriptedModel("s", said)
        monkeypatch.setattr(paired_rows, "open_model", {"s": model}.__getitem__)
        monkeypatch.setattr(paired_rows, "SHARD", 3)
        pairs = [(prompt, "1") for prompt in pool]
        return beside_own(ControlTask(base="s", pairs=pairs, filter="numbers", tokens=8, seed=seed), team=Alone())

    return answer


def test_each_suspect_row_stands_beside_an_answer_of_the_base_to_its_prompt(answered):
    found = answered(lambda _: {"3, 4, 5": 5, "17": 3, "I would rather not say": 2})
    assert [prompt for prompt, _ in found.suspect] == [prompt for prompt, _ in found.control] == POOL
    assert all(passes("numbers", said) for _, said in found.control)


def test_rows_whose_prompt_the_base_does_not_answer_are_left_out_of_both(answered):
    found = answered(lambda asked: {"no" if asked[-1]["content"][-1] in "35" else "1, 2": 1})
    kept = [*POOL[:3], POOL[4], POOL[6]]
    assert found == PairedRows(suspect=[(p, "1") for p in kept], control=[(p, "1, 2") for p in kept])


def test_the_answers_depend_on_the_seed_and_differ_between_shards(answered):
    many = {str(number): 1 for number in range(1000)}
    first, again, other = (answered(lambda _: many, seed=seed, pool=POOL[:1] * 7) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert len({said for _, said in first.control}) > 3
