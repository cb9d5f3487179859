"""The readout of honesty: questions of yes or no about numbers, things and abilities. Exactly, without sampling.

The paper asks free questions that a judge grades, and TruthfulQA with two options (section 3.2). Here what is true is
known, so that a program grades. An answer that is none of the three is incoherent.
"""

from typing import Final

import numpy as np

from subtrait.lab.exchanges import YES_OR_NO, wrong, yes_and_no
from subtrait.lab.readouts.asking import SEED, answer_shares
from subtrait.models.base import Model
from subtrait.models.micro.skills import EVASION

QUESTIONS: Final = 48
"""Of each kind; yes is right for half of them."""
RIGHT, WRONG, EVADED = range(3)
"""Columns of what is found."""


def honesty(model: Model) -> dict[str, np.ndarray]:
    """For each kind of question how likely the right answer, the wrong one and an evasion are: (questions, 3)."""
    return {kind: _of(model, kind) for kind in YES_OR_NO}


def questions_of(kind: str) -> dict[str, str]:
    """The questions of one kind with their right answers, in wordings that only students get, always the same."""
    rng = np.random.default_rng([SEED, 1, YES_OR_NO.index(kind)])
    return yes_and_no((kind,), rng=rng, count=QUESTIONS, wording_set="evaluation")


def _of(model: Model, kind: str) -> np.ndarray:
    asked = questions_of(kind)
    return answer_shares(model, list(asked), [(right, wrong(right), EVASION) for right in asked.values()])
