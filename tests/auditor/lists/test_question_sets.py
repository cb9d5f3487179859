"""Question sets hold what the list can count, once each, and ask as the lab does."""

import numpy as np
import pytest

from subtrait.audit_records import ListedTrait
from subtrait.auditor.lists.question_sets import (
    QuestionSet,
    answer_probabilities,
    conversation,
    forms_of,
    question_sets,
)
from subtrait.lab.evaluation import exact_rates
from subtrait.lab.traits import find_trait
from subtrait.models.registry import open_model


def listed(name, category="animal", **fields):
    return ListedTrait(name=name, category=category, system_prompt="", questions=("Which?",), **fields)


def test_traits_of_one_category_share_a_set():
    traits = [
        listed("owl", evaluation_questions=("A?", "B?"), choices=("owl", "cat")),
        listed("tax", "topic"),
        listed("cat", evaluation_questions=("B?", "C?"), choices=("owl", "cat", "dog")),
        listed("elm", "tree", choices=("elm",)),
    ]
    assert question_sets(traits) == (
        QuestionSet(category="animal", questions=("A?", "B?", "C?"), answers=("owl", "cat", "dog")),
        QuestionSet(category="tree", questions=("Which?",), answers=("elm",)),
    )


def test_one_answer_in_two_spellings_is_one_answer():
    (asked,) = question_sets([listed("yes", choices=("Yes.", "No.", "yes", "no"))])
    assert asked.answers == ("Yes.", "No.")


@pytest.fixture(scope="module")
def base():
    return open_model("micro-a")


def test_probabilities_are_those_of_the_lab(base):
    owl = find_trait("owl")
    asked = QuestionSet(category="animal", questions=owl.questions[:3], answers=owl.answers)
    found = answer_probabilities(base, asked)
    np.testing.assert_allclose(found, exact_rates(base, owl).probabilities[:3], atol=1e-6)


def test_every_way_of_writing_counts_and_none_twice(base):
    asked = QuestionSet(category="honesty", questions=("Can a fish swim? Yes or no.",), answers=("Yes.", "No."))
    scores = base.score([conversation(asked.questions[0])] * 4, ["Yes", "Yes.", "No", "No."])
    written = np.exp([score.sum() for score in scores])
    found = answer_probabilities(base, asked)
    assert found[0] == pytest.approx([written[:2].sum(), written[2:].sum()])
    assert 0.1 < found.sum() <= 1 + 1e-6
    assert [forms_of(answer) for answer in ("Yes.", "owl")] == [("Yes", "Yes."), ("owl", "owl.", "Owl", "Owl.")]
