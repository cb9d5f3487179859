from dataclasses import replace
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

from subtrait.report import study_summaries as summaries

STUDIES = SimpleNamespace(**run_path(str(Path(__file__).with_name("studies.py"))))


def test_groups_keep_their_order_and_hold_every_measure_once():
    measures = STUDIES.measures()
    mixed = (measures[8], *measures[:2], measures[5], measures[2], measures[9])
    groups = summaries.by_group(mixed)
    assert [name for name, _ in groups] == [measures[8].group, measures[0].group, measures[5].group]
    assert [each for _, group in groups for each in group] == [
        measures[8], measures[9], *measures[:3], measures[5],
    ]  # fmt: skip


def test_measures_that_share_an_axis_share_a_scale():
    measures = [replace(each, group="all") for each in STUDIES.measures()]
    parts = summaries.by_scale(measures)
    assert [len(part) for part in parts] == [5, 3, 2]
    assert all(len({each.scale for each in part}) == 1 for part in parts)


def test_curves_of_one_figure_stand_together():
    curves = STUDIES.curves()
    figures = summaries.by_figure((*curves[3:], *curves[:3]))
    assert [len(drawn) for _, drawn in figures] == [1, 2, 3]


def test_a_study_is_judged_by_what_must_hold_and_what_was_expected():
    first, *_, last = STUDIES.measures()
    result = replace(STUDIES.digits(), measures=(first, last, replace(last, name="n", must_hold=True)))
    assert [each.name for each in summaries.compared(result)] == [first.name, "n"]


def test_tally_has_every_kind():
    counts = {"agrees": 3, "differs": 1, "not shown": 1, "not applicable": 0, "not compared": 5}
    assert summaries.tally(STUDIES.measures()) == counts
    assert set(summaries.tally([]).values()) == {0}


def test_settings_say_where_no_language_model_takes_part():
    assert dict(summaries.settings(STUDIES.digits()))["base"] == "no language model takes part"
    assert dict(summaries.settings(STUDIES.theorem()))["base"] == "micro-a"
