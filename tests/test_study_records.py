"""The nouns of a study: frozen, and saying nothing of what was published unless somebody does."""

from dataclasses import fields, is_dataclass

import pytest

from subtrait import study_records
from subtrait.records import Estimate
from subtrait.study_records import Measure

RECORDS = [
    each for each in vars(study_records).values() if is_dataclass(each) and each.__module__.endswith("y_records")
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_records_are_frozen_and_hold_no_other_attribute(record):
    assert record.__dataclass_params__.frozen
    assert "__slots__" in vars(record)
    assert all(each.kw_only for each in fields(record))


def test_a_measure_alone_is_compared_with_nothing():
    value = Estimate(value=0.1, low=0.0, high=0.2, level=0.95, n=5, unit="student")
    measure = Measure(group="animals", name="owl", value=value, scale="points")
    assert (measure.published, measure.expected, measure.agreement) == ("", "nothing", "not compared")
    assert not measure.must_hold
    assert measure.applicable
