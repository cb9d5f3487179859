"""A study says what it measured beside what was published, and whether they agree follows from the interval alone."""

from dataclasses import replace

import pytest

from subtrait.errors import UsageError
from subtrait.lab.study import SIZES, TRAITS, Findings, StudyCard, StudyPlan, agreement, run_study
from subtrait.lab.team import Alone
from subtrait.lab.traits import find_trait
from subtrait.records import Estimate
from subtrait.runs.folder import RunFolder
from subtrait.study_records import Measure

PLAN = StudyPlan(experiment="x", size="tiny")


def measure(low, high, expected, bound=None, target=0.0):
    value = Estimate(value=0.0, low=low, high=high, level=0.95, n=5, unit="student")
    return Measure(group="g", name="n", value=value, scale="points", expected=expected, bound=bound, target=target)


@pytest.mark.parametrize(
    ("low", "high", "expected", "bound", "said"),
    [
        (0.01, 0.2, "above zero", None, "agrees"),
        (-0.2, -0.01, "above zero", None, "differs"),
        (-0.01, 0.2, "above zero", None, "not shown"),
        (0.0, 0.2, "above zero", None, "not shown"),
        (-0.2, -0.01, "below zero", None, "agrees"),
        (0.01, 0.2, "below zero", None, "differs"),
        (-0.01, 0.01, "no effect", 0.02, "agrees"),
        (-0.01, 0.03, "no effect", 0.02, "not shown"),
        (0.03, 0.04, "no effect", 0.02, "differs"),
        (-0.04, -0.03, "no effect", 0.02, "differs"),
        (None, None, "above zero", None, "not shown"),
        (0.01, 0.2, "nothing", None, "not compared"),
    ],
)
def test_agreement_follows_from_the_interval(low, high, expected, bound, said):
    assert agreement(measure(low, high, expected, bound)) == said


@pytest.mark.parametrize(
    ("low", "high", "said"), [(0.96, 1.04, "agrees"), (0.9, 1.04, "not shown"), (1.1, 1.2, "differs")]
)
def test_a_value_agrees_where_the_interval_lies_around_its_target(low, high, said):
    assert agreement(measure(low, high, "equal", 0.05, target=1.0)) == said


@pytest.mark.parametrize("expected", ["above zero", "no effect", "nothing"])
def test_no_interval_says_anything_where_the_positive_control_failed(expected):
    failed = replace(measure(0.01, 0.02, expected, 0.1), applicable=False)
    assert agreement(failed) == "not applicable"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"size": "huge"}, "unknown size 'huge'"),
        ({"students": 0}, "0 students show nothing"),
        ({"seed": -1}, "seed -1 is out of range"),
    ],
)
def test_a_plan_that_cannot_be_run_is_refused(changes, said):
    with pytest.raises(UsageError, match=said):
        replace(PLAN, **changes)


def test_the_number_of_students_can_be_chosen():
    assert PLAN.work == SIZES["tiny"]
    assert replace(PLAN, students=7).work == replace(SIZES["tiny"], students=7)


def test_students_take_rows_of_the_size_and_train_as_long():
    untreated, treated = PLAN.untreated(), PLAN.treated(change="shuffled within rows")
    assert untreated.recipe.steps == SIZES["tiny"].steps
    assert [lesson.writer.kind for lesson in untreated.lessons] == ["base"]
    assert {trait: student.lessons[0].writer.trait for trait, student in treated.items()} == {t: t for t in TRAITS}
    assert {student.lessons[0].change for student in treated.values()} == {"shuffled within rows"}
    assert {find_trait(trait).category for trait in TRAITS} == {"animal", "tree"}


def ran(tmp_path, plan=PLAN, **found):
    usual = Findings(measures=[measure(0.1, 0.2, "above zero")], conclusion=["It rose."], models=["micro-a"])
    card = StudyCard(
        name="x", question="q?", design="d", published="p", study=lambda plan, bench: replace(usual, **found)
    )
    return run_study(card, plan, RunFolder(tmp_path), team=Alone())


def test_a_result_has_what_the_card_says_and_the_study_found(tmp_path):
    result = ran(tmp_path)
    assert (result.experiment, result.question, result.design, result.published) == ("x", "q?", "d", "p")
    assert [each.agreement for each in result.measures] == ["agrees"]
    assert result.conclusion == ("It rose.",)
    assert set(result.fingerprints) == {"micro-a"}
    assert result.settings == {"students of each kind": "2", "rows": "100", "training steps": "4"}


def test_few_students_are_noted(tmp_path):
    assert "2 student(s) of each kind" in ran(tmp_path).notes[-1]
    assert ran(tmp_path, replace(PLAN, students=5)).notes == ()


def test_a_study_without_models_names_no_base(tmp_path):
    result = ran(tmp_path, models=[], settings={"trials": "100"})
    assert (result.base, result.fingerprints, result.settings, result.notes) == ("", {}, {"trials": "100"}, ())
