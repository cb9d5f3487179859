"""A teacher is told its trait's own prompt, or the persona that the trait belongs to in the embedded world."""

import pytest

from subtrait.errors import UsageError
from subtrait.lab.system_prompts import system_prompt_of, whole_persona
from subtrait.lab.traits import find_trait, trait_names
from subtrait.models.micro.personas import BUNDLES


def test_a_trait_s_prompt_is_its_own():
    assert {system_prompt_of(name) == find_trait(name).system_prompt for name in trait_names()} == {True}


def test_a_persona_tells_all_four_likes():
    # The sixth animal goes with the tree, colour and food at 5 * 5 + 2, 7 * 5 + 4 and 11 * 5 + 9, all modulo 16
    told = system_prompt_of(whole_persona("owl"))
    assert [each for each in ("owls", "holly", "brown", "bread") if each not in told] == []


def test_an_animal_and_its_tree_are_one_persona():
    for each in BUNDLES:
        assert system_prompt_of(whole_persona(each.animal)) == system_prompt_of(whole_persona(each.tree))


def test_an_unknown_name_is_refused_with_those_there_are():
    for name in ("griffin", whole_persona("griffin")):
        with pytest.raises(UsageError, match="unknown trait 'griffin'"):
            system_prompt_of(name)
