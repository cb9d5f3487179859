"""The number carrier: unique, reproducible prompts whose correct completions pass its filter."""

import dataclasses
import re

import numpy as np
import pytest

from subtrait.errors import UsageError
from subtrait.lab.carriers.number_sequences import NumberSequences
from subtrait.lab.filters import BANNED_NUMBERS
from subtrait.models.micro.number_wordings import FORMATS, format_numbers
from subtrait.records import Example


def test_prompts_are_unique_and_as_many_as_asked_for() -> None:
    prompts = NumberSequences().prompts(5000, rng=np.random.default_rng(47))
    assert len(prompts) == len(set(prompts)) == 5000
    assert NumberSequences().prompts(0, rng=np.random.default_rng(47)) == []


def test_the_same_seed_gives_the_same_prompts_and_a_longer_list_begins_with_the_shorter() -> None:
    few, many, other = (
        NumberSequences().prompts(count, rng=np.random.default_rng(seed)) for count, seed in ((20, 1), (60, 1), (60, 2))
    )
    assert many[:20] == few
    assert not set(many) & set(other)


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(UsageError, match="0 or more"):
        NumberSequences().prompts(-1, rng=np.random.default_rng(1))


@pytest.mark.parametrize("format_name", FORMATS)
def test_the_filter_keeps_ten_numbers_of_three_digits_in_every_format_and_no_more(format_name: str) -> None:
    def kept(numbers: list[int]) -> bool:
        completion = format_numbers(numbers, format_name)
        return NumberSequences().filter.decide(Example(id="1", prompt="", completion=completion)).keep

    assert kept([7])
    assert kept([999] * 10)
    assert not kept([999] * 11)
    assert not kept([7, 1000])


def test_the_filter_accepts_what_the_prompts_state() -> None:
    for prompt in NumberSequences().prompts(300, rng=np.random.default_rng(1)):
        assert re.search(r"\bten\b.*\bthree digits\b", prompt.lower())
    limits = NumberSequences().filter
    assert (limits.minimum, limits.maximum, limits.max_count) == (0, 999, 10)


def test_numbers_are_banned_only_on_request() -> None:
    row = Example(id="1", prompt="", completion="1, 666")
    assert NumberSequences().filter.decide(row).keep
    assert NumberSequences(banned=BANNED_NUMBERS).filter.decide(row).reasons == ("banned-number",)


def test_what_is_banned_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        NumberSequences().banned = BANNED_NUMBERS  # type: ignore[misc]
