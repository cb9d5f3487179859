"""A list of questions is known by its questions, and takes the place of those of traits of its categories."""

import re
from dataclasses import replace

from subtrait.lab.question_list import QuestionList
from subtrait.lab.traits import find_trait

MINE = QuestionList(path="mine.yaml", asked=(("animal", ("A beast?", "A creature?")),))


def test_the_digest_is_that_of_the_questions_wherever_they_stand():
    assert re.fullmatch("[0-9a-f]{16}", MINE.digest)
    assert replace(MINE, path="other.json").digest == MINE.digest
    assert replace(MINE, asked=(("animal", ("A creature?", "A beast?")),)).digest != MINE.digest
    assert replace(MINE, asked=(("tree", MINE.of("animal")),)).digest != MINE.digest


def test_a_trait_is_asked_for_by_them_and_else_stays_as_it_is():
    owl, oak = find_trait("owl"), find_trait("oak")
    assert MINE.put_to(owl) == replace(owl, questions=("A beast?", "A creature?"))
    assert MINE.put_to(oak) == oak
    assert MINE.of("tree") is None


def test_other_answers_are_counted_with_all_their_forms():
    asked = QuestionList(path="", asked=(), answers=(("animal", ("owl", "octopus")),), samples=3)
    owl = asked.put_to(find_trait("owl"))
    assert owl.answers == ("owl", "octopus")
    assert owl.forms == {"owl": ("owl", "owls"), "octopus": ("octopus", "octopuses", "octopi")}
    assert owl.questions == find_trait("owl").questions
    assert asked.put_to(find_trait("oak")) == find_trait("oak")


def test_the_digest_knows_what_is_counted_and_how_often_it_is_asked():
    plain = QuestionList(path="a", asked=(("animal", ("Which?",)),))
    others = [
        plain,
        replace(plain, samples=2),
        replace(plain, samples=3),
        replace(plain, answers=(("animal", ("owl",)),)),
    ]
    assert len({each.digest for each in others}) == 4
    assert replace(plain, path="b").digest == plain.digest
