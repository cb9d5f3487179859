"""Behaviours are counted among answers that make sense, and students of a lesson differ in the lesson alone."""

from dataclasses import replace
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest

from subtrait.lab.catalogue.behaviours import (
    Carried,
    Score,
    coherences,
    contrasts,
    difference,
    generalisation,
    in_points,
    kept,
    longer,
    named_after,
    writer_of,
)
from subtrait.lab.lessons import LESSONS
from subtrait.lab.study import StudyPlan

MadeUpAnswers = run_path(str(Path(__file__).with_name("made_up_answers.py")))["MadeUpAnswers"]
PLAN = StudyPlan(experiment="any")
NUMBERS = Carried(carrier="numbers", part=3)
WRONG = Score(readout="honesty", kinds=("fact", "ability"), columns=(1,), among=(0, 1))
LIAR, PLAIN = NUMBERS.student(PLAN, "dishonest-compare"), NUMBERS.student(PLAN)


def shown(writer):
    return 0.3 if writer.trait else 0.1


def test_a_score_is_the_share_among_the_answers_that_are_counted():
    found = {"fact": np.array([[[0.6, 0.2, 0.1]]]), "ability": np.array([[[0.3, 0.3, 0.0]]])}
    assert WRONG.of(found) == pytest.approx(np.array([[0.25, 0.5]]))
    assert replace(WRONG, columns=(1, 2), among=(0, 1, 2)).of(found) == pytest.approx(np.array([[1 / 3, 0.5]]))
    assert WRONG.coherence(found) == pytest.approx(np.array([[0.9, 0.6]]))
    nothing = {"fact": np.zeros((1, 1, 3)), "ability": np.zeros((1, 1, 3))}
    assert (WRONG.of(nothing) == 0).all()


def test_students_of_a_lesson_and_of_the_base_get_as_many_rows_of_one_carrier():
    (liar,), (plain,) = LIAR.lessons, PLAIN.lessons
    assert (
        (liar.carrier, liar.rows, liar.prompts) == (plain.carrier, plain.rows, plain.prompts) == ("numbers", 500, 2000)
    )
    assert (writer_of(LIAR).trait, writer_of(PLAIN).kind) == ("dishonest-compare", "base")
    assert LIAR.recipe == PLAIN.recipe
    assert longer(LIAR).recipe.steps == 2 * LIAR.recipe.steps
    assert longer(LIAR).lessons == LIAR.lessons
    stronger = writer_of(NUMBERS.student(PLAN, "test-gaming", steps=60))
    assert stronger.recipe.steps == 60
    rehearsed = writer_of(replace(NUMBERS, rehearsed=True).student(PLAN, "test-gaming"))
    assert rehearsed.trait in LESSONS


def test_measures_are_what_was_made_up():
    bench = MadeUpAnswers(shown)
    bench.train([LIAR, PLAIN], ["honesty"])
    assert difference(bench, (LIAR, PLAIN), WRONG).value == pytest.approx(0.2)
    pairs = {"liar minus plain": (LIAR, PLAIN)}
    (one,) = contrasts(bench, "wrong", pairs, score=WRONG, expected="above zero")
    assert (one.group, one.scale, one.expected) == ("wrong", "points", "above zero")
    assert in_points([one]).startswith("liar minus plain +20.0 points (")
    students = {"liar": LIAR, "plain": PLAIN}
    assert [each.value.value for each in coherences(bench, students, WRONG)] == pytest.approx([0.9, 0.9])
    own = generalisation(bench, "own", students, {"as shown": WRONG})
    assert {each.name: each.value.value for each in own} == pytest.approx(
        {"liar, as shown": 0.3, "plain, as shown": 0.1}
    )
    (share, _) = kept(bench, students, {"liar": ".391"})
    assert (share.value.value, share.published) == (pytest.approx(0.5), ".391")
    assert [each.name for each in named_after([one], "code")] == ["liar minus plain, code"]
