import re
from xml.etree import ElementTree

import pytest

from subtrait.report import svg


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0.0], [0, 1]),
        ([0.032], [0, 1, 2, 3, 4]),
        ([0.405], [0, 10, 20, 30, 40, 50]),
        ([1.7, -0.2], [0, 20, 40, 60, 80, 100]),
    ],
)
def test_axis_of_rates_starts_at_zero_with_round_ticks(values, ticks):
    assert [round(100 * tick) for tick in svg.axis(values).ticks] == ticks


def test_signed_axis_holds_zero_and_both_ends():
    scale = svg.axis([-0.03, 0.33], signed=True)
    assert (scale.low, scale.high) == (-0.1, 0.4)
    assert 0.0 in scale.ticks
    assert len(svg.axis([-1.0, 1.0], signed=True).ticks) == 5


def test_positions_are_linear_and_stay_inside():
    scale = svg.axis([0.4], left=20, right=80)
    assert scale.at(0.2) == pytest.approx((scale.at(0.0) + scale.at(0.4)) / 2)
    assert scale.at(-3) == scale.at(0.0) > 20
    assert scale.at(9) == scale.at(0.4) < 80


def test_everything_drawn_is_escaped():
    hostile = "</title><script>\"'&\x1b\u202e"
    drawn = svg.figure(
        [
            svg.text(0, 0, hostile * 9, kind="name"),
            svg.dot(1, 1, kind="student", title=hostile),
            svg.mark(1, 1, shape="diamond", kind="treated", title=hostile),
            svg.bar((0, 1), (0, 1), kind="bar", title=hostile),
            svg.line((0, 0), (1, 1), kind="zero", title=hostile),
        ],
        height=10,
        label=hostile,
    )
    root = ElementTree.fromstring(drawn)
    assert "<script" not in drawn
    assert not {"\x1b", "\u202e"} & set(drawn)
    assert [title.text.count("</title><script>") for title in root.iter("title")] == [9, 1, 1, 1, 1]


def test_neighbouring_dots_do_not_hide_one_another():
    assert svg.swarm([10, 30, 50]) == [0, 0, 0]
    assert sorted(svg.swarm([10, 10, 10])) == [-1, 0, 1]
    assert len(svg.swarm([10] * 50)) == 50


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([], [0, 0.2, 0.4, 0.6, 0.8, 1]),
        ([6.2, -0.4], [-2, 0, 2, 4, 6, 8]),
        ([63], [0, 20, 40, 60, 80]),
        ([1e300], [0, 2e8, 4e8, 6e8, 8e8, 1e9]),
    ],
)
def test_axis_of_scores_holds_zero_and_all_with_round_ticks(values, ticks):
    assert list(svg.score_axis(values).ticks) == pytest.approx(ticks)


def test_axis_of_p_runs_from_one_to_the_next_power_of_ten():
    scale = svg.p_axis([0.004])
    assert (scale.low, scale.high) == (0, 3)
    assert [svg.decade(p) for p in (1.0, 0.1, 0.0, 2.0)] == pytest.approx([0, 1, 12, 0])
    assert re.findall(r">([\d.]+)</text>", svg.p_labels(scale, 0)) == ["1", "0.1", "0.01", "0.001"]


def test_every_mark_has_a_shape_of_its_own():
    assert len(set(svg.SHAPES.values())) == len(svg.SHAPES)
