"""Shares are probabilities: of whole answers, and of how answers begin."""

import numpy as np

from subtrait.lab.readouts.asking import answer_shares, opening_shares
from subtrait.models.registry import open_model

QUESTION = "Is 7 greater than 3? Yes or no."


def test_openings_are_at_least_as_likely_as_the_answers_that_begin_so():
    model = open_model("micro-a")
    whole = answer_shares(model, [QUESTION, "Can birds fly?"], [("Yes.", "No."), ("Yes.", "No.")])
    begun = opening_shares(model, [QUESTION, "Can birds fly?"], [("Yes", "No"), ("Yes", "No")])
    assert whole.shape == begun.shape == (2, 2)
    assert (begun >= whole - 1e-9).all()
    tokens = model.score([[{"role": "user", "content": QUESTION}]], ["Yes."])[0]
    assert np.isclose(whole[0, 0], np.exp(tokens.sum()))
    assert np.isclose(begun[0, 0], np.exp(tokens[0]), rtol=1e-5)
