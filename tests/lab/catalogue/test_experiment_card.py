"""What every card of the catalogue keeps to."""

import dataclasses

import pytest

from subtrait.lab.catalogue import EXPERIMENTS
from subtrait.lab.catalogue.experiment_card import ExperimentCard
from subtrait.lab.plan import SIZES, sized
from subtrait.lab.traits import find_trait
from subtrait.models.registry import EMBEDDED

CARDS = pytest.mark.parametrize("card", EXPERIMENTS.values(), ids=lambda card: card.name)


def test_a_card_stands_under_its_name():
    assert {name: card.name for name, card in EXPERIMENTS.items()} == {name: name for name in EXPERIMENTS}


@CARDS
def test_a_card_and_its_plan_carry_one_name(card):
    assert card.plan.experiment == card.name


@CARDS
def test_a_card_asks_one_question_and_cites_what_was_published(card):
    assert card.question.endswith("?")
    assert card.question.count("?") == 1
    assert any(digit in card.published for digit in "0123456789")


@CARDS
def test_the_default_plan_needs_nothing_but_the_package(card):
    assert {card.plan.base, card.plan.other_base} <= {*EMBEDDED, None}
    assert find_trait(card.plan.trait).name == card.plan.trait


@CARDS
@pytest.mark.parametrize("size", SIZES)
def test_a_card_has_a_plan_at_every_size(card, size):
    plan = sized(card.plan, size)
    assert (plan.size, plan.experiment) == (size, card.name)
    assert {"treated", "untreated"} <= set(plan.runnable_arms())


def test_a_card_cannot_be_changed():
    assert ExperimentCard.__dataclass_params__.frozen
    with pytest.raises(dataclasses.FrozenInstanceError):
        EXPERIMENTS["owl-numbers"].name = "other"
