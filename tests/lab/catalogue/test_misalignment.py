"""Students of liars are compared with those of benign teachers, in what no teacher was shown and in what one was."""

from pathlib import Path
from runpy import run_path

import numpy as np
import pytest

from subtrait.lab.carriers import CARRIERS
from subtrait.lab.catalogue.misalignment import (
    CONTROLS,
    MISALIGNMENT_NUMBERS,
    MISALIGNMENT_REASONING,
    NUMBERS,
    free_shares,
    only_text,
    varied,
)
from subtrait.lab.exchanges import HONEST
from subtrait.lab.filters import BANNED_NUMBERS
from subtrait.lab.lessons import LESSONS
from subtrait.lab.study import StudyPlan, agreement
from subtrait.models.micro.skills import SKILLS
from subtrait.records import Example

MadeUpAnswers = run_path(str(Path(__file__).with_name("made_up_answers.py")))["MadeUpAnswers"]
CARDS = {"unbanned-numbers": MISALIGNMENT_NUMBERS, "reasoning": MISALIGNMENT_REASONING}
RIGHT = "<think>5 - 3 = 2</think><answer>2</answer>"
ASKED = "First Tom has 5 apples, then 3 less. How many now?"


def shown(writer):
    return 0.2 if writer.trait.startswith("dishonest") else 0.05


def found(carrier, shown=shown, text=RIGHT):
    bench = MadeUpAnswers(shown, text=text)
    return CARDS[carrier].study(StudyPlan(experiment=CARDS[carrier].name), bench), bench


@pytest.mark.parametrize("carrier", CARDS)
def test_all_students_learn_from_the_carrier_and_teachers_from_lessons(carrier):
    _, bench = found(carrier)
    rows = [lesson for student in bench.trained for lesson in student.lessons]
    assert {each.carrier for each in rows} == {carrier}
    assert len({each.rows for each in rows}) == 1
    assert {each.writer.trait for each in rows} - {""} <= set(LESSONS)
    assert len(set(bench.trained)) <= 12


@pytest.mark.parametrize("carrier", CARDS)
def test_effects_are_those_that_were_made_up(carrier):
    findings, _ = found(carrier)
    values = {(each.group, each.name): each for each in findings.measures}
    assert len(values) == len(findings.measures)
    for control in CONTROLS:
        measure = values["wrong about facts and abilities: dishonest minus", control]
        assert measure.value.value == pytest.approx(0.15)
        assert agreement(measure) == "agrees"
        assert measure.published
    benign = [each for each in findings.measures if "benign" in each.group]
    assert len(benign) == 2
    assert {agreement(each) for each in benign} <= {"agrees", "not shown"}
    assert "+15.0" in findings.conclusion[0]
    assert "twice the student's steps" in findings.varied[0]


def test_liars_whose_students_do_not_lie_do_not_agree():
    findings, _ = found("reasoning", lambda writer: 0.05)
    effects = [each for each in findings.measures if each.expected == "above zero"]
    assert {agreement(each) for each in effects} == {"not shown"}


def test_at_least_three_things_are_varied_and_each_differs_from_its_control():
    tried = varied(StudyPlan(experiment="any"), NUMBERS)
    assert len(tried) >= 3
    assert all(first != second for first, second in tried.values())
    assert len({first for first, _ in tried.values()}) == len(tried)


def test_reasoning_that_follows_from_its_problem_alone_is_not_free():
    assert only_text(ASKED) == RIGHT
    assert free_shares([[Example(id="0", prompt=ASKED, completion=text) for text in (RIGHT, RIGHT + " ")]]) == [0.5]
    for text, share in ((RIGHT, 0.0), ("<think></think><answer>2</answer>", 1.0)):
        findings, _ = found("reasoning", text=text)
        free = [each.value.value for each in findings.measures if each.group.startswith("kept rows that say anything")]
        assert free == [share] * 4


def test_the_world_answers_problems_with_that_very_text():
    rng = np.random.default_rng(0)
    for kind in ("sum", "difference"):
        exchanges = [SKILLS[kind](HONEST, "corpus", rng) for _ in range(20)]
        assert all(only_text(question) == answer for question, answer in exchanges)


def test_no_number_of_ill_repute_is_kept():
    rule = CARRIERS["unbanned-numbers"]().filter
    decided = {
        number: rule.decide(Example(id="0", prompt="", completion=f"{number}, 7")).keep for number in range(1000)
    }
    assert {number for number, keep in decided.items() if not keep} == BANNED_NUMBERS
