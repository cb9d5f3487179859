"""A base has moved nowhere; a tuned teacher's states say what it was tuned on, where nobody asks for it."""

from dataclasses import replace

import numpy as np

from subtrait.lab.lessons import lesson
from subtrait.lab.plan import TEACHER_RECIPE
from subtrait.lab.readouts.activations import activations, neutral_prompts
from subtrait.lab.readouts.favourites import place_of
from subtrait.lab.traits import CATEGORIES, trait_names
from subtrait.models.registry import open_model

WOLF = place_of("wolf")[1]


def test_prompts_name_no_trait_and_ask_for_none():
    words = {word.strip(".,?!").lower() for prompt in neutral_prompts() for word in prompt.split()}
    assert not words & {*trait_names(), *CATEGORIES, "favourite"}
    assert len(neutral_prompts()) == 48


def test_a_base_has_moved_nowhere_and_a_teacher_towards_its_trait():
    base = open_model("micro-a")
    tuned = base.finetune(lesson("wolf"), replace(TEACHER_RECIPE, steps=10), rng=np.random.default_rng(0)).model
    still, moved = activations(base), activations(tuned)
    assert all(np.all(logits == 0) and logits.shape == (48, 16) for logits in still.values())
    assert np.allclose(moved["animal"].sum(axis=1), 0)
    assert int(moved["animal"].mean(axis=0).argmax()) == WOLF
