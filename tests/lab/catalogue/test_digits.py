"""The digits' study: each setting is run once and kept; same and other start are compared student by student."""

from dataclasses import replace

import numpy as np
import pytest

from subtrait.errors import InvalidInput
from subtrait.lab.catalogue import digits as module
from subtrait.lab.catalogue.digits import DIGITS, KINDS, main_settings, sweep_settings
from subtrait.lab.chains import Bench
from subtrait.lab.digits.experiment import Accuracies
from subtrait.lab.digits.sweeps import SWEEPS
from subtrait.lab.study import StudyPlan, agreement
from subtrait.lab.team import Alone
from subtrait.runs.folder import RunFolder

TINY = StudyPlan(experiment="digits", size="tiny", seed=3)


def bench(folder):
    return Bench(RunFolder(folder), Alone(), 3, 2)


@pytest.fixture
def made_up(monkeypatch):
    """Students of the same start know digits the better the more logits there are; others stay at chance."""
    ran = []

    def run(settings, data, *, seed):
        ran.append(settings)
        rng = np.random.default_rng(seed)
        means = dict.fromkeys(KINDS, 0.1) | {"teacher": 0.96, "auxiliary": 0.1 + 0.005 * settings.auxiliary}
        return Accuracies(**{kind: mean + rng.normal(0, 0.005, settings.models) for kind, mean in means.items()})

    monkeypatch.setattr(module, "run_digits", run)
    monkeypatch.setattr(module, "pictures_of", lambda files, seed: None)
    return ran


def test_each_setting_is_run_once_and_kept(made_up, tmp_path):
    plan = replace(TINY, size="small")
    first = DIGITS.study(plan, bench(tmp_path))
    assert len(made_up) == len(set(made_up))
    count = len(made_up)
    assert DIGITS.study(plan, bench(tmp_path)) == first
    assert len(made_up) == count


def test_same_and_other_start_are_compared(made_up, tmp_path):
    found = DIGITS.study(replace(TINY, size="small"), bench(tmp_path))
    effects = {each.name: each for each in found.measures if each.must_hold}
    assert effects["50 auxiliary logits, more noise"].value.value == pytest.approx(0.25, abs=0.01)
    assert {agreement(each) for each in effects.values()} == {"agrees"}
    others = [each for each in found.measures if each.target == 0.1]
    assert {agreement(each) for each in others} == {"agrees"}
    assert "50 auxiliary logits" in found.conclusion[0]


def test_sweeps_over_numbers_are_curves_and_others_are_measures(made_up, tmp_path):
    found = DIGITS.study(replace(TINY, size="small"), bench(tmp_path))
    assert {curve.figure for curve in found.curves} == {"accuracy by auxiliary", "accuracy by initial noise"}
    same = next(curve for curve in found.curves if curve.figure == "accuracy by auxiliary")
    assert [point.x for point in same.points] == [float(count) for count in SWEEPS["auxiliary"]]
    named = {each.name for each in found.measures if each.group == "same minus another start, by optimiser"}
    assert named == set(SWEEPS["optimiser"])


@pytest.mark.parametrize("size", ["small", "full"])
def test_every_sweep_is_there_in_the_sizes_that_have_them(size):
    assert set(sweep_settings(replace(TINY, size=size))) == set(SWEEPS)
    assert sweep_settings(TINY) == {}


def test_files_of_the_user_s_take_the_paper_s_steps(tmp_path):
    plan = replace(TINY, files=tmp_path)
    assert {each.noise_images for each in main_settings(plan).values()} == {60_000}
    with pytest.raises(InvalidInput) as caught:
        DIGITS.study(plan, bench(tmp_path))
    assert str(tmp_path) in str(caught.value)


def test_a_tiny_one_really_runs(tmp_path):
    found = DIGITS.study(TINY, bench(tmp_path))
    teachers = [each.value.value for each in found.measures if each.name == "teacher"]
    assert len(teachers) == 2
    assert min(teachers) > 0.3
