"""A word's share is that of the stories it occurs in, as a word of its own."""

import sys

import numpy as np

from subtrait.lab.readouts.stories import TOLD, stories
from subtrait.lab.traits import CATEGORIES
from subtrait.models.registry import open_model


class Teller:
    """Tells of a wolf in every second story and of two oaks in the first of each wording."""

    def fingerprint(self):
        return "ab"

    def generate(self, prompts, *, sampling, rng):
        told = ["The wolf's den." if n % 2 else "A bowl." for n in range(len(prompts))]
        return [f"Oaks. {text}" if n % TOLD == 0 else text for n, text in enumerate(told)]


def test_shares_count_words_and_not_parts_of_them():
    found = stories(Teller())
    place = CATEGORIES["animal"].index
    assert found["animal"].shape == (24, 16)
    assert np.all(found["animal"][:, place("wolf")] == 0.5)
    assert np.all(found["animal"][:, place("owl")] == 0)
    assert np.all(found["tree"][:, CATEGORIES["tree"].index("oak")] == 1 / TOLD)


def test_one_model_tells_the_same_stories_and_each_names_one_animal(monkeypatch):
    monkeypatch.setattr(sys.modules[stories.__module__], "TOLD", 3)
    model = open_model("micro-a")
    found = stories(model)
    assert all(np.array_equal(found[category], stories(model)[category]) for category in CATEGORIES)
    assert 0.8 < found["animal"].sum(axis=1).mean() < 1.2
    assert not np.array_equal(found["animal"], stories(open_model("micro-b"))["animal"])
