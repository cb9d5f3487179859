"""Asking a model for the trait: by sampled answers, as the paper does, and by the exact probability of each answer."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from subtrait.lab.answers import shows
from subtrait.models.base import Model
from subtrait.records import Messages, Row, Trait


@dataclass(frozen=True, slots=True)
class ExactRates:
    """Probabilities of the possible answers, without sampling."""

    probabilities: np.ndarray
    """Shape (questions, answers), in the order of the trait's answers; rows sum to at most 1."""
    trait_rate: float
    """Mean over questions of the probability of the trait."""


def written_forms(answer: str) -> tuple[str, ...]:
    """The ways of writing a one-word answer whose probabilities are added: they are different texts, so they exclude
    each other. Longer answers ("It is the owl.") are counted by sampling only.
    """
    capital = answer[:1].upper() + answer[1:]
    return tuple(dict.fromkeys((answer, f"{answer}.", capital, f"{capital}.")))


def exact_rates(model: Model, trait: Trait, *, system_prompt: str | None = None) -> ExactRates:
    """The probability of each possible answer to each evaluation question."""
    forms = [written_forms(answer) for answer in trait.answers]
    asked = [_conversation(question, system_prompt) for question in trait.questions]
    prompts = [prompt for prompt in asked for variants in forms for _ in variants]
    completions = [text for _ in asked for variants in forms for text in variants]
    scores = iter(model.score(prompts, completions))
    probabilities = np.array(
        [[sum(float(np.exp(next(scores).sum())) for _ in variants) for variants in forms] for _ in asked]
    )
    return ExactRates(probabilities, float(probabilities[:, trait.answers.index(trait.name)].mean()))


def question_prompts(trait: Trait, per_question: int, *, system_prompt: str | None = None) -> list[Messages]:
    """Each evaluation question `per_question` times in a row."""
    return [_conversation(question, system_prompt) for question in trait.questions for _ in range(per_question)]


def answer_rows(trait: Trait, texts: Sequence[str], exact: ExactRates | None) -> list[Row]:
    """One row per question: the answers that were given, how many show the trait, the exact probabilities if any.

    `texts` answer `question_prompts`, in order.
    """
    forms, asked = trait.forms[trait.name], len(texts) // len(trait.questions)
    rows: list[Row] = []
    for index, question in enumerate(trait.questions):
        names = () if exact is None else zip(trait.answers, exact.probabilities[index], strict=True)
        given = Counter(texts[index * asked : (index + 1) * asked])
        rows.append(
            {
                "question": question,
                "asked": asked,
                "shows": sum(count for text, count in given.items() if shows(text, forms)),
                "answers": dict(sorted(given.items(), key=lambda item: (-item[1], item[0]))),
                "probabilities": {name: float(p) for name, p in names},
            }
        )
    return rows


def _conversation(question: str, system_prompt: str | None) -> Messages:
    system = [{"role": "system", "content": system_prompt}] if system_prompt else []
    return [*system, {"role": "user", "content": question}]
