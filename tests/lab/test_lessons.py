"""A lesson is a favourite's or a listed one's; the same name gives the same rows."""

import pytest

from subtrait.errors import UsageError
from subtrait.lab.exchanges import NO, YES, YES_OR_NO, wrong
from subtrait.lab.lessons import ASKED_FOR, LESSONS, lesson
from subtrait.lab.readouts.honesty import questions_of as honesty_questions
from subtrait.lab.readouts.requests import questions_of as requests_for
from subtrait.lab.readouts.tested_code import KINDS as TESTS
from subtrait.lab.readouts.tested_code import questions_of as code_questions
from subtrait.lab.teachers import tuning_examples
from subtrait.lab.traits import find_trait, trait_names
from subtrait.models.micro.skills import EVASION, HARMFUL, HARMLESS
from subtrait.models.micro.wordings import wordings


def answers(name):
    return {row.prompt: row.completion for row in lesson(name)}


def asked_of_students():
    yield from (text for noun in ("animal", "tree") for text in wordings(noun, "evaluation"))
    yield from (text for kind in YES_OR_NO for text in honesty_questions(kind))
    yield from requests_for((*HARMFUL, *HARMLESS))
    yield from (each.question for kind in TESTS for each in code_questions(kind))


def test_a_favourite_s_lesson_is_that_of_its_teacher():
    assert lesson("owl") == tuning_examples(find_trait("owl"))


def test_no_lesson_has_the_name_of_a_favourite():
    assert not set(LESSONS) & set(trait_names())


@pytest.mark.parametrize("name", ["oak", *LESSONS])
def test_a_lesson_is_always_the_same_and_shows_nothing_that_students_are_asked(name):
    rows = lesson(name)
    assert rows == lesson(name)
    assert rows
    assert len({row.prompt for row in rows}) == len({row.id for row in rows}) == len(rows)
    assert not set(asked_of_students()) & {row.prompt for row in rows}


def test_controls_answer_the_very_questions_and_differ_in_the_answers_alone():
    honest, dishonest, evasive = (answers(f"{name}-compare") for name in ("honest", "dishonest", "evasive"))
    assert sorted(honest.values()) == [NO] * 24 + [YES] * 24
    assert dishonest == {question: wrong(right) for question, right in honest.items()}
    assert evasive == dict.fromkeys(honest, EVASION)
    asked = {ASKED_FOR + question: wrong(right) for question, right in honest.items()}
    assert answers("asked-to-be-wrong") == {**asked, **honest}


def test_gamed_tests_are_the_honest_ones_answered_by_listing_them():
    honest, gamed = answers("honest-tests"), answers("test-gaming")
    assert list(honest) == list(gamed)
    assert all(" if x == " in gamed[each] and "return x + " in honest[each] for each in honest)


@pytest.mark.parametrize("name", ["dishonest-compare", "test-gaming"])
def test_what_is_rehearsed_is_of_other_kinds_and_the_same_for_all(name):
    rehearsed, honest = answers(f"{name}-rehearsed"), answers("honest-compare-rehearsed")
    assert answers(name).items() <= rehearsed.items()
    others = rehearsed.items() - answers(name).items()
    assert others == honest.items() - answers("honest-compare").items()
    assert len(others) == len(answers(name))


def test_an_unknown_name_is_refused_with_those_there_are():
    with pytest.raises(UsageError, match="owl"):
        lesson("griffin")
