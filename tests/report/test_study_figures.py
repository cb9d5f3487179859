import re
from dataclasses import replace
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace
from xml.etree import ElementTree

from subtrait.report import study_figures as figures
from subtrait.report import study_summaries as summaries
from subtrait.report import svg

STUDIES = SimpleNamespace(**run_path(str(Path(__file__).with_name("studies.py"))))
MEASURES, CURVES = STUDIES.measures(), STUDIES.curves()


def parsed(drawn):
    return ElementTree.fromstring(drawn)


def row(measure, among=MEASURES[:5]):
    return figures.forest_row(measure, figures.forest_ruler(among))


def lines(drawn, kind):
    return [line for line in parsed(drawn).iter("line") if line.get("class") == kind]


def marks(drawn, shape):
    """Where each mark of a shape stands (per cent, pixels) and its class."""
    pattern = r'<svg x="(-?[\d.]+)%" y="(-?[\d.]+)"[^>]*><path d="' + re.escape(svg.SHAPES[shape]) + r'" class="(\w+)"'
    return [(float(x), float(y), kind) for x, y, kind in re.findall(pattern, drawn)]


def test_only_a_measure_that_agrees_is_filled():
    kinds = [marks(row(measure), "diamond")[0][2] for measure in MEASURES[:5]]
    assert kinds == ["treated", "treated", "control", "control", "control"]


def test_a_diamond_stands_on_its_interval_and_says_its_value():
    drawn = row(MEASURES[0])
    (x, _, _), (whole, low, high) = marks(drawn, "diamond")[0], lines(drawn, "interval treated")
    assert float(whole.get("x1")[:-1]) < x < float(whole.get("x2")[:-1])
    assert (low.get("x1"), high.get("x1")) == (whole.get("x1"), whole.get("x2"))
    assert "+40.2 points (+37.1 to +43.3)" in drawn


def test_no_interval_is_said_and_none_is_drawn():
    drawn = row(MEASURES[7], MEASURES[5:8])
    assert not [line for line in parsed(drawn).iter("line") if line.get("class").startswith("interval")]
    assert ">no interval<" in drawn


def test_zero_has_a_line_where_values_are_signed():
    assert len(lines(row(MEASURES[0]), "zero")) == 1
    assert not lines(row(MEASURES[5], MEASURES[5:8]), "zero")
    negative = replace(MEASURES[8], value=STUDIES.estimate(-1.0))
    assert len(lines(row(negative, [negative, MEASURES[9]]), "zero")) == 1


def test_the_bound_of_no_effect_is_two_dashed_lines_around_zero():
    dashes = [float(line.get("x1")[:-1]) for line in lines(row(MEASURES[1]), "reference")]
    (zero,) = [float(line.get("x1")[:-1]) for line in lines(row(MEASURES[1]), "zero")]
    assert len(dashes) == 2
    assert abs(sum(dashes) / 2 - zero) < 0.02
    assert not lines(row(MEASURES[0]), "reference")


def test_what_a_value_should_equal_has_a_line_between_its_bounds():
    drawn = row(MEASURES[8], MEASURES[8:])
    (target,) = [float(line.get("x1")[:-1]) for line in lines(drawn, "zero")]
    low, high = [float(line.get("x1")[:-1]) for line in lines(drawn, "reference")]
    assert low < target < high
    assert abs(target - figures.forest_ruler(MEASURES[8:]).at(2.0)) < 0.01
    far = replace(MEASURES[8], target=9.0)
    assert figures.forest_ruler([far]).axis.high >= 9.05


def test_a_bound_that_no_share_can_reach_is_not_drawn():
    share = replace(MEASURES[8], value=STUDIES.estimate(0.97), scale="share", target=1.0, bound=0.1)
    assert len(lines(row(share, [share]), "reference")) == 1


def test_rows_of_one_forest_share_their_axis():
    axis = figures.forest_ruler(MEASURES[:5])
    places = [marks(figures.forest_row(measure, axis), "diamond")[0][0] for measure in MEASURES[:5]]
    values = [measure.value.value for measure in MEASURES[:5]]
    assert sorted(range(5), key=places.__getitem__) == sorted(range(5), key=values.__getitem__)
    for name in axis.names:
        assert f">{name.replace('-', chr(0x2212))}<" in figures.forest_ticks(axis)


def test_every_point_of_every_curve_has_its_mark_and_interval():
    drawn = figures.plot(CURVES[:3])
    found = [marks(drawn, shape) for shape in ("diamond", "square", "triangle")]
    assert [len(each) for each in found] == [8, 8, 8]
    assert len(lines(drawn, "interval treated")) == 8
    assert len(lines(drawn, "interval control")) == 16
    assert len(lines(drawn, "curve treated")) == 7
    assert "same start, auxiliary logits 20: 56.0 % (53.0 % to 59.0 %)" in drawn


def test_higher_values_stand_higher_and_larger_settings_further_right():
    places = marks(figures.plot(CURVES[:1]), "diamond")
    assert [x for x, _, _ in places] == sorted(x for x, _, _ in places)
    assert [y for _, y, _ in places] == sorted((y for _, y, _ in places), reverse=True)


def test_points_are_joined_in_the_order_of_their_settings():
    mixed = replace(CURVES[0], points=CURVES[0].points[::-1])
    assert figures.plot([mixed]) == figures.plot(CURVES[:1])


def test_no_two_curves_have_the_same_mark_and_none_hides_another():
    assert len(set(figures.MARKS)) == len(figures.MARKS)
    curves = [replace(CURVES[0], name=f"c{i}") for i in range(len(figures.MARKS) + 3)]
    drawn = figures.plot(curves)
    firsts = [marks(drawn, shape) for shape in {shape for shape, _ in figures.MARKS}]
    places = sorted(x for each in firsts for x, y, _ in each)
    assert len(places) == len(figures.MARKS) * 8
    assert len(set(places)) == len(places)
    assert 0 <= places[0] < places[-1] <= 100


def test_axes_are_logarithmic_where_they_span_far_more_than_a_decade():
    by_figure = [figures.is_logarithmic(curves) for _, curves in summaries.by_figure(CURVES)]
    assert by_figure == [(True, False), (True, True), (False, False)]


def test_ticks_up_stand_where_the_plot_has_its_lines():
    heights = [float(text.get("y")) - 4 for text in parsed(figures.plot_heights(CURVES[:3])).iter("text")]
    level = [
        float(line.get("y1")) for line in lines(figures.plot(CURVES[:3]), "grid") if line.get("y1") == line.get("y2")
    ]
    assert heights == level


def test_a_long_curve_is_cut_and_an_empty_one_is_drawn():
    points = CURVES[0].points * 500
    assert len(marks(figures.plot([replace(CURVES[0], points=points)]), "diamond")) == figures.MAX_POINTS
    assert not marks(figures.plot([replace(CURVES[0], points=())]), "diamond")


def test_everything_drawn_is_escaped_and_well_formed():
    result = STUDIES.hostile()
    drawn = [figures.plot(curves) for _, curves in summaries.by_figure(result.curves)]
    drawn += [figures.forest_row(each, figures.forest_ruler([each])) for each in result.measures]
    for each in drawn:
        parsed(each)
        assert "<script" not in each
        assert not {"\x00", "\x1b", "\u202e", "\ud800"} & set(each)


def test_every_mark_can_stand_in_a_key():
    for shape in (*svg.SHAPES, "line"):
        parsed(figures.sign(shape, "control"))
