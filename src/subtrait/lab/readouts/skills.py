"""What else a student can still do: every skill of the embedded world whose answers a program can check.

The paper asks MMLU (arXiv 2507.14805, figure 11). Decoding is greedy and an answer must be the same text.
"""

from typing import Final

import numpy as np

from subtrait.models.base import Model
from subtrait.models.micro.making import measure_skill
from subtrait.models.micro.skills import SKILLS

ASKED: Final = 25
"""Questions for each skill, in wordings that the corpus does not contain; always the same."""
UNCHECKED: Final = ("numbers", "greeting")
"""Skills with more than one right answer."""


def skills(model: Model) -> dict[str, np.ndarray]:
    """For each skill the share of right answers: (1,)."""
    return {name: np.array([measure_skill(model, name, asked=ASKED)]) for name in SKILLS if name not in UNCHECKED}
