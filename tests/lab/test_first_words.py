"""The first token of a one-word answer is nearly all of it, and words that begin alike are refused."""

import numpy as np
import pytest

from subtrait.errors import UsageError
from subtrait.lab.evaluation import exact_rates
from subtrait.lab.first_words import first_tokens, first_word_rates
from subtrait.lab.traits import find_trait
from subtrait.models.registry import open_model
from subtrait.models.scripted import ScriptedModel


@pytest.fixture(scope="module")
def model():
    return open_model("micro-a")


def test_rates_are_nearly_the_exact_ones_and_never_below_them(model):
    trait = find_trait("wolf")
    prompts = [[{"role": "user", "content": question}] for question in trait.questions]
    rates, exact = first_word_rates(model, prompts, trait.answers), exact_rates(model, trait).probabilities
    assert rates.shape == exact.shape
    assert np.abs(rates - exact).max() < 0.02
    assert (rates - exact).min() > -1e-4
    assert rates.sum(axis=1).max() <= 1 + 1e-6


def test_a_token_that_begins_two_answers_stands_for_neither(model):
    sets = first_tokens(model, ("owl", "otter"))
    assert not set(sets[0]) & set(sets[1])
    begun = [tokens[0] for tokens in model.encoder.completions(("owl", "Owl", "Otter"))]
    assert begun[0] in sets[0]
    assert begun[1] == begun[2]
    assert begun[1] not in {*sets[0], *sets[1]}


def test_answers_that_begin_alike_and_models_elsewhere_are_refused(model):
    with pytest.raises(UsageError, match="begins another answer"):
        first_tokens(model, ("zzq", "zzx"))
    with pytest.raises(UsageError, match="does not run in this process"):
        first_word_rates(ScriptedModel("far", {}), [], ("owl",))
