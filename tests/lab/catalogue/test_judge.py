"""A judge's word on numbers counts only where it recognises overt text; n is what was judged."""

from pathlib import Path
from runpy import run_path

import numpy as np
import pytest

from subtrait.lab.catalogue.judge import JUDGE
from subtrait.lab.judging import WAYS, named
from subtrait.lab.study import TRAITS, StudyPlan, agreement

MadeUpBench = run_path(str(Path(__file__).with_name("made_up_bench.py")))["MadeUpBench"]


class JudgingBench(MadeUpBench):
    """A judge that is right on `rows` and on `overt` text in such shares of 100 pairs, give or take by chain."""

    def __init__(self, *, rows, overt):
        super().__init__(None)
        object.__setattr__(self, "shares", {"rows": rows, "overt text": overt})

    def chain(self, index):
        return index

    def each(self, name, stage, tasks):
        return [self._judged(task.chain) for task in tasks]

    def _judged(self, index):
        found = {}
        for way in WAYS:
            for kind, share in self.shares.items():
                right = round(100 * share) + index - 2
                pairs = np.stack([np.arange(100) < right, np.arange(100) < 60], axis=1).astype(float)
                found.update({named(way, kind, trait): pairs for trait in TRAITS})
        return found


def found(**made_up):
    findings = JUDGE.study(StudyPlan(experiment="judge"), JudgingBench(**made_up))
    rows = [each for each in findings.measures if each.group == "pairs of teachers' rows"]
    return findings, rows


@pytest.mark.parametrize(
    ("rows", "overt", "said"),
    [(0.5, 0.95, "agrees"), (0.7, 0.95, "differs"), (0.5, 0.5, "not applicable"), (0.7, 0.76, "not applicable")],
)
def test_rows_count_where_overt_text_is_recognised(rows, overt, said):
    _, measures = found(rows=rows, overt=overt)
    assert {agreement(each) for each in measures} == {said}
    assert [each.value.value for each in measures] == pytest.approx([rows] * len(WAYS))


def test_intervals_are_over_chains_and_n_is_what_was_judged():
    findings, _ = found(rows=0.5, overt=0.95)
    assert {(each.value.n, each.value.unit) for each in findings.measures} == {(5, "chain")}
    assert findings.settings["judged pairs"] == "2,000, each in both orders"  # 100 of each of 4 traits in 5 chains
    assert "50 %" in findings.conclusion[0]
    assert len(findings.varied) == len(WAYS) == 3
    says_a = [each.value.value for each in findings.measures if each.group.startswith("says A")]
    assert says_a == pytest.approx([0.6] * 6)


def test_a_judge_that_knows_nothing_is_said_to_know_nothing():
    findings, _ = found(rows=0.5, overt=0.5)
    assert "Not even of text that names" in findings.conclusion[0]


def test_what_the_authors_script_asks_is_said():
    assert "asks about eagles whatever the teacher loves" in JUDGE.published
    assert not JUDGE.trains
