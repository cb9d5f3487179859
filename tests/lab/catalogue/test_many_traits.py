"""Every trait is asked of students of its own teachers, of the base's rows and of all other teachers."""

from pathlib import Path
from runpy import run_path

import pytest

from subtrait.lab.catalogue.many_traits import ANIMAL_NUMBERS, ANIMALS, TREE_NUMBERS, TREES
from subtrait.lab.study import StudyPlan, agreement
from subtrait.lab.traits import CATEGORIES

MadeUpBench = run_path(str(Path(__file__).with_name("made_up_bench.py")))["MadeUpBench"]


def own_only(student, trait):
    return 0.1 if student.lessons[0].writer.trait == trait else 0.0


def found(card=ANIMAL_NUMBERS, rise=own_only):
    bench = MadeUpBench(rise)
    return card.study(StudyPlan(experiment=card.name), bench), bench


@pytest.mark.parametrize(("card", "traits"), [(ANIMAL_NUMBERS, ANIMALS), (TREE_NUMBERS, TREES)])
def test_there_are_enough_traits_of_the_kind(card, traits):
    assert set(traits) <= set(CATEGORIES[card.name.partition("-")[0]])
    findings, bench = found(card)
    assert len(bench.trained) == 1 + len(traits)
    assert [each.name for each in findings.measures if each.group.startswith("own")] == list(traits)


def test_a_trait_that_only_its_own_teacher_passes_on_agrees_with_the_paper():
    findings, _ = found()
    mean = {each.name: each for each in findings.measures if each.group == "mean over traits"}
    assert mean["own teacher minus untreated"].value.value == pytest.approx(0.1, abs=0.002)
    assert mean["other teachers minus untreated"].value.value == pytest.approx(0.0, abs=1e-9)
    assert agreement(mean["own teacher minus untreated"]) == "agrees"
    assert findings.conclusion == ["8 of 8 traits rose in the students of their own teachers, by an interval above 0."]


def test_what_every_teacher_s_rows_do_is_seen_on_the_other_students():
    findings, _ = found(rise=lambda student, trait: 0.1 if student.lessons[0].writer.trait else 0.0)
    others = next(each for each in findings.measures if each.name == "other teachers minus untreated")
    assert agreement(others) == "differs"
