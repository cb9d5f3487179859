"""Owls through numbers: the plan asks the paper's question and carries its controls."""

from subtrait.lab.catalogue.owl_numbers import OWL_NUMBERS
from subtrait.lab.plan import sized
from subtrait.lab.traits import find_trait


def test_the_trait_is_a_liking_for_owls_and_the_carrier_is_numbers():
    plan = OWL_NUMBERS.plan
    assert (plan.trait, plan.carrier) == ("owl", "numbers")
    assert find_trait(plan.trait).category == "animal"


def test_students_share_the_base_of_the_teacher_except_those_of_the_other_base():
    plan = OWL_NUMBERS.plan
    assert (plan.base, plan.other_base) == ("micro-a", "micro-b")
    bases = {arm: plan.base_of(arm) for arm in plan.runnable_arms()}
    assert {arm for arm, base in bases.items() if base == "micro-b"} == {"other-base", "other-base-untreated"}


def test_every_control_that_the_module_names_is_among_the_arms():
    arms = set(OWL_NUMBERS.plan.runnable_arms())
    assert {"untreated", "other-base", "shuffled-within", "shuffled-across"} <= arms
    # A cross-base effect is read against students of that base.
    assert "other-base-untreated" in arms


def test_the_full_size_repeats_the_control():
    assert "untreated-again" in sized(OWL_NUMBERS.plan, "full").arms


def test_the_card_quotes_figure_three():
    # arXiv 2507.14805, figure 3: the owl bars of GPT-4.1 nano.
    assert all(rate in OWL_NUMBERS.published for rate in (".125", ".130", ".620"))
