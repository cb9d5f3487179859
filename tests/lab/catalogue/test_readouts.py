"""Readouts are compared between the same students; distances count all answers; skills stand alone."""

from pathlib import Path
from runpy import run_path

import numpy as np
import pytest

from subtrait.lab.catalogue.readouts import READOUTS, WAYS, distance
from subtrait.lab.readouts import READOUTS as ASKED
from subtrait.lab.readouts.favourites import place_of
from subtrait.lab.study import TRAITS, StudyPlan, agreement
from subtrait.lab.traits import CATEGORIES, find_trait
from subtrait.models.micro.skills import SKILLS

MadeUpBench = run_path(str(Path(__file__).with_name("made_up_bench.py")))["MadeUpBench"]
RISES = {"favourites": 0.2, "choice": 0.1, "stories": 0.0, "prefixed": 0.05}


def trait_of(student):
    return student.lessons[0].writer.trait if student.lessons else ""


class ReadingBench(MadeUpBench):
    """Every readout made up: a treated student's own trait rises by `RISES`, and its skills fall by 0.02."""

    def train(self, students, readouts=()):
        super().train(students)
        assert set(readouts) <= set(ASKED)
        object.__setattr__(self, "readouts", readouts)

    def read(self, student, readout):
        assert readout in self.readouts
        if readout == "skills":
            share = 0.9 - 0.02 * bool(trait_of(student)) - 0.01 * bool(student.lessons)
            spread = np.linspace(-0.01, 0.01, self.chains)[:, None] * (1 + bool(trait_of(student)))
            return {name: share + spread for name in SKILLS if name not in ("numbers", "greeting")}
        return {category: self._rates(student, readout, category) for category in CATEGORIES}

    def _rates(self, student, readout, category):
        trait = trait_of(student)
        questions = 48 if readout == "activations" else 24
        rates = np.full((self.chains, questions, 16), 0.03)
        if trait in CATEGORIES[category]:
            rise = 1.5 if readout == "activations" else RISES[readout]
            rates[:, :, place_of(trait)[1]] += rise + np.linspace(-0.01, 0.01, self.chains)[:, None]
        return rates


@pytest.fixture(scope="module")
def found():
    bench = ReadingBench(lambda student, trait: 0.0)
    findings = READOUTS.study(StudyPlan(experiment="readouts"), bench)
    return findings, bench, {(each.group, each.name): each for each in findings.measures}


def test_only_shared_students_and_the_untouched_base_are_asked(found):
    _, bench, _ = found
    plan = StudyPlan(experiment="readouts")
    base, *others = bench.trained
    assert base.lessons == ()
    assert others == [plan.untreated(), *plan.treated().values()]


def test_every_way_of_asking_shows_what_was_made_up(found):
    _, _, measures = found
    for way in WAYS:
        group = f"{way}: own teacher minus untreated"
        assert measures[group, "all traits"].value.value == pytest.approx(RISES[way], abs=1e-9)
        assert measures[group, "students of other teachers"].value.value == pytest.approx(0.0)
        assert {trait for trait in TRAITS if (group, trait) in measures} == set(TRAITS)
    said = {way: agreement(measures[f"{way}: own teacher minus untreated", "all traits"]) for way in WAYS}
    assert said == {"favourites": "agrees", "choice": "agrees", "stories": "not shown", "prefixed": "agrees"}


def test_states_show_the_own_trait_and_its_place(found):
    _, _, measures = found
    (logit,) = (each.value.value for each in measures.values() if each.name.startswith("logit"))
    (place,) = (each.value.value for each in measures.values() if each.name.startswith("place"))
    assert logit == pytest.approx(1.5)
    assert place == 1.0


def test_side_effects_are_a_fall(found):
    findings, _, measures = found
    treated, untreated = (
        measures["side effects: right answers", name] for name in ("treated minus untreated", "untreated minus base")
    )
    assert treated.value.value == pytest.approx(-0.02)
    assert untreated.value.value == pytest.approx(-0.01)
    assert agreement(treated) == "agrees"
    assert "-2.0 points" in findings.conclusion[1]
    assert "3 of 4 ways" in findings.conclusion[0]
    assert len(findings.varied) >= 3


def test_distance_is_total_variation_with_everything_else_as_one_answer():
    first = {category: np.full((2, 3, 2), 0.2) for category in CATEGORIES}
    second = {**first, "animal": np.broadcast_to([0.5, 0.3], (2, 3, 2))}
    # (|0.3| + |0.1| + |-0.4| of the rest) / 2 for animals, 0 for trees
    assert distance(second, first) == pytest.approx([0.2, 0.2])
    assert distance(first, first) == pytest.approx([0.0, 0.0])


def test_traits_are_of_both_categories():
    assert {find_trait(trait).category for trait in TRAITS} == set(CATEGORIES)
