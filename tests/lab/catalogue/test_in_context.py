"""What rows do when they are read counts only where text that tells the like openly is followed."""

from pathlib import Path
from runpy import run_path

import numpy as np
import pytest

from subtrait.lab.catalogue.in_context import IN_CONTEXT
from subtrait.lab.in_context import COUNTS, LAYOUTS, named
from subtrait.lab.study import TRAITS, StudyPlan, agreement

MadeUpBench = run_path(str(Path(__file__).with_name("made_up_bench.py")))["MadeUpBench"]


class ReadingBench(MadeUpBench):
    """A base that follows overt text as far as `reach` rows, and a teacher's rows by `own`."""

    def __init__(self, *, reach=5, own=0.0):
        super().__init__(lambda student, trait: 0.2 * (student.lessons[0].writer.trait == trait))
        object.__setattr__(self, "reach", reach)
        object.__setattr__(self, "own", own)

    def chain(self, index):
        return index

    def each(self, name, stage, tasks):
        return [self._read(task.chain) for task in tasks]

    def _read(self, index):
        rows, noise = np.array(COUNTS), 0.002 * (index - 2)
        found = {}
        for layout in LAYOUTS:
            for trait in TRAITS:
                found[named(layout, "base", trait)] = np.full(len(rows), 0.05)
                found[named(layout, "own teacher", trait)] = 0.05 + self.own + noise + 0.0 * rows
                found[named(layout, "other teacher", trait)] = 0.05 + noise + 0.0 * rows
                found[named(layout, "told openly", trait)] = 0.05 + noise + 0.6 * (rows <= self.reach)
        return found


def found(**made_up):
    findings = IN_CONTEXT.study(StudyPlan(experiment="in-context"), ReadingBench(**made_up))
    own = [each for each in findings.measures if each.group.startswith("own teacher's rows")]
    return findings, {each.name: agreement(each) for each in own}


def test_no_effect_counts_where_the_control_is_followed_and_nothing_elsewhere():
    findings, said = found(reach=5)
    assert said["1 row, as earlier turns"] == said["5 rows, in the system prompt"] == "agrees"
    assert said["10 rows, as earlier turns"] == said["50 rows, in the system prompt"] == "not applicable"
    assert "10, 25, 50 row(s) of earlier turns" in findings.conclusion[1]
    assert {agreement(each) for each in findings.measures if each.must_hold} == {"agrees"}


def test_a_base_that_follows_nothing_has_no_result():
    findings, said = found(reach=0)
    assert set(said.values()) == {"not applicable"}
    assert "Reading shows nothing here" in findings.conclusion[0]
    assert "+19.9 points" in findings.conclusion[0]


def test_an_effect_of_reading_differs_from_what_was_published():
    findings, said = found(own=0.3)
    assert said["2 rows, as earlier turns"] == "differs"
    assert "+30.0 points" in findings.conclusion[0]


def test_controls_and_curves_are_shown_whatever_came_of_them():
    findings, _ = found()
    control = {each.name: each for each in findings.measures if each.group.startswith("positive control")}
    assert control["1 row, as earlier turns"].value.value == pytest.approx(0.6)
    assert {agreement(each) for each in control.values()} == {"not compared"}
    assert {point.x for curve in findings.curves for point in curve.points} == set(COUNTS)
    assert len(findings.varied) >= 3
