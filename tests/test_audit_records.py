"""The nouns of an audit: frozen, with defaults that are the ones published, and documented field by field."""

from dataclasses import FrozenInstanceError, fields, is_dataclass

import pytest

from subtrait import audit_records
from subtrait.audit_records import ListedTrait, Policy, Reason

RECORDS = [each for each in vars(audit_records).values() if is_dataclass(each) and each.__module__.endswith("_records")]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_records_are_frozen_and_hold_no_other_attribute(record):
    assert record.__dataclass_params__.frozen
    assert not hasattr(record, "__dict__") or "__slots__" in vars(record)
    assert all(each.kw_only for each in fields(record))


def test_a_reason_cannot_be_changed():
    reason = Reason(code="A", text="b")
    with pytest.raises(FrozenInstanceError):
        reason.code = "B"


def test_the_default_policy_is_the_published_one():
    assert Policy() == Policy(
        alpha=0.01, dilution=1.0, power=0.8, smallest_shift=0.03, fewest_rows=300, accept_other_base=False
    )


def test_a_trait_needs_a_name_a_category_a_prompt_and_questions_only():
    trait = ListedTrait(name="owl", category="animal", system_prompt="You love owls.", questions=("Which?",))
    assert trait.kind == "trait"
    assert (trait.answers, trait.open_questions, trait.forms, trait.choices) == ((), (), (), ())
