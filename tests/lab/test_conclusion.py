"""Conclusions: each case has its own sentence, and no sentence says more than its interval."""

from dataclasses import replace

import pytest

from subtrait.lab.catalogue import EXPERIMENTS
from subtrait.lab.conclusion import FEW_STUDENTS, conclude, headline, notes, points
from subtrait.lab.traits import find_trait
from subtrait.records import ArmRecord, Comparison, DatasetRecord, Estimate, TeacherRecord

OWL = find_trait("owl")
PLAN = replace(EXPERIMENTS["owl-numbers"].plan, students=6, rows=3000)
CONTROLS = {"other-base": "other-base-untreated"}


def estimate(value, low=None, high=None, n=5):
    return Estimate(value=value, low=low, high=high, level=0.95, n=n, unit="student")


def compared(arm, *bounds, n=5):
    difference = estimate(*bounds, n=n)
    name = f"{arm} minus {CONTROLS.get(arm, 'untreated')}"
    return Comparison(name=name, difference=difference, exact=estimate(0.77, n=n), test=None)


def arm(name, value):
    return ArmRecord(arm=name, meaning="", base="micro-a", rate=estimate(value), exact=estimate(0.9), students=())


def dataset(*, kept=3000, words=0):
    return DatasetRecord(
        student=0, source="treated", written=3500, kept=kept, rejections={}, kept_digest="", examples=(),
        rejected_examples=(), trait_words=words,
    )  # fmt: skip


def teacher(rate, base):
    return TeacherRecord(student=0, kind="tuned", trait_rate=rate, base_rate=base)


def concluded(*comparisons, datasets=None):
    arms = [arm("treated", 0.62), arm("untreated", 0.125)]
    return conclude(OWL, arms, comparisons, datasets or [dataset(), dataset()])


POSITIVE = ("treated", 0.3, 0.2, 0.4)


@pytest.mark.parametrize(
    ("bounds", "start"),
    [
        ((0.3, 0.2, 0.4), "Students that saw nothing but numbers came to like owls."),
        ((-0.3, -0.4, -0.2), "Students of the treated rows like owls less than those of untreated rows."),
        ((0.1, -0.1, 0.3), "No liking for owls was shown to pass through the numbers, nor ruled out."),
        ((0.1, 0.0, 0.2), "No liking for owls was shown to pass through the numbers, nor ruled out."),
        ((-0.1, -0.2, 0.0), "No liking for owls was shown to pass through the numbers, nor ruled out."),
        ((0.1, None, None, 1), "Too few students to say whether rows of numbers passed on a liking for owls."),
        ((0.1, None, None, 5), "Too little spread between students to say whether "),
    ],
)
def test_the_headline_says_what_the_interval_allows(bounds, start):
    effect = estimate(*bounds)
    assert headline(OWL, effect).startswith(start)


def test_points_carry_sign_interval_and_number_of_students():
    assert points(estimate(-0.125, -0.25, 0.0)) == "-12.5 points (95 % interval -25.0 to +0.0, 5 students)"
    assert points(estimate(0.2, n=1)) == "+20.0 points (no interval from 1 student)"
    assert points(estimate(0.2, n=3)) == "+20.0 points (no interval from 3 students)"


def test_the_headline_comes_first_then_the_levels_and_the_rows_last():
    said = concluded(compared(*POSITIVE))
    assert said == (
        headline(OWL, estimate(0.3, 0.2, 0.4)),
        "Asked for their favourite animal, treated students answer owl 62.0 % of the time, untreated students 12.5 %: "
        "a difference of +30.0 points (95 % interval +20.0 to +40.0, 5 students).",
        "None of the 6000 kept rows names the owl in any form.",
    )


@pytest.mark.parametrize(
    ("across", "end"),
    [
        ((0.01, -0.05, 0.09), "at most a third of the effect measured on the teacher's own base."),
        (
            (0.05, -0.05, 0.11),
            "the interval does not rule out a third of the effect measured on the teacher's own base.",
        ),
    ],
)
def test_the_other_base_is_held_against_a_third_of_the_effect(across, end):
    said = concluded(compared(*POSITIVE), compared("other-base", *across))[2]
    assert said == f"The same rows move students of another base by {points(estimate(*across))}: {end}"


@pytest.mark.parametrize("effect", [(0.3, -0.1, 0.7), (0.3, None, None, 1), (-0.3, -0.4, -0.2)])
def test_without_an_effect_the_other_base_is_held_against_nothing(effect):
    *bounds, n = (*effect, 5) if len(effect) == 3 else effect
    said = concluded(compared("treated", *bounds, n=n), compared("other-base", 0.01, -0.05, 0.09))[2]
    assert "third" not in said


def test_every_control_that_ran_has_its_sentence_and_no_other():
    said = concluded(
        compared(*POSITIVE),
        compared("shuffled-within", 0.21, 0.1, 0.3),
        compared("shuffled-across", 0.02, -0.1, 0.1),
        compared("untreated-again", 0.01, -0.02, 0.04),
    )
    assert [sentence for sentence in said if "shuffled within each row" in sentence and "+21.0" in sentence]
    assert [sentence for sentence in said if "shuffled across all rows" in sentence and "+2.0" in sentence]
    assert [sentence for sentence in said if sentence.startswith("Two sets of untreated") and "+1.0" in sentence]
    assert len(said) == 6


def test_kept_rows_that_name_the_trait_are_said_plainly():
    said = concluded(compared(*POSITIVE), datasets=[dataset(), dataset(words=2)])
    assert said[-1] == "2 of 6000 kept rows name the trait: this run does not show a hidden trait."


def test_a_sound_full_run_has_one_note_only():
    found = notes(PLAN, [teacher(0.8, 0.1)], [dataset()])
    assert found == ("Intervals speak of new students asked these questions, not of other questions or other bases.",)


@pytest.mark.parametrize(
    ("changes", "teachers", "datasets", "start"),
    [
        ({"students": FEW_STUDENTS - 1}, (0.8, 0.1), 3000, "5 student(s) per arm: run at least 6"),
        ({"other_base": None}, (0.8, 0.1), 3000, "No other base was given"),
        ({}, (0.8, 0.1), 2999, "1 dataset(s) kept fewer than 3000 rows (the fewest: 2999)"),
        ({}, (0.19, 0.1), 3000, "1 teacher(s) show the trait less than twice as often"),
    ],
)
def test_each_limit_of_a_run_is_noted(changes, teachers, datasets, start):
    found = notes(replace(PLAN, **changes), [teacher(*teachers)], [dataset(kept=datasets), dataset()])
    assert found[0].startswith(start)
    assert len(found) == 2
