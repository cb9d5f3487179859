import doctest
from dataclasses import replace
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import pytest

from subtrait.report import study_wording as wording

STUDIES = SimpleNamespace(**run_path(str(Path(__file__).with_name("studies.py"))))
estimate = STUDIES.estimate


def test_examples_hold():
    tried = doctest.testmod(wording, extraglobs={"Estimate": wording.Estimate})
    assert tried.attempted > 5
    assert tried.failed == 0


@pytest.mark.parametrize(
    ("value", "scale", "said"),
    [
        (0.4126, "share", "41.3 %"),
        (-0.0312, "points", "-3.1 points"),
        (0.00001, "points", "0.0 points"),
        (1.0, "plain", "1.00"),
        (0.0, "plain", "0"),
        (-0.0, "plain", "0"),
        (99.96, "plain", "100"),
        (0.0009996, "plain", "0.00100"),
        (0.00099, "plain", "9.90e-4"),
        (-1234.5, "plain", "-1,230"),
        (1e300, "plain", "1.00e300"),
    ],
)
def test_values_read_by_their_scale(value, scale, said):
    assert wording.number(value, scale) == said


@pytest.mark.parametrize(
    ("scale", "said", "whole"),
    [
        ("share", "38.0 % to 42.0 %", "40.0 % (38.0 % to 42.0 %)"),
        ("points", "+38.0 to +42.0 points", "+40.0 points (+38.0 to +42.0)"),
        ("plain", "0.380 to 0.420", "0.400 (0.380 to 0.420)"),
    ],
)
def test_intervals_read_by_their_scale_and_stand_beside_their_value(scale, said, whole):
    assert wording.ends(estimate(0.4), scale) == said
    assert wording.measured(estimate(0.4), scale) == whole


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (1.98, 2.02, "1.98 to 2.02"),
        (0.9998, 1.0001, "0.9998 to 1.000"),
        (1.00001, 1.00004, "1.00001 to 1.00004"),
        (1.0, 1.0, "1.00000 to 1.00000"),
        (1234.1, 1234.9, "1,234 to 1,235"),
        (2e-7, 2.001e-7, "2.000e-7 to 2.001e-7"),
    ],
)
def test_ends_of_plain_numbers_have_the_digits_that_tell_them_apart(low, high, said):
    assert wording.ends(replace(estimate(1.0), low=low, high=high), "plain") == said


@pytest.mark.parametrize("scale", ["share", "points", "plain"])
@pytest.mark.parametrize(("n", "why"), [(1, "fewer than two"), (5, "no spread between the")])
def test_a_lacking_interval_is_said_with_its_reason(scale, n, why):
    lone = estimate(0.4, None, n=n, unit="trial")
    assert wording.ends(lone, scale) == f"no interval ({why} trials)"
    assert wording.measured(lone, scale).endswith(f", no interval ({why} trials)")
    assert "interval" not in wording.rests_on(lone)


def test_what_numbers_rest_on_is_said_once():
    assert wording.rest_on([estimate(0.1), estimate(0.2)]) == "95 % interval over 25 models."
    several = [estimate(0.1), estimate(0.2, n=200, unit="trial"), estimate(0.1, None, n=1)]
    assert wording.rest_on(several) == "95 % interval over 25 models; 95 % interval over 200 trials; 1 model."
    assert wording.rest_on([estimate(0.1, n=n) for n in range(2, 9)]).endswith("; and 3 more kinds.")
    assert wording.rest_on([]) == ""


@pytest.mark.parametrize(
    ("agreement", "published", "said"),
    [
        ("agrees", "x", "agrees with what was published"),
        ("differs", "x", "differs from what was published"),
        ("not shown", "x", "not shown: the interval allows both"),
        ("not applicable", "x", "not applicable: its positive control failed, so the value says nothing"),
        ("not compared", "", "nothing was published of it"),
        ("not compared", "x", "not compared with what was published"),
    ],
)
def test_agreement_is_said_in_plain_words(agreement, published, said):
    measure = replace(STUDIES.measures()[0], agreement=agreement, published=published)
    assert wording.agreement(measure) == said


def test_what_was_expected_is_said_with_how_much_counts_as_none():
    first, second, *_, last = STUDIES.measures()
    assert wording.expectation(first) == "above zero"
    assert wording.expectation(second) == "no effect: at most 3.0 points off"
    assert wording.expectation(replace(second, scale="plain")) == "no effect: at most 0.0300 off"
    power = STUDIES.measures()[8]
    assert wording.expectation(power) == "2.00: at most 0.0500 off"
    assert (
        wording.expectation(replace(power, target=1.0, bound=0.1, scale="share")) == "100.0 %: at most 10.0 points off"
    )
    assert wording.expectation(replace(power, bound=None)) == "2.00"
    assert wording.expectation(last) == ""


def test_what_was_published_without_a_figure_is_said_as_such():
    first, second, *_, last = STUDIES.measures()
    assert wording.published(first) == first.published
    assert wording.published(replace(second, published="")) == "no effect, without a figure"
    assert wording.published(last) == ""


@pytest.mark.parametrize(
    ("tally", "said"),
    [
        ((0, 0, 0, 0, 0), "No measure was to be compared."),
        ((1, 0, 0, 0, 0), "1 of 1 measure agrees with what was published."),
        ((0, 2, 0, 0, 1), "0 of 3 measures agree with what was published; 2 differ; 1 was not compared."),
        ((3, 0, 2, 0, 2), "3 of 7 measures agree with what was published; 2 are not shown; 2 were not compared."),
        ((1, 0, 0, 1, 0), "1 of 2 measures agrees with what was published; 1 is not applicable."),
        ((0, 0, 0, 2, 0), "0 of 2 measures agree with what was published; 2 are not applicable."),
    ],
)
def test_counts_are_grammatical_and_leave_out_what_is_none(tally, said):
    kinds = ("agrees", "differs", "not shown", "not applicable", "not compared")
    assert wording.counted(dict(zip(kinds, tally, strict=True))) == said


def test_only_what_is_not_shown_or_not_applicable_is_explained():
    first, *_ = measures = STUDIES.measures()
    assert wording.unshown([first]) == []
    assert wording.unshown(measures) == ["Not shown: the interval allows both."]
    failed = replace(first, applicable=False, agreement="not applicable")
    assert wording.unshown([failed]) == ["Not applicable: its positive control failed, so the value says nothing."]


def test_a_study_without_conclusion_has_a_headline():
    assert wording.headline(STUDIES.digits()) == STUDIES.digits().conclusion[0]
    assert "no conclusion" in wording.headline(STUDIES.bare())
