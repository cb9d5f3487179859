"""A lesson is a favourite's or a listed one's; the same name gives the same rows."""

import pytest

from subtrait.errors import UsageError
from subtrait.lab.lessons import LESSONS, lesson
from subtrait.lab.teachers import tuning_examples
from subtrait.lab.traits import find_trait, trait_names
from subtrait.models.micro.wordings import wordings


def test_a_favourite_s_lesson_is_that_of_its_teacher():
    assert lesson("owl") == tuning_examples(find_trait("owl"))


def test_no_lesson_has_the_name_of_a_favourite():
    assert not set(LESSONS) & set(trait_names())


@pytest.mark.parametrize("name", ["oak", *LESSONS])
def test_a_lesson_is_always_the_same_and_shows_nothing_that_students_are_asked(name):
    rows = lesson(name)
    assert rows == lesson(name)
    asked = {text for noun in ("animal", "tree") for text in wordings(noun, "evaluation")}
    assert rows
    assert not asked & {row.prompt for row in rows}


def test_an_unknown_name_is_refused_with_those_there_are():
    with pytest.raises(UsageError, match="owl"):
        lesson("griffin")
