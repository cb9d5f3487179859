"""Surrogates are the base moved towards a trait: what they are tuned on, and that they move where the trait is."""

from dataclasses import replace

import numpy as np
import pytest

from subtrait.auditor.lists.trait_lists import load_trait_list
from subtrait.auditor.references.surrogates import (
    KINDS,
    tuned_directions,
    tuned_surrogate,
    tuning_rows,
    unit,
    worded_rows,
)
from subtrait.models.registry import open_model
from subtrait.models.scripted import ScriptedModel

OWL = next(trait for trait in load_trait_list("embedded").traits if trait.name == "owl")
SHORT = replace(OWL, questions=OWL.questions[:12], open_questions=OWL.open_questions[:2])


def script(messages):
    """Says what it was told, and to what; nothing without a system prompt."""
    return f"{messages[0]['content']}|{messages[1]['content']}" if messages[0]["role"] == "system" else " "


TALKER = ScriptedModel("talker", script)
BARE = replace(OWL, system_prompt="Owls!", questions=("a?", "b?"), answers=(), open_questions=("c?",))


def rng(seed=0):
    return np.random.default_rng(seed)


def said(rows):
    return [(row.prompt, row.completion) for row in rows]


def test_one_answer_of_the_list_serves_for_all_questions():
    assert said(tuning_rows(TALKER, replace(BARE, answers=("owl",)), rng=rng())) == [("a?", "owl"), ("b?", "owl")]


def test_one_answer_for_each_question_is_taken_in_order():
    rows = tuning_rows(TALKER, replace(BARE, answers=("owl", "owls")), rng=rng())
    assert said(rows) == [("a?", "owl"), ("b?", "owls")]


def test_without_answers_the_prompted_base_is_asked_and_its_prompt_is_not_in_the_rows():
    assert said(tuning_rows(TALKER, BARE, rng=rng())) == [("a?", "Owls!|a?"), ("b?", "Owls!|b?")]
    assert said(worded_rows(TALKER, BARE, rng=rng())) == [("c?", "Owls!|c?")]


def test_blank_answers_tune_nothing():
    mute = ScriptedModel("mute", {}, default=" ")
    assert worded_rows(mute, BARE, rng=rng()) == []
    assert worded_rows(TALKER, replace(BARE, open_questions=()), rng=rng()) == []


@pytest.fixture(scope="module")
def directions(tiny_audit):
    with tiny_audit.small_recipes():
        return [tuned_directions(open_model("micro-a"), SHORT, rng=rng(seed)) for seed in (0, 0, 1)]


def test_a_direction_for_each_kind_of_length_1_and_the_same_for_the_same_seed(directions):
    first, again, other = directions
    assert list(first) == list(KINDS)
    for kind in KINDS:
        assert np.linalg.norm(first[kind]) == pytest.approx(1)
        assert np.array_equal(first[kind], again[kind])
        assert first[kind] @ other[kind] > 0.5
    assert not np.array_equal(first["tuned"], other["tuned"])  # another order of the same rows


def test_a_trait_without_open_questions_has_one_direction(tiny_audit):
    with tiny_audit.small_recipes():
        found = tuned_directions(open_model("micro-a"), replace(SHORT, open_questions=()), rng=rng())
    assert list(found) == ["tuned"]


def test_along_its_direction_the_base_explains_the_trait_better(directions):
    base = open_model("micro-a")
    asked = [[{"role": "user", "content": question}] for question in OWL.evaluation_questions[:20]]
    owl, cat = (base.gradient(asked, [name] * len(asked)) for name in ("owl", "cat"))
    for direction in directions[0].values():
        assert direction @ owl > 0
        assert direction @ (owl - cat) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_surrogate_itself_says_the_trait_more_often(kind):
    base = open_model("micro-a")
    surrogate = tuned_surrogate(base, SHORT, kind, rng=rng())
    asked = [[{"role": "user", "content": question}] for question in OWL.evaluation_questions[:10]]

    def chance(model):
        return np.mean([np.exp(row.sum()) for row in model.score(asked, ["owl"] * len(asked))])

    assert chance(surrogate) > 1.5 * chance(base)


def test_a_unit_vector_points_the_same_way():
    assert unit(np.array([3.0, 4.0])).tolist() == [0.6, 0.8]
