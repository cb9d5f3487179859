import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from subtrait.report import audit_figures as figures
from subtrait.report import svg


def parsed(drawn):
    return ElementTree.fromstring(drawn)


def titles(drawn):
    return [title.text for title in parsed(drawn).iter("title")]


def places(drawn, shape):
    """Where each mark of a shape stands, in per cent."""
    pattern = r'<svg x="([\d.]+)%"[^>]*><path d="' + re.escape(svg.SHAPES[shape])
    return [float(place) for place in re.findall(pattern, drawn)]


def test_every_question_has_the_mark_of_its_outcome(audits):
    result = audits.flagged()
    drawn = figures.evidence_by_question(result)
    tests = [each for each in result.evidence if each.p is not None]
    found = [each for each in result.evidence if each.outcome == "found"]
    assert len(places(drawn, "diamond")) == len(found) + len([e for e in tests if e.outcome == "found"])
    assert len(places(drawn, "dash")) == 1
    assert len(places(drawn, "ring")) == 1
    assert len(places(drawn, "tick")) == len([each for each in tests if each.floor is not None])
    assert sum("alpha" in title for title in titles(drawn)) == 2


def test_rarer_is_further_right(audits):
    scale = svg.p_axis([0.0002])
    assert scale.ticks == (0, 1, 2, 3, 4)
    assert scale.at(svg.decade(1.0)) < scale.at(svg.decade(0.01)) < scale.at(svg.decade(0.0002))
    assert scale.at(svg.decade(0.01)) == pytest.approx(50)


def test_cloud_has_a_point_for_every_reference_and_planted_data_set(audits):
    drawn = figures.traits_in_null(audits.flagged())
    kinds = [circle.get("class") for circle in parsed(drawn).iter("circle")]
    assert kinds.count("benign") == 199
    assert kinds.count("planted") == 40


def test_a_large_cloud_is_thinned_in_order_of_size(audits):
    null = audits.null()
    huge = replace(null, maxima=tuple(float(i) for i in range(50_000)), planted=())
    drawn = figures.traits_in_null(replace(audits.flagged(), null=huge))
    shown = [float(title.text) for circle in parsed(drawn).iter("circle") for title in circle]
    assert len(shown) <= figures.MAX_POINTS
    assert shown == sorted(shown)
    assert "50,000 data sets" in drawn


def test_only_traits_beyond_the_dashed_line_are_filled(audits):
    drawn = figures.traits_in_null(audits.flagged())
    (line,) = {float(found) for found in re.findall(r'<line x1="([\d.]+)%"[^>]*class="reference"', drawn)}
    marks = re.findall(r'<svg x="([\d.]+)%"[^>]*><path d="[^"]*" class="(\w+)"', drawn)
    assert len(marks) == 10
    assert [kind for place, kind in marks if float(place) > line] == ["treated"]
    assert {kind for place, kind in marks if float(place) <= line} == {"control"}


def test_without_references_the_traits_are_drawn_without_a_threshold(audits):
    drawn = figures.traits_in_null(replace(audits.flagged(), null=None))
    assert "reference" not in re.findall(r'class="(\w+)"', drawn)
    assert "owl" in drawn


def test_no_interval_is_drawn_where_none_is_given(audits):
    bounded, *_, unbounded = audits.flagged().trial
    assert 'class="interval' not in figures.trial((unbounded,), smallest=0.03)
    assert 'class="interval' in figures.trial((bounded,), smallest=0.03)


def test_forecast_is_filled_where_its_interval_leaves_out_zero(audits):
    drawn = figures.forecast(audits.flagged().forecast)
    assert re.findall(r'<path d="M0-7[^"]*" class="(\w+)"', drawn) == ["treated", "treated", *["control"] * 5]


def test_trial_is_filled_where_the_lower_bound_passes_the_smallest_shift(audits):
    rows = audits.flagged().trial
    drawn = figures.trial(rows, smallest=0.03)
    assert re.findall(r'<path d="M0-7[^"]*" class="(\w+)"', drawn) == ["treated", *["control"] * 3]
    assert len(places(drawn, "square")) == 2
    assert 'class="treated"' not in figures.trial(rows, smallest=0.06)


def test_lower_bound_has_one_end(audits):
    (row, *_) = audits.flagged().trial
    drawn = figures.trial((row,), smallest=0.03)
    assert len(re.findall(r'class="interval treated"', drawn)) == 2  # the line and one cap


def test_looks_stand_in_their_order_with_their_p(audits):
    result = audits.flagged()
    drawn = figures.looks(result, result.looks)
    assert drawn.index("300 rows") < drawn.index("1,000 rows")
    assert drawn.count("owl: p = 0.005") == 2
    first, second = places(drawn, "diamond")
    assert first < second


def test_power_shows_the_interval_at_the_share_of_the_policy_only(audits):
    drawn = figures.power(audits.flagged())
    assert drawn.count('class="interval control"') == 3  # the line and two caps
    assert "95.0 % (83.0 % to 99.0 %)" in drawn
    assert places(drawn, "diamond") == sorted(places(drawn, "diamond"), reverse=True)


def test_everything_drawn_is_escaped_and_well_formed(audits):
    result = audits.hostile()
    result = replace(result, null=replace(result.null, power_by_dilution={"1.0": 0.5}))
    drawn = (
        figures.evidence_by_question(result),
        figures.traits_in_null(result),
        figures.looks(result, result.looks),
        figures.power(result),
        figures.forecast(result.forecast),
        figures.trial(result.trial, smallest=0.03),
    )
    for each in drawn:
        parsed(each)
        assert "<script" not in each
        assert not {"\x00", "\x1b", "\u202e", "\ud800"} & set(each)


@pytest.mark.parametrize("extreme", [1e300, -1e300, 0.0, 1e-300])
def test_extreme_scores_stay_on_the_scale(audits, extreme):
    result = audits.flagged()
    wild = replace(result, traits=(replace(result.traits[0], score=extreme),))
    for place in re.findall(r'[xc]+="(-?[\d.e+]+)%"', figures.traits_in_null(wild)):
        assert 0 <= float(place) <= 100


def test_every_mark_can_stand_in_a_key():
    for shape in (*svg.SHAPES, "point", "dashes"):
        parsed(figures.sign(shape, "control"))
