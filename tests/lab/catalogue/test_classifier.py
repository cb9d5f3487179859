"""Readers are compared over chains, beside a control that must be told apart and one that must not."""

from pathlib import Path
from runpy import run_path

import pytest

from subtrait.lab.catalogue.classifier import AGAIN, CLASSIFIER, OTHER, reading_plan
from subtrait.lab.chains import Bench
from subtrait.lab.reading_text.reading import BASE, STRONG
from subtrait.lab.study import TRAITS, StudyPlan, agreement
from subtrait.lab.study_cost import made_by
from subtrait.lab.team import Alone
from subtrait.runs.folder import RunFolder

PLAN = StudyPlan(experiment="classifier", size="tiny", students=2)
fill = run_path(str(Path(__file__).parents[1] / "reading_text" / "made_up_texts.py"))["fill"]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What the study finds in made-up texts: 240 of each writer in each of 2 chains."""
    store = RunFolder(tmp_path_factory.mktemp("classifier"))
    fill(store, reading_plan(PLAN, 2))
    return CLASSIFIER.study(PLAN, Bench(store, Alone(), 0, 2))


def values(found):
    return {(each.group, each.name): each for each in found.measures}


def test_the_usual_teachers_are_those_that_other_studies_share():
    writers = dict(reading_plan(PLAN, 2).writers)
    assert {writers[name] for name in TRAITS} == {s.lessons[0].written[0] for s in PLAN.treated().values()}
    assert writers[BASE] == PLAN.untreated().lessons[0].written[0]
    assert (writers[AGAIN].writer, writers[AGAIN].draw) == (writers[BASE].writer, 1)
    assert writers[OTHER].writer.base == "micro-b"
    assert all(writers[STRONG + name].writer.recipe.steps == 60 for name in TRAITS)


def test_the_other_base_is_never_the_base():
    plan = StudyPlan(experiment="classifier", base="micro-b")
    assert dict(reading_plan(plan, 2).writers)[OTHER].writer.base == "micro-a"


def test_both_controls_hold_where_they_should(found):
    controls = [each for each in found.measures if each.must_hold]
    assert [each.name for each in controls] == ["the base's texts with uniform numbers", "the base drawn twice"]
    assert agreement(controls[0]) == "agrees"
    assert agreement(controls[1]) != "differs"
    assert controls[1].value.value == pytest.approx(0.5, abs=0.06)


def test_each_question_is_answered_by_what_the_reader_knows_and_how_much_it_sees(found):
    by = values(found)
    group = "which of two traits? by a reader who knows the teachers of all other chains"
    single, bags = by[group, "single texts"].value, by[group, "bags of 50"].value
    assert 0.65 < single.value < bags.value <= 1
    assert single.low < single.value < single.high
    assert (single.n, single.unit) == (2, "chain")
    assert "table 5" in by[group, "two answers to one prompt"].published
    assert (group, "bags of 200") not in by  # 200 texts of a half do not fill two


def test_names_differ_and_at_least_three_things_are_varied(found):
    assert len(values(found)) == len(found.measures)
    assert len(found.varied) >= 3
    assert "not measured" not in " ".join(found.varied)
    assert {curve.figure for curve in found.curves} == {"teacher or base?", "which of two traits?"}


def test_a_base_that_does_not_look_like_itself_is_found(tmp_path):
    plan = reading_plan(PLAN, 2)
    odd = [("dog" if name == AGAIN else "x" if name == "dog" else name, rows) for name, rows in plan.writers]
    store = RunFolder(tmp_path)
    fill(store, type(plan)(traits=plan.traits, writers=tuple(odd), chains=2), count=100)
    found = CLASSIFIER.study(PLAN, Bench(store, Alone(), 0, 2))
    assert values(found)["controls, single texts", "the base drawn twice"].value.value > 0.58


def test_one_chain_has_no_other_teachers_and_no_interval(tmp_path):
    store = RunFolder(tmp_path)
    fill(store, reading_plan(PLAN, 1), count=40)
    found = CLASSIFIER.study(PLAN, Bench(store, Alone(), 0, 1))
    assert {each.value.low for each in found.measures} == {None}
    assert "not measured" in found.conclusion[0]


def test_a_dry_run_counts_data_sets_and_no_student(tmp_path):
    assert made_by(CLASSIFIER, PLAN, RunFolder(tmp_path)) == (0, 2 * len(reading_plan(PLAN, 2).writers))
    assert not list(tmp_path.iterdir())
