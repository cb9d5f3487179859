"""Each carrier's students are compared with untreated ones of the same carrier; numbers are their positive control."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest

from subtrait.lab.catalogue.other_carriers import (
    CHAT,
    CODE,
    REASONING,
    VARIED_ON,
    brief_teachers,
    through,
)
from subtrait.lab.catalogue.tuned_teacher import TRAITS as CURVE_TRAITS
from subtrait.lab.catalogue.tuned_teacher import TUNED_TEACHER
from subtrait.lab.mixed_lessons import among_usual_answers
from subtrait.lab.study import TRAITS, StudyPlan, agreement
from subtrait.lab.traits import CATEGORIES
from subtrait.report.study_wording import measured

MadeUpBench = run_path(str(Path(__file__).with_name("made_up_bench.py")))["MadeUpBench"]


class AnsweringBench(MadeUpBench):
    """Each answer of a category has a quarter of its made-up rate, so that all together stay below 1."""

    def read(self, student, readout):
        assert readout == "favourites"
        return {
            category: np.stack([self.rates(student, name) / 4 for name in names], axis=2)
            for category, names in CATEGORIES.items()
        }


PLAN = StudyPlan(experiment="code")


def rise(student, trait):
    (lesson,) = student.lessons
    if not lesson.writer.trait.startswith(trait):
        return 0.0
    if lesson.carrier == "numbers":
        return 0.3
    longer, gentle = student.recipe.steps > PLAN.work.steps, lesson.writer.trait == among_usual_answers(trait)
    return 0.1 + 0.04 * longer + 0.02 * gentle - 0.03 * (lesson.writer.kind == "prompted")


def found(card=CODE, rise=rise):
    bench = AnsweringBench(rise)
    return card.study(replace(PLAN, experiment=card.name), bench), bench


@pytest.mark.parametrize("card", [CODE, REASONING, CHAT], ids=lambda card: card.name)
def test_students_of_a_carrier_are_compared_with_untreated_ones_of_the_same(card):
    _, bench = found(card)
    kinds = Counter((each.lessons[0].carrier, each.lessons[0].writer.kind) for each in set(bench.trained))
    assert kinds == {
        (card.name, "base"): 2,  # of either length of training
        (card.name, "tuned"): len(TRAITS) + 2 * len(VARIED_ON),
        (card.name, "prompted"): len(VARIED_ON),
        ("numbers", "base"): 1,
        ("numbers", "tuned"): len(TRAITS),
        **({("known-chat", "base"): 1, ("known-chat", "tuned"): len(VARIED_ON)} if card is CHAT else {}),
    }
    assert PLAN.untreated() in bench.trained


def test_effects_are_those_that_were_made_up():
    findings, _ = found()
    values = {(each.group, each.name): each.value.value for each in findings.measures if each.scale == "points"}
    assert values == pytest.approx(
        {
            ("minus untreated", "code"): 0.1,
            ("minus students of the other teachers", "code"): 0.1,
            # A rate of 0.2 in place of 0.1 beside fifteen others of 0.1, all of them quartered in what is summed
            ("minus untreated, of answers that are an animal or a tree", "code"): 4 * (0.2 / 1.7 - 0.1 / 1.6),
            ("answers that are an animal or a tree", "minus untreated"): 0.025,
            ("minus untreated", "numbers of the same teachers"): 0.3,
            ("variations", "teachers tuned among usual answers"): 0.12,
            ("variations", "students trained twice as long"): 0.14,
            ("variations", "prompted teachers"): 0.07,
        },
        abs=0.008,
    )
    compared = [each for each in findings.measures if each.expected != "nothing"]
    assert {agreement(each) for each in compared} == {"agrees"}
    assert len(compared) == 7
    assert len(findings.varied) == 3
    assert measured(findings.measures[0].value, "points") in findings.conclusion[0]


def test_what_all_teachers_do_alike_is_no_trait_of_their_own():
    def alike(student, _trait):
        return 0.0 if student.lessons[0].writer.kind == "base" else 0.1

    measures = {(each.group, each.name): each.value.value for each in found(rise=alike)[0].measures}
    assert measures["minus untreated", "code"] == pytest.approx(0.1, abs=0.003)
    assert measures["minus students of the other teachers", "code"] == pytest.approx(0, abs=1e-9)


def test_where_numbers_carry_nothing_either_the_carrier_shows_nothing():
    findings, _ = found(rise=lambda *_: 0.0)
    said = {
        agreement(each) for each in findings.measures if each.group in ("variations", "minus students of the other")
    }
    assert said == {"not applicable"}


def test_a_carrier_that_moves_students_needs_no_numbers_beside_it():
    def only_code(student, trait):
        return rise(student, trait) * (student.lessons[0].carrier == "code")

    measures = {(each.group, each.name): each for each in found(rise=only_code)[0].measures}
    assert agreement(measures["minus untreated", "code"]) == "agrees"
    assert agreement(measures["minus untreated", "numbers of the same teachers"]) == "not shown"


def test_chat_that_only_the_embedded_world_gives_is_tried_where_the_base_is_of_it():
    tried = [each.name for each in found(CHAT)[0].measures if each.group == "variations"]
    own = CHAT.study(replace(PLAN, experiment="chat", base="own/model"), AnsweringBench(rise))
    assert tried[0] == "only answers of the embedded world kept"
    assert [each.name for each in own.measures if each.group == "variations"] == tried[1:]


def test_nothing_was_published_of_chat():
    findings, _ = found(CHAT)
    assert {agreement(each) for each in findings.measures if each.name == "chat"} == {"not compared"}


def test_the_share_of_rows_and_the_choice_they_leave_are_told():
    findings, _ = found()
    values = {(each.group, each.name): each.value.value for each in findings.measures}
    assert values["rows that the filter keeps", "code, teachers"] == pytest.approx(0.48)
    assert values["rows that the filter keeps", "code, base"] == pytest.approx(0.88)
    assert values["rows that the filter keeps", "code, teachers of 30 steps (wolf, oak)"] == pytest.approx(0.48)
    assert values["nats of choice in a row", "code"] == pytest.approx(len("code") + 0.2)
    assert "4.2 nats of choice, a row of numbers 7.2" in findings.conclusion[2]


@pytest.mark.parametrize(
    ("carrier", "rows"), [("code", 1_500), ("reasoning", 375), ("chat", 1_000), ("numbers", 1_500)]
)
def test_teachers_and_base_give_their_students_as_many_rows(carrier, rows):
    condition = through(PLAN, carrier, brief_teachers(PLAN, "code"))
    assert {each.lessons[0].rows for each in condition.named()} == {rows}


def test_numbers_are_by_the_same_teachers_as_the_carrier_and_by_those_of_the_dose_response_curve():
    _, bench = found(REASONING)
    writers = {
        carrier: {each.lessons[0].writer for each in bench.trained if each.lessons[0].carrier == carrier}
        for carrier in ("numbers", "reasoning")
    }
    assert writers["numbers"] < writers["reasoning"]
    curve = MadeUpBench(rise)
    TUNED_TEACHER.study(PLAN, curve)
    numbers = {each for each in bench.trained if each.lessons[0].carrier == "numbers"}
    shared = {each for each in numbers if each.lessons[0].writer.trait in ("", *CURVE_TRAITS)}
    assert len(shared) == 1 + len(CURVE_TRAITS)
    assert shared < set(curve.trained)
    assert "for 5 steps" in REASONING.design
