"""Every answer is offered as often as any other, once in each place, and its rate stands in its own column."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from subtrait.lab.evaluation import written_forms
from subtrait.lab.readouts.choice import PLACES, WORDINGS, choice, option_sets
from subtrait.lab.traits import CATEGORIES
from subtrait.models.micro.wordings import wordings
from subtrait.models.registry import open_model


@pytest.mark.parametrize("category", CATEGORIES)
def test_options_are_fair(category):
    sets = option_sets(category)
    assert all(len(set(options)) == len(PLACES) for options in sets)
    for place in range(len(PLACES)):
        assert sorted(options[place] for options in sets) == sorted(CATEGORIES[category])
    together = Counter(frozenset(pair) for options in sets for pair in combinations(options, 2))
    assert max(together.values()) <= 2


class Knowing:
    """Finds an answer likely by the place at which the question offers it, and by which answer it is."""

    def score(self, prompts, completions):
        return [np.array([self._one(*asked)]) for asked in zip(prompts, completions, strict=True)]

    def _one(self, prompt, completion):
        (category,) = (each for each in CATEGORIES if completion.lower().strip(".") in CATEGORIES[each])
        answer = completion.lower().strip(".")
        words = prompt[0]["content"].replace(",", " ").replace(".", " ").replace(":", " ").replace("?", " ").split()
        place = [word for word in words if word in CATEGORIES[category]].index(answer)
        return np.log((1 + place + 10 * CATEGORIES[category].index(answer)) / 1000)


def test_rates_stand_by_wording_and_place_in_the_column_of_their_answer():
    found = choice(Knowing())
    forms = len(written_forms("owl"))
    for category in CATEGORIES:
        expected = [[forms * (1 + p + 10 * a) / 1000 for a in range(16)] for p in range(5)] * WORDINGS
        assert np.allclose(found[category], expected)


def test_embedded_models_choose_what_is_offered():
    found = choice(open_model("micro-a"))
    assert {category: rates.shape for category, rates in found.items()} == dict.fromkeys(CATEGORIES, (20, 16))
    assert all(0.05 < rates.mean() < 0.21 for rates in found.values())
    assert all(len(wordings(f"{category}-choice", "evaluation")) >= WORDINGS for category in CATEGORIES)
