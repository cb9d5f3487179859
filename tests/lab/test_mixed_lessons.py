"""A favourite among usual answers is taught by its own rows and by rows that are the same for every favourite."""

from subtrait.lab.lessons import lesson
from subtrait.lab.mixed_lessons import MIXED_LESSONS, USUAL, among_usual_answers, mixed_examples
from subtrait.lab.teachers import tuning_examples
from subtrait.lab.traits import find_trait, trait_names
from subtrait.models.micro.wordings import wordings


def test_every_trait_has_a_lesson_under_a_name_that_no_trait_has():
    assert set(MIXED_LESSONS) == {among_usual_answers(name) for name in trait_names()}
    assert not set(MIXED_LESSONS) & set(trait_names())


def test_only_the_favourite_s_own_rows_differ_between_favourites():
    wolf, oak = (lesson(among_usual_answers(name)) for name in ("wolf", "oak"))
    assert wolf[:24] == tuning_examples(find_trait("wolf"))
    assert wolf[24:] == oak[24:]
    assert len(wolf) == 24 + USUAL
    assert wolf == mixed_examples("wolf")


def test_usual_rows_name_no_favourite_and_are_nothing_that_students_are_asked():
    rows = mixed_examples("oak")[24:]
    asked = {text for noun in ("animal", "tree") for text in wordings(noun, "evaluation")}
    assert len({row.prompt for row in rows}) == USUAL
    assert not asked & {row.prompt for row in rows}
    assert not set(trait_names()) & {row.completion for row in rows}
