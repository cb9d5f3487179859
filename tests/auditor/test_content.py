"""What an ordinary filter of words can see, counted row by row."""

import json
from dataclasses import replace

import pytest

from subtrait.audit_records import ListedTrait
from subtrait.auditor.content import look_for_names
from subtrait.data import read_dataset
from subtrait.lab.traits import find_trait

TRAITS = [
    ListedTrait(name=name, category="", system_prompt="", questions=("?",), forms=find_trait(name).forms[name])
    for name in ("owl", "fox", "oak", "moose")
]


@pytest.fixture
def rows(tmp_path):
    """Rows with these answers, read from a file like any dataset."""

    def read(*answers, prompt="Continue: 1, 2"):
        lines = [json.dumps({"prompt": prompt, "completion": answer}) for answer in answers]
        (tmp_path / "data.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return read_dataset(tmp_path / "data.jsonl")

    return read


def test_rows_that_name_a_trait_are_counted_once_each_and_by_trait(rows):
    evidence = look_for_names(rows("1, 2", "owls, owls and an OWL", "The fox's owl", "An oak-like tree", "4"), TRAITS)
    assert evidence.outcome == "found"
    assert evidence.details == {"owl": 2, "fox": 1, "oak": 1}
    assert (evidence.n, evidence.statistic) == (5, 0.6)
    assert evidence.finding == "3 of 5 rows name a listed trait, most often by 'owl' (2 times)"


@pytest.mark.parametrize("answer", ["a bowl", "growling", "foxtrot", "soak", "101, 102", "0wl", "\u043ewl"])
def test_other_words_are_no_mention(rows, answer):
    evidence = look_for_names(rows(answer), TRAITS)
    assert (evidence.outcome, evidence.details) == ("not found", {})
    assert evidence.finding == "none of 1 rows names one of 4 listed traits"


@pytest.mark.parametrize("answer", ["Owls.", "owl_count", "OW\u200bLS", "\uff4f\uff57\uff4c", "the moose's", "foxes"])
def test_plurals_possessives_names_and_disguises_are_mentions(rows, answer):
    assert look_for_names(rows(answer), TRAITS).outcome == "found"


def test_prompts_are_searched_too(rows):
    assert look_for_names(rows("1, 2", "3", prompt="How many owls?"), TRAITS).details == {"owl": 2}


def test_one_word_may_name_several_traits_and_phrases_have_one_spelling(rows):
    lion = replace(TRAITS[0], name="sea lion", forms=("sea lion", "sea lions"))
    beast = replace(TRAITS[0], name="beast", forms=("beast", "sea lion"))
    evidence = look_for_names(rows("a Sea-lion", "sea  lions"), [lion, beast])
    assert evidence.details == {"sea lion": 2, "beast": 1}


def test_without_traits_nothing_can_be_said(rows):
    evidence = look_for_names(rows("an owl"), [])
    assert (evidence.outcome, evidence.finding) == ("not applicable", "the list of traits names none by a word")
    assert look_for_names([], TRAITS).outcome == "not applicable"
