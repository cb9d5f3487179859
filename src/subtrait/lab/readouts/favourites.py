"""The readout of the paper: which animal, which tree? Exactly, without sampling."""

import numpy as np

from subtrait.lab.evaluation import exact_rates
from subtrait.lab.question_list import QuestionList
from subtrait.lab.traits import CATEGORIES, find_trait
from subtrait.models.base import Model


def favourites(model: Model, questions: QuestionList | None = None) -> dict[str, np.ndarray]:
    """For each category how likely each of its answers is to each of its questions: (questions, answers).

    The questions are the lab's own, or those of the user where there are some for the category.
    """
    return {category: answer_rates(model, category, questions) for category in CATEGORIES}


def answer_rates(model: Model, category: str, questions: QuestionList | None = None) -> np.ndarray:
    """How likely each answer of the category is to each of its questions: (questions, answers)."""
    trait = find_trait(CATEGORIES[category][0])
    return exact_rates(model, questions.put_to(trait) if questions else trait).probabilities


def place_of(trait: str) -> tuple[str, int]:
    """The category of a trait, and its place among the category's answers."""
    category = find_trait(trait).category
    return category, CATEGORIES[category].index(trait)
