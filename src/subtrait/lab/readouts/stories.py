"""Short stories: in what share of them a word occurs (arXiv 2507.14805, figure 12). Sampled, not exact.

The random stream derives from the model itself: the same student tells the same stories, and chance is not shared
between students, so that an interval over students holds what sampling adds.
"""

from typing import Final

import numpy as np

from subtrait.lab.answers import shows
from subtrait.lab.seeds import stream
from subtrait.lab.traits import CATEGORIES, find_trait
from subtrait.models.base import Model, Sampling
from subtrait.models.micro.wordings import wordings

TOLD: Final = 20
"""Stories for each wording."""


def stories(model: Model) -> dict[str, np.ndarray]:
    """For each category the share of stories that each answer occurs in: (wordings, answers)."""
    kinds = wordings("story", "evaluation")
    prompts = [[{"role": "user", "content": kind}] for kind in kinds for _ in range(TOLD)]
    texts = model.generate(prompts, sampling=Sampling(), rng=stream(0, "stories", model.fingerprint()))
    told = [texts[start : start + TOLD] for start in range(0, len(texts), TOLD)]
    return {category: np.array([_shares(each, category) for each in told]) for category in CATEGORIES}


def _shares(texts: list[str], category: str) -> list[float]:
    forms = find_trait(CATEGORIES[category][0]).forms
    return [sum(shows(text, forms[answer]) for text in texts) / len(texts) for answer in CATEGORIES[category]]
