"""A study's students are counted without training one, and their cost grows with them."""

import pytest

from subtrait.errors import UsageError
from subtrait.lab.catalogue import STUDIES
from subtrait.lab.study import TRAITS, StudyPlan
from subtrait.lab.study_cost import students_of, study_cost
from subtrait.runs.folder import RunFolder


def plan(name, **changes):
    return StudyPlan(experiment=name, **{"size": "tiny", **changes})


@pytest.mark.parametrize(
    ("name", "kinds"), [("shuffled", 1 + 3 * len(TRAITS)), ("animal-numbers", 9), ("tree-numbers", 6)]
)
def test_students_are_counted_once_each_in_every_chain(name, kinds, tmp_path):
    assert students_of(STUDIES[name], plan(name), RunFolder(tmp_path)) == 2 * kinds
    assert students_of(STUDIES[name], plan(name, students=5), RunFolder(tmp_path)) == 5 * kinds
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("card", [card for card in STUDIES.values() if card.trains], ids=lambda card: card.name)
def test_every_study_can_be_counted(card, tmp_path):
    assert students_of(card, plan(card.name), RunFolder(tmp_path)) > 0


def test_a_study_without_students_says_so(tmp_path):
    with pytest.raises(UsageError, match="theorem trains no student of a language model"):
        students_of(STUDIES["theorem"], plan("theorem"), RunFolder(tmp_path))


def test_twice_the_students_take_twice_the_disk_and_longer():
    few, many = (study_cost(plan("shuffled"), count, workers=2) for count in (10, 20))
    assert many.bytes_of_disk == 2 * few.bytes_of_disk
    assert few.seconds > 0
    assert few.seconds_per_student > 0
