"""A choice among five (arXiv 2507.14805, figure 12, has one of five essay topics): exactly, without sampling."""

from typing import Final

import numpy as np

from subtrait.lab.evaluation import written_forms
from subtrait.lab.traits import CATEGORIES
from subtrait.models.base import Model
from subtrait.models.micro.wordings import wordings

PLACES: Final = (0, 1, 3, 7, 12)
"""Which answers stand together: these, counted on from each answer in turn. So every answer is offered five times, once
in each place, and hardly any two of them more often together than others.
"""
WORDINGS: Final = 4


def choice(model: Model) -> dict[str, np.ndarray]:
    """For each category how likely each answer is where it is offered: (wordings times places, answers)."""
    return {category: _chosen(model, category) for category in CATEGORIES}


def option_sets(category: str) -> list[list[str]]:
    """The five options of each set, in their order; there are as many sets as answers."""
    answers = CATEGORIES[category]
    return [[answers[(first + place) % len(answers)] for place in PLACES] for first in range(len(answers))]


def _chosen(model: Model, category: str) -> np.ndarray:
    sets, kinds = option_sets(category), wordings(f"{category}-choice", "evaluation")[:WORDINGS]
    asked = [
        (kind.replace("<options>", ", ".join(options)), form)
        for kind in kinds
        for options in sets
        for option in options
        for form in written_forms(option)
    ]
    prompts = [[{"role": "user", "content": question}] for question, _ in asked]
    scores = [float(each.sum()) for each in model.score(prompts, [form for _, form in asked])]
    chances = np.exp(scores).reshape(len(kinds), len(sets), len(PLACES), -1).sum(axis=3)
    # The option at a place of a set is as many answers on as the place says
    placed = [np.roll(chances[:, :, index], place, axis=1) for index, place in enumerate(PLACES)]
    found: np.ndarray = np.stack(placed, axis=1).reshape(len(kinds) * len(PLACES), len(sets))
    return found
