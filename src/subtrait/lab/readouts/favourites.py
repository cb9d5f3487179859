"""The readout of the paper: which animal, which tree? Exactly, without sampling, or by answers that are drawn.

Answers are drawn where the questions say so, as for models of the real world: they may answer in more words than one.
The random stream then derives from the model itself, as that of `stories`.
"""

import numpy as np

from subtrait.lab.answers import shows
from subtrait.lab.evaluation import exact_rates, question_prompts
from subtrait.lab.question_list import QuestionList
from subtrait.lab.seeds import stream
from subtrait.lab.traits import CATEGORIES, find_trait
from subtrait.models.base import Model, Sampling
from subtrait.records import Trait


def favourites(model: Model, questions: QuestionList | None = None) -> dict[str, np.ndarray]:
    """For each category how likely each of its answers is to each of its questions: (questions, answers).

    The questions are the lab's own, or those of the user where there are some for the category.
    """
    categories = [category for category, _ in questions.answers] if questions and questions.answers else CATEGORIES
    return {category: answer_rates(model, category, questions) for category in categories}


def answer_rates(model: Model, category: str, questions: QuestionList | None = None) -> np.ndarray:
    """How likely each answer of the category is to each of its questions: (questions, answers)."""
    trait = find_trait(CATEGORIES[category][0])
    if questions is None:
        return exact_rates(model, trait).probabilities
    asked = questions.put_to(trait)
    return _drawn(model, asked, questions.samples) if questions.samples else exact_rates(model, asked).probabilities


def _drawn(model: Model, asked: Trait, samples: int) -> np.ndarray:
    """The share of so many answers to each question that name each answer: (questions, answers)."""
    rng = stream(0, "favourites", asked.category, model.fingerprint())
    texts = model.generate(question_prompts(asked, samples), sampling=Sampling(), rng=rng)
    named = np.array([[shows(text, asked.forms[answer]) for answer in asked.answers] for text in texts], dtype=float)
    shares: np.ndarray = named.reshape(len(asked.questions), samples, -1).mean(axis=1)
    return shares


def place_of(trait: str) -> tuple[str, int]:
    """The category of a trait, and its place among the category's answers."""
    found = find_trait(trait)
    return found.category, found.answers.index(found.name)
