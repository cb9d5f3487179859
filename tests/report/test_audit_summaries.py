from dataclasses import replace

import pytest

from subtrait.report import audit_summaries as summaries


def conformal(score, maxima):
    return (1 + sum(value >= score for value in maxima)) / (1 + len(maxima))


@pytest.mark.parametrize("alpha", [0.005, 0.01, 0.02, 0.05, 0.1, 0.3])
def test_threshold_is_where_the_conformal_p_crosses_alpha(audits, alpha):
    result = replace(audits.flagged(), alpha_for_traits=alpha)
    needed = summaries.threshold(result)
    assert conformal(needed + 1e-9, result.null.maxima) <= alpha + 1e-12
    assert conformal(needed, result.null.maxima) > alpha


def test_no_score_flags_with_too_few_references(audits):
    result = audits.flagged()
    few = replace(result, null=replace(result.null, maxima=result.null.maxima[:98], calibration=98))
    assert summaries.threshold(few) is None
    assert summaries.threshold(audits.inconclusive()) is None
    enough = replace(result, null=replace(result.null, maxima=result.null.maxima[:99], calibration=99))
    assert summaries.threshold(enough) == max(enough.null.maxima)


def test_only_traits_and_trial_raise_the_alarm(audits):
    assert summaries.alarmed(audits.flagged()) == ("traits", "trial")
    assert summaries.alarmed(replace(audits.flagged(), outcome="INCONCLUSIVE")) == ()
    assert summaries.alarmed(audits.not_flagged()) == ()


def test_smallest_p_is_one_in_one_more_than_the_references(audits):
    assert summaries.smallest_p(audits.flagged().null) == pytest.approx(1 / 200)
    assert summaries.smallest_p(None) is None


def test_a_trial_counts_only_where_students_were_compared(audits):
    assert summaries.was_tried(audits.flagged())
    assert not summaries.was_tried(audits.not_flagged())
    short = audits.evidence("trial", "underpowered", "two students a side")
    assert not summaries.was_tried(replace(audits.not_flagged(), evidence=(short,)))


def test_shares_are_sorted_as_numbers(audits):
    null = replace(audits.null(), power_by_dilution={"0.05": 0.1, "1": 0.9, "0.5": 0.6, "none": 0.3})
    assert summaries.by_dilution(null) == [(1.0, 0.9), (0.5, 0.6), (0.05, 0.1)]


def test_what_moves_down_ranks_with_what_moves_up(audits):
    rows = audits.flagged().forecast
    ranked = summaries.moved_most(rows[::-1])
    assert [row.answer for row in ranked[:3]] == ["owl", "cat", "dog"]
    assert sorted(row.answer for row in ranked) == sorted(row.answer for row in rows)


def test_everything_unanswered_is_listed_with_why(audits):
    listed = summaries.not_checked(audits.not_flagged())
    assert listed == [
        ("NO_TRIAL", "trial: not asked for (--try)."),
        ("forecast: underpowered", "too few rows for an interval"),
    ]


def test_the_leading_trait_is_one_that_benign_data_do_not_explain(audits):
    assert summaries.leading(audits.flagged()).name == "owl"
    assert summaries.leading(audits.not_flagged()) is None
