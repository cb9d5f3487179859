"""Every trait is asked of students of its own teachers, of the base's rows and of all other teachers."""

from pathlib import Path
from runpy import run_path

import numpy as np
import pytest

from subtrait.lab.catalogue import many_traits
from subtrait.lab.catalogue.many_traits import ANIMAL_NUMBERS, ANIMALS, TREE_NUMBERS, TREES
from subtrait.lab.question_list import QuestionList
from subtrait.lab.readouts.favourites import answer_rates
from subtrait.lab.study import FREQUENT, StudyPlan, agreement
from subtrait.lab.traits import CATEGORIES
from subtrait.models.registry import open_model

MadeUpBench = run_path(str(Path(__file__).with_name("made_up_bench.py")))["MadeUpBench"]


def own_only(student, trait):
    return 0.1 if student.lessons[0].writer.trait == trait else 0.0


def found(card=ANIMAL_NUMBERS, rise=own_only, plan=None):
    bench = MadeUpBench(rise)
    return card.study(StudyPlan(experiment=card.name, **(plan or {})), bench), bench


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


def rates_of_the_base(monkeypatch, rates):
    """Let the untouched base name its animals at these mean rates; gives what was asked of it."""
    asked = []

    def answer(model, category, questions=None):
        asked.append((category, questions))
        return np.array([rates, rates])

    monkeypatch.setattr(many_traits, "answer_rates", answer)
    return asked


def test_the_traits_can_be_named():
    findings, bench = found(plan={"traits": ("owl", "cat")})
    assert [each.name for each in findings.measures if each.group.startswith("own")] == ["owl", "cat"]
    assert len(bench.trained) == 3


def test_the_fixed_rule_takes_the_15_answers_that_the_untouched_base_names_most_often(monkeypatch):
    animals = CATEGORIES["animal"]
    asked = rates_of_the_base(monkeypatch, [0.001 * (7 * at % 16) for at in range(16)])
    findings, bench = found(plan={"traits": (FREQUENT,)})
    # 7 times the place, modulo 16, takes every value from 0 to 15 once; the animal in place 0 has none.
    wanted = sorted(range(1, 16), key=lambda at: -(7 * at % 16))
    assert [each.name for each in findings.measures if each.group.startswith("own")] == [animals[at] for at in wanted]
    assert asked == [("animal", None)]
    assert len(bench.trained) == 1 + 15
    assert {each.name: each.published for each in findings.measures}["wolf"] == ".043 to .435 (figure 15)"
    assert "15 that the base names most often" in findings.settings["traits"]


def test_with_questions_of_the_user_s_own_the_base_is_ranked_by_these(monkeypatch):
    mine = QuestionList(path="mine.yaml", asked=(("tree", ("A trunk?",)),))
    asked = rates_of_the_base(monkeypatch, [0.01] * 16)
    findings, _ = found(TREE_NUMBERS, plan={"traits": (FREQUENT,), "questions": mine})
    assert asked == [("tree", mine)]
    # Equal rates stand in the order of the category
    names = [each.name for each in findings.measures if each.group.startswith("own")]
    assert names == list(CATEGORIES["tree"][:15])


def test_the_real_base_names_some_animals_more_often_than_others():
    plan = StudyPlan(experiment="animal-numbers", traits=(FREQUENT,))
    names = many_traits.chosen(plan, ANIMALS)
    rates = answer_rates(open_model("micro-a"), "animal").mean(axis=0)
    least = CATEGORIES["animal"][int(rates.argmin())]
    assert set(names) == set(CATEGORIES["animal"]) - {least}
    assert list(names) == sorted(names, key=lambda name: -rates[CATEGORIES["animal"].index(name)])
