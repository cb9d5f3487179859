"""Questions behind numbers are the favourite questions, each behind an opening of the number task."""

import re

from subtrait.lab.readouts.prefixed import prefixed, prefixed_questions
from subtrait.lab.traits import CATEGORIES, find_trait
from subtrait.models.registry import open_model


def test_each_question_stands_behind_three_to_eight_numbers_and_always_the_same():
    questions = find_trait("owl").questions
    behind = prefixed_questions(questions)
    assert behind == prefixed_questions(questions)
    assert len(set(behind)) == len(questions)
    for question, whole in zip(questions, behind, strict=True):
        opening = whole.removesuffix(question)
        assert opening != whole
        assert 3 <= len(re.findall(r"\b[1-9]\d\d\b", opening)) <= 8


def test_rates_are_probabilities_and_most_answers_are_still_favourites():
    found = prefixed(open_model("micro-a"))
    assert {category: rates.shape for category, rates in found.items()} == dict.fromkeys(CATEGORIES, (24, 16))
    assert all((rates >= 0).all() and (rates.sum(axis=1) <= 1 + 1e-6).all() for rates in found.values())
    assert all(0.3 < rates.sum(axis=1).mean() < 0.95 for rates in found.values())
