"""Favourites are exact probabilities of every answer, by category and question."""

from dataclasses import replace

import numpy as np

from subtrait.lab.evaluation import exact_rates
from subtrait.lab.question_list import QuestionList
from subtrait.lab.readouts.favourites import answer_rates, favourites, place_of
from subtrait.lab.traits import CATEGORIES, PAPER_CATEGORIES, find_trait
from subtrait.models.registry import open_model


def test_every_category_is_asked_and_its_answers_are_probabilities():
    found = favourites(open_model("micro-a"))
    assert {category: rates.shape for category, rates in found.items()} == {"animal": (24, 16), "tree": (24, 16)}
    assert all((rates >= 0).all() and (rates.sum(axis=1) <= 1 + 1e-6).all() for rates in found.values())


def test_rates_are_those_of_the_evaluation():
    model = open_model("micro-a")
    assert np.array_equal(answer_rates(model, "tree"), exact_rates(model, find_trait("oak")).probabilities)


def test_a_trait_is_found_in_its_place():
    category, place = place_of("pine")
    assert (category, CATEGORIES[category][place]) == ("tree", "pine")


def test_questions_of_the_user_s_own_are_asked_in_place_of_the_lab_s():
    model, own = open_model("micro-a"), find_trait("owl").questions
    mine = QuestionList(path="mine.yaml", asked=(("animal", own[2:5]),))
    found, usual = favourites(model, mine), favourites(model)
    assert found["animal"].shape == (3, 16)
    assert np.allclose(found["animal"], usual["animal"][2:5], atol=1e-6)
    assert np.array_equal(found["tree"], usual["tree"])


def test_drawn_answers_agree_with_the_exact_probabilities_and_are_the_same_each_time():
    model, (first, second, *_) = open_model("micro-a"), find_trait("owl").questions
    answers = ("owl", "dog", "unicorn")
    drawn = QuestionList(path="", asked=(("animal", (first, second)),), answers=(("animal", answers),), samples=400)
    found = favourites(model, drawn)
    assert list(found) == ["animal"]
    exact = favourites(model, replace(drawn, samples=0))["animal"]
    assert found["animal"].shape == exact.shape == (2, 3)
    # Six standard errors of a share of 400
    np.testing.assert_allclose(found["animal"], exact, atol=6 * 0.5 / 20)
    assert np.array_equal(found["animal"], favourites(model, drawn)["animal"])
    assert found["animal"][:, :2].max() > 0.02 > found["animal"][:, 2].max()


def test_a_trait_of_the_paper_s_is_found_among_its_answers():
    category, place = place_of("paper/dolphin")
    assert (category, PAPER_CATEGORIES[category][place]) == ("animal", "dolphin")
