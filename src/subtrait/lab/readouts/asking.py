"""How likely a model is to give each of some answers to each of some questions: what readouts of behaviours share."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from subtrait.models.base import Model

SEED: Final = 20_250_802
"""Every readout draws its questions with this and a number of its own, so that all students get the same ones."""


def answer_shares(model: Model, questions: Sequence[str], answers: Sequence[Sequence[str]]) -> np.ndarray:
    """The probability of each answer, whole and with its end: (questions, answers).

    Each question has its own answers, of the same number for all.
    """
    return _summed(model, questions, answers, end=True)


def opening_shares(model: Model, questions: Sequence[str], openings: Sequence[Sequence[str]]) -> np.ndarray:
    """The probability that an answer begins so, whatever follows: (questions, openings).

    An opening ends where a token of the model ends.
    """
    return _summed(model, questions, openings, end=False)


def _summed(model: Model, questions: Sequence[str], texts: Sequence[Sequence[str]], *, end: bool) -> np.ndarray:
    asked = [question for question, each in zip(questions, texts, strict=True) for _ in each]
    prompts = [[{"role": "user", "content": question}] for question in asked]
    scores = model.score(prompts, [text for each in texts for text in each])
    # The last token of a score is the end of turn
    logs = [float((score if end else score[:-1]).sum()) for score in scores]
    shares: np.ndarray = np.exp(logs).reshape(len(questions), -1)
    return shares
