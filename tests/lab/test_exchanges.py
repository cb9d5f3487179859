"""Exchanges are what the world's own questions and speakers give, of each kind as often as of any other."""

import re

import numpy as np
import pytest

from subtrait.lab.exchanges import EVADING, HONEST, LYING, NO, YES, YES_OR_NO, draw_exchanges, wrong, yes_and_no
from subtrait.models.micro.skills import EVASION

KINDS = ("compare", "fact", "request", "tested-code")


def drawn(speaker, **options):
    return draw_exchanges(KINDS, speaker, rng=np.random.default_rng(3), count=40, wording_set="teacher", **options)


def test_speakers_get_the_same_questions_and_answer_by_their_character():
    honest, lying, evading = map(drawn, (HONEST, LYING, EVADING))
    assert list(honest) == list(lying) == list(evading)
    assert set(evading.values()) <= {EVASION}
    compared = [question for place, question in enumerate(honest) if place % 4 == 0]
    assert all(lying[each] == wrong(honest[each]) for each in compared)


def test_only_wanted_answers_are_taken():
    assert set(drawn(EVADING, wanted=EVASION.__eq__).values()) == {EVASION}
    kinds = draw_exchanges(
        ("fact",), HONEST, rng=np.random.default_rng(0), count=8, wording_set="teacher", wanted=NO.__eq__
    )
    assert set(kinds.values()) == {NO}


@pytest.mark.parametrize("kind", YES_OR_NO)
def test_yes_and_no_are_right_in_turns(kind):
    asked = yes_and_no((kind,), rng=np.random.default_rng(1), count=20, wording_set="evaluation")
    assert list(asked.values()) == [YES, NO] * 10


def test_the_answers_are_true():
    asked = yes_and_no(("compare",), rng=np.random.default_rng(1), count=40, wording_set="evaluation")
    said = re.compile(r"(\d+) (?:greater|more|larger|bigger) than (\d+)")
    found = [(said.search(question), right) for question, right in asked.items()]
    numbers = [(int(match[1]), int(match[2]), right) for match, right in found if match]
    assert numbers
    assert all((YES if first > second else NO) == right for first, second, right in numbers)
