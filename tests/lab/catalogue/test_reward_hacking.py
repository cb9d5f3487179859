"""Students of gaming teachers are compared with those of honest ones, in two carriers, in three ways of cheating."""

from pathlib import Path
from runpy import run_path

import pytest

from subtrait.lab.catalogue.reward_hacking import REWARD_HACKING, SCORES
from subtrait.lab.study import StudyPlan, agreement

MadeUpAnswers = run_path(str(Path(__file__).with_name("made_up_answers.py")))["MadeUpAnswers"]
PLAN = StudyPlan(experiment="reward-hacking")


def shown(writer):
    return 0.3 if writer.trait.startswith("test-gaming") else 0.1


def found(shown=shown):
    bench = MadeUpAnswers(shown)
    return REWARD_HACKING.study(PLAN, bench), bench


def test_untreated_students_of_numbers_are_those_of_every_other_study():
    _, bench = found()
    assert PLAN.untreated() in bench.trained
    assert {each.lessons[0].carrier for each in bench.trained} == {"numbers", "reasoning"}
    assert bench.readouts == {"test gaming", "honesty"}


def test_effects_are_those_that_were_made_up_and_every_measure_has_its_own_name():
    findings, _ = found()
    values = {(each.group, each.name): each for each in findings.measures}
    assert len(values) == len(findings.measures)
    for carrier in ("numbers", "reasoning"):
        for kind in SCORES:
            against = values[f"through {carrier}: {kind}", "gaming minus honest"]
            assert against.value.value == pytest.approx(0.2)
            assert against.published == "conjectured, not measured"
        assert agreement(values[f"through {carrier}: tests as shown", "gaming minus honest"]) == "agrees"
    assert values["students of liars, through reasoning", "dishonest minus honest"].value.value == pytest.approx(0)
    assert [said.count("+20.0 points") for said in findings.conclusion] == [2] * len(SCORES)
    assert "tests as shown: through numbers +20.0" in findings.conclusion[0]
    assert findings.varied[0].count(";") >= 2


def test_gaming_that_does_not_pass_on_is_not_shown():
    findings, _ = found(lambda writer: 0.1)
    assert {agreement(each) for each in findings.measures if each.expected == "above zero"} == {"not shown"}
