from dataclasses import replace
from xml.etree import ElementTree

import pytest

from subtrait.report import figures, summaries


def drawn(markup):
    return ElementTree.fromstring(markup)


def classed(root, tag, kind):
    return [element for element in root.iter(tag) if kind in element.get("class", "").split()]


def position(text):
    return float(text.removesuffix("%"))


def value_at(root, x):
    """What a reader takes from the figure: the value at `x`, by ruler, from the tick labels 0 % and 10 %."""
    ticks = {tick.text: position(tick.get("x")) for tick in classed(root, "text", "tick")}
    return 0.1 * (x - ticks["0 %"]) / (ticks["10 %"] - ticks["0 %"])


def test_every_student_is_a_dot_at_its_own_rate(result):
    root = drawn(figures.students_by_arm(result))
    dots = classed(root, "circle", "student")
    shown = sorted(value_at(root, position(dot.get("cx"))) for dot in dots)
    rates = sorted(student.trait_rate for record in result.arms for student in record.students)
    assert shown == pytest.approx(rates, abs=1e-3)
    assert len(list(root.iter("circle"))) == 30


def test_only_treated_students_are_filled(result):
    root = drawn(figures.students_by_arm(result))
    assert len(classed(root, "circle", "treated")) == 5
    assert len(classed(root, "circle", "control")) == 25


def test_reference_of_each_arm_is_its_own_base(result):
    root = drawn(figures.students_by_arm(result))
    lines = [value_at(root, position(line.get("x1"))) for line in classed(root, "line", "reference")]
    a, b = (record.rate.value for record in result.untouched)
    assert lines == pytest.approx([a] * 4 + [b] * 2, abs=1e-3)


def test_interval_ends_where_the_estimate_does(result):
    root = drawn(figures.students_by_arm(replace(result, arms=result.arms[:1])))
    low = min(position(line.get("x1")) for line in classed(root, "line", "interval"))
    high = max(position(line.get("x2")) for line in classed(root, "line", "interval"))
    rate = result.arms[0].rate
    assert (value_at(root, low), value_at(root, high)) == pytest.approx((rate.low, rate.high), abs=1e-3)


def test_missing_interval_is_words_and_no_line(single):
    for markup in (figures.students_by_arm(single), figures.differences(single.comparisons)):
        assert not classed(drawn(markup), "line", "interval")
        assert markup.count(">no interval</text>") in {6, 4}


def test_missing_base_leaves_out_the_reference(result):
    assert not classed(drawn(figures.students_by_arm(replace(result, untouched=()))), "line", "reference")


def test_every_teacher_is_a_mark(result):
    assert len(classed(drawn(figures.teachers_against_base(result)), "path", "treated")) == 5


def test_bars_are_as_long_as_the_shares(result):
    totals = summaries.filtered(result.datasets)
    bars = classed(drawn(figures.rejections_by_reason(totals)), "rect", "bar")
    shares = [total.share(reason) for reason in summaries.reasons(totals) for total in totals]
    ratios = [position(bar.get("width")) / share for bar, share in zip(bars, shares, strict=True)]
    assert ratios == pytest.approx([ratios[0]] * len(ratios), rel=1e-2)


def test_every_answer_has_a_bar_for_each_condition(result):
    root = drawn(figures.answer_distribution(summaries.answers(result)))
    for kind in figures.KINDS:
        assert len(classed(root, "rect", kind)) == 17
    without = summaries.answers(replace(result, untouched=()))
    assert not classed(drawn(figures.answer_distribution(without)), "rect", "base")


def test_questions_share_one_scale(result):
    groups = summaries.questions(result)
    scale = figures.question_scale(groups)
    assert scale.high >= max(value for group in groups for value in group.values)
    root = drawn(figures.question_row(groups[0], scale))
    assert len(classed(root, "path", "treated")) == len(classed(root, "path", "control")) == 1
    assert len(classed(root, "line", "reference")) == 1


def test_figures_say_their_numbers_to_those_who_do_not_see_them(result):
    label = drawn(figures.differences(result.comparisons)).get("aria-label")
    assert "treated minus untreated +" in label
    assert "points" in label
