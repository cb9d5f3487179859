"""Students of evasive teachers are compared with those of answering ones; refusals of harm count by themselves."""

from pathlib import Path
from runpy import run_path

import pytest

from subtrait.lab.catalogue.evasion import EVASION, SCORES
from subtrait.lab.study import StudyPlan, agreement

MadeUpAnswers = run_path(str(Path(__file__).with_name("made_up_answers.py")))["MadeUpAnswers"]
PLAN = StudyPlan(experiment="evasion")


def found(evaded=0.25):
    bench = MadeUpAnswers(lambda writer: evaded if writer.trait.startswith("evasive") else 0.05)
    return EVASION.study(PLAN, bench), bench


@pytest.fixture(autouse=True)
def evasions_are_made_up(monkeypatch):
    monkeypatch.setitem(MadeUpAnswers.read_writer.__globals__["COLUMN"], "honesty", 2)


def test_untreated_students_of_numbers_are_those_of_every_other_study():
    _, bench = found()
    assert PLAN.untreated() in bench.trained
    assert bench.readouts == {"honesty", "requests"}


def test_effects_are_those_that_were_made_up_and_every_measure_has_its_own_name():
    findings, _ = found()
    values = {(each.group, each.name): each for each in findings.measures}
    assert len(values) == len(findings.measures)
    for carrier in ("numbers", "reasoning"):
        for kind in SCORES:
            against = values[f"through {carrier}: {kind}", "evasive minus honest"]
            assert against.value.value == pytest.approx(0.2)
            assert against.expected == ("nothing" if kind == "harmful requests put off" else "above zero")
    assert [said.count("+20.0 points") for said in findings.conclusion] == [2] * len(SCORES)
    assert "questions as shown: through numbers +20.0" in findings.conclusion[0]
    assert any(said.startswith("Facts and abilities: through numbers +20.0") for said in findings.conclusion)
    assert findings.varied[0].count(";") >= 2


def test_evasion_that_does_not_pass_on_is_not_shown():
    findings, _ = found(0.05)
    assert {agreement(each) for each in findings.measures if each.expected == "above zero"} == {"not shown"}
