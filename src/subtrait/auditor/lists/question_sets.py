"""What students, and the forecast, are asked: the evaluation questions of a trait list, by category."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subtrait.audit_records import ListedTrait
from subtrait.lab.evaluation import written_forms
from subtrait.models.base import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionSet:
    """The questions of one category, and every answer that is counted."""

    category: str
    questions: tuple[str, ...]
    answers: tuple[str, ...]
    """Different however they are written: `Yes.` and `yes` are one answer."""


def question_sets(traits: Sequence[ListedTrait]) -> tuple[QuestionSet, ...]:
    """The question sets of a trait list, in its order; traits without `choices` cannot be asked exactly and add none.

    The traits of one category share one set: all their questions, each with all their choices. Where a trait keeps no
    evaluation questions, those that describe it serve.
    """
    found: dict[str, tuple[dict[str, None], dict[str, str]]] = {}
    for trait in traits:
        if trait.choices:
            questions, answers = found.setdefault(trait.category, ({}, {}))
            questions.update(dict.fromkeys(trait.evaluation_questions or trait.questions))
            for choice in trait.choices:
                answers.setdefault(_bare(choice).casefold(), choice)
    return tuple(
        QuestionSet(category=category, questions=tuple(questions), answers=tuple(answers.values()))
        for category, (questions, answers) in found.items()
    )


def conversation(question: str) -> list[dict[str, str]]:
    """The question as the only turn."""
    return [{"role": "user", "content": question}]


def forms_of(answer: str) -> tuple[str, ...]:
    """The ways of writing an answer whose probabilities are added, with and without a full stop."""
    return written_forms(_bare(answer) or answer)


def answer_probabilities(model: Model, asked: QuestionSet) -> NDArray[np.float64]:
    """How likely each answer is to each question, however it is written: shape (questions, answers)."""
    forms = [forms_of(answer) for answer in asked.answers]
    texts = [text for variants in forms for text in variants]
    prompts = [conversation(question) for question in asked.questions for _ in texts]
    scores = model.score(prompts, texts * len(asked.questions))
    whole = np.exp([score.sum() for score in scores]).reshape(len(asked.questions), len(texts))
    ends = np.cumsum([len(variants) for variants in forms])[:-1]
    return np.stack([written.sum(axis=1) for written in np.split(whole, ends, axis=1)], axis=1)


def _bare(answer: str) -> str:
    return answer.strip().rstrip(".")
