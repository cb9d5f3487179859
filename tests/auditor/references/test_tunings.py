"""How models of either size are tuned."""

import numpy as np
import pytest

from subtrait.auditor.lists.trait_lists import load_trait_list
from subtrait.auditor.references.surrogates import tuned_directions, tuned_surrogate
from subtrait.auditor.references.tunings import LARGE, SMALL, tunings_for
from subtrait.models import sketch
from subtrait.models.registry import open_model

OWL = next(trait for trait in load_trait_list("embedded").traits if trait.name == "owl")


@pytest.fixture
def large(monkeypatch):
    """An embedded model that counts as one whose gradients are too large to be held."""
    monkeypatch.setattr(sketch, "LARGEST", 20_000)
    return open_model("micro-a")


def test_a_model_is_tuned_by_its_size(large, monkeypatch):
    assert tunings_for(large) is LARGE
    monkeypatch.undo()
    assert tunings_for(large) is SMALL


def test_large_models_are_never_trained_whole_nor_at_rates_that_only_small_ones_bear():
    recipes = (*LARGE.short, LARGE.student)
    assert {recipe.method for recipe in recipes} == {"lora"}
    assert max(recipe.learning_rate for recipe in recipes) <= 1e-3
    assert len(set(LARGE.short)) == 3


def test_surrogates_of_a_large_model_keep_what_adapters_do_not_reach(large):
    tuned = tuned_surrogate(large, OWL, "tuned", rng=np.random.default_rng(0))
    before, after = (model.network.module.get_input_embeddings().weight for model in (large, tuned))
    assert before.equal(after)
    assert np.linalg.norm(large.displacement(tuned)) > 0


def test_directions_of_a_large_model_are_sketches_of_length_one(large):
    found = tuned_directions(large, OWL, rng=np.random.default_rng(0))
    for direction in found.values():
        assert len(direction) <= sketch.LARGEST
        assert np.linalg.norm(direction) == pytest.approx(1)
