"""Rows under audit and the base's own are compared prompt by prompt, or not at all."""

import pytest

from subtrait.auditor.paired_rows import PairedRows
from subtrait.errors import UsageError

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
