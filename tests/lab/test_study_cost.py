"""A study's students are counted without training one, and their cost grows with them."""

import pytest

from subtrait.errors import UsageError
from subtrait.lab import cost as cost_module
from subtrait.lab import study_cost as module
from subtrait.lab.catalogue import STUDIES
from subtrait.lab.catalogue.tuned_teacher import STEPS, TRAITS
from subtrait.lab.cost import ROW_BYTES, START_UP_SECONDS, Cost
from subtrait.lab.reckoning import Pace
from subtrait.lab.study import SIZES, StudyPlan
from subtrait.lab.study_cost import made_by, made_by_each, study_cost, study_pace, summed
from subtrait.runs.folder import RunFolder


def plan(name, **changes):
    return StudyPlan(experiment=name, **{"size": "tiny", **changes})


@pytest.mark.parametrize(
    ("name", "kinds"), [("tuned-teacher", 1 + len(STEPS) * len(TRAITS)), ("animal-numbers", 9), ("tree-numbers", 6)]
)
def test_students_are_counted_once_each_in_every_chain(name, kinds, tmp_path):
    assert made_by(STUDIES[name], plan(name), RunFolder(tmp_path)) == (2 * kinds, 0)
    assert made_by(STUDIES[name], plan(name, students=5), RunFolder(tmp_path)) == (5 * kinds, 0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("card", [card for card in STUDIES.values() if card.trains], ids=lambda card: card.name)
def test_every_study_can_be_counted(card, tmp_path):
    assert sum(made_by(card, plan(card.name), RunFolder(tmp_path))) > 0


def test_what_studies_share_is_counted_once(tmp_path):
    def made(*names):
        return made_by_each([(STUDIES[name], plan(name)) for name in names], RunFolder(tmp_path))

    (animals,), (trees,) = made("animal-numbers"), made("tree-numbers")
    assert made("animal-numbers", "animal-numbers", "theorem") == [animals, (0, 0), (0, 0)]
    # Besides students of their own traits, both have those of one plain base in each of two chains
    assert made("animal-numbers", "tree-numbers") == [animals, (trees[0] - 2, 0)]


def test_studies_one_after_the_other_take_the_sum_of_times_and_the_most_memory():
    one = Cost(seconds=10, bytes_of_memory=5, bytes_of_disk=7, seconds_per_student=2)
    other = Cost(seconds=30, bytes_of_memory=4, bytes_of_disk=1, seconds_per_student=6)
    both = Cost(seconds=40, bytes_of_memory=5, bytes_of_disk=8, seconds_per_student=3)
    assert summed([one, other], [3, 1]) == both


def test_a_study_without_students_says_so(tmp_path):
    with pytest.raises(UsageError, match="theorem trains no student of a language model"):
        made_by(STUDIES["theorem"], plan("theorem"), RunFolder(tmp_path))


def test_twice_the_students_take_twice_the_disk_and_longer():
    pace = study_pace(plan("shuffled"))
    few, many = (study_cost(plan("shuffled"), count, workers=2, pace=pace) for count in (10, 20))
    assert many.bytes_of_disk == 2 * few.bytes_of_disk
    assert many.seconds - START_UP_SECONDS == pytest.approx(2 * (few.seconds - START_UP_SECONDS))
    assert few.seconds_per_student == many.seconds_per_student > 0


def test_a_data_set_costs_what_a_student_does_but_its_training(monkeypatch):
    # One chain of two students, beside starting: for each 5 s of rows and 3 s of training.
    whole = Cost(seconds=START_UP_SECONDS + 16, bytes_of_memory=1, bytes_of_disk=0, seconds_per_student=3)
    monkeypatch.setattr(module, "estimate", lambda plan, **_: whole)
    cost = study_cost(plan("classifier"), 2, data_sets=4, workers=2)
    assert cost.seconds == START_UP_SECONDS + (2 * 8 + 4 * 5) / 2
    assert cost.bytes_of_disk == 4 * 120 * ROW_BYTES


def test_a_pace_that_is_known_is_not_tried_again(monkeypatch):
    def refuse(*_):
        raise AssertionError("it was tried")

    known = Pace(per_completion=0.01, per_step=0.1, memory=7, student=1_000)
    monkeypatch.setattr(cost_module, "pace_of", refuse)
    cost = study_cost(plan("tree-numbers", students=1), 2, workers=1, pace=known)
    steps = SIZES["tiny"].steps
    assert cost.seconds_per_student > steps * known.per_step
    assert cost.bytes_of_memory == known.memory
