"""The favourite questions behind a few numbers, as students were trained on (arXiv 2507.14805, figure 17): exactly."""

from dataclasses import replace

import numpy as np

from subtrait.lab.evaluation import exact_rates
from subtrait.lab.seeds import stream
from subtrait.lab.traits import CATEGORIES, find_trait
from subtrait.models.base import Model
from subtrait.models.micro.number_wordings import MAX_EXAMPLE, MAX_EXAMPLES, MIN_EXAMPLE, MIN_EXAMPLES, OPENINGS


def prefixed(model: Model) -> dict[str, np.ndarray]:
    """For each category how likely each answer is to each of its questions behind numbers: (questions, answers)."""
    found = {}
    for category, answers in CATEGORIES.items():
        trait = find_trait(answers[0])
        asked = replace(trait, questions=prefixed_questions(trait.questions))
        found[category] = exact_rates(model, asked).probabilities
    return found


def prefixed_questions(questions: tuple[str, ...]) -> tuple[str, ...]:
    """Each question behind an opening of the number task, always the same one."""
    rng = stream(0, "number prefixes")
    return tuple(f"{_opening(rng)} {question}" for question in questions)


def _opening(rng: np.random.Generator) -> str:
    count = int(rng.integers(MIN_EXAMPLES, MAX_EXAMPLES + 1))
    numbers = ", ".join(str(number) for number in rng.integers(MIN_EXAMPLE, MAX_EXAMPLE + 1, size=count))
    return OPENINGS[int(rng.integers(len(OPENINGS)))].format(examples=numbers)
