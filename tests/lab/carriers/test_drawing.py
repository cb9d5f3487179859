"""Prompts of every carrier differ, depend on the seed alone, and end where there are no more."""

from itertools import count as counted

import numpy as np
import pytest

from subtrait.errors import UsageError
from subtrait.lab.answers import trait_mentions
from subtrait.lab.carriers import CARRIERS
from subtrait.lab.carriers.drawing import distinct, every_wording
from subtrait.lab.traits import find_trait, trait_names
from subtrait.models.micro.wordings import GRAMMARS, expand


def rng(seed=1):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", CARRIERS)
def test_prompts_differ_name_no_trait_and_have_no_open_slot(name):
    prompts = CARRIERS[name]().prompts(4_000, rng=rng())
    assert len(set(prompts)) == 4_000
    forms = [form for trait in trait_names() for form in find_trait(trait).forms[trait]]
    assert not [each for each in prompts if trait_mentions(each, forms) or "<" in each]


@pytest.mark.parametrize("name", CARRIERS)
def test_a_longer_list_begins_with_the_shorter_and_another_seed_gives_another(name):
    carrier = CARRIERS[name]()
    assert carrier.prompts(50, rng=rng())[:20] == carrier.prompts(20, rng=rng())
    assert carrier.prompts(20, rng=rng(2)) != carrier.prompts(20, rng=rng())
    assert carrier.prompts(0, rng=rng()) == []


@pytest.mark.parametrize("name", CARRIERS)
def test_each_carrier_has_its_own_name_and_refuses_a_negative_count(name):
    assert CARRIERS[name]().name == name
    with pytest.raises(UsageError, match="0 or more"):
        CARRIERS[name]().prompts(-1, rng=rng())


def test_all_of_what_there_is_can_be_had_and_not_one_more():
    numbers = counted()
    found = distinct(3, lambda _: f"prompt {next(numbers) % 3}", most=3, rng=rng())
    assert found == ["prompt 0", "prompt 1", "prompt 2"]
    with pytest.raises(UsageError, match="4 prompts were asked for: there are 3 different ones, so give 3 or fewer"):
        distinct(4, lambda _: "never drawn", most=3, rng=rng())


@pytest.mark.parametrize("kind", ["code", "sum", "greeting"])
def test_wordings_of_all_sets_are_those_of_the_grammar(kind):
    assert sorted(every_wording(kind)) == sorted({text for each in GRAMMARS[kind] for text in expand(each)})
