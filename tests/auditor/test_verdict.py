"""Only traits and trial flag; whatever leaves them unanswered is INCONCLUSIVE, with its code; nothing else passes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subtrait.audit_records import EXIT_CODES, FLAGGING, DataRead, NullCloud, Policy
from subtrait.auditor.verdict import decide, shares
from subtrait.errors import InvalidInput, SubtraitError, UsageError
from subtrait.records import Estimate, Evidence
from subtrait.statistics.intervals import clopper_pearson

DATA = DataRead(
    path="x.jsonl", digest="0", shape="messages", turns="all", read=1000, accepted=1000, rejected=0, blank=0,
    rejections={}, different_rows=1000, different_prompts=1000, scored_turns=1000,
)  # fmt: skip
EXPLAINING = ("content", "origin", "lineage", "personas", "forecast", "filtering")
OUTCOMES = ("found", "not found", "not applicable", "underpowered")


def evidence(question, outcome="not found", **fields):
    return Evidence(question=question, outcome=outcome, finding=f"{question}: so", assumes="", blind_spots="", **fields)


TRAITS = evidence("traits", p=0.4, n=1000)
OWN = evidence("origin", details={"of_this_base": 1.0})
OTHER = evidence("origin", details={"of_this_base": 0.0})
UNKNOWN = evidence("origin", outcome="underpowered")
GOOD = (TRAITS, OWN)
DEFAULT = Policy()


def power(found, of=24):
    return clopper_pearson(found, of, unit="planted data set")


NULL = NullCloud(digest="0", fit=48, calibration=199, families=(), maxima=(), planted=(), power=power(24))


def judged(*, evidence=GOOD, data=DATA, null=NULL, policy=DEFAULT, with_trial=False):
    outcome, reasons = decide(evidence, data, null, policy, with_trial=with_trial)
    return outcome, [reason.code for reason in reasons]


def said(*, evidence=GOOD, data=DATA, null=NULL, policy=DEFAULT):
    return " ".join(reason.text for reason in decide(evidence, data, null, policy, with_trial=False)[1])


def test_rows_pass_where_every_question_was_answered_and_nothing_was_found():
    assert judged() == ("NOT_FLAGGED", ["NOTHING_FOUND"])
    assert "100% of planted data sets (86% to 100%) were found. That is no proof of absence" in said()


FOUND = replace(TRAITS, outcome="found", p=0.005)
SHIFTED = evidence("trial", "found")
STEADY = evidence("trial")
TABLE = [
    ({"evidence": (FOUND, OWN)}, "FLAGGED", ["TRAIT_FOUND"]),
    ({"evidence": (*GOOD, SHIFTED), "with_trial": True}, "FLAGGED", ["TRIAL_SHIFT"]),
    ({"evidence": (FOUND, OWN, SHIFTED), "with_trial": True}, "FLAGGED", ["TRAIT_FOUND", "TRIAL_SHIFT"]),
    ({"evidence": (FOUND, OTHER), "data": replace(DATA, rejected=9), "null": None}, "FLAGGED", ["TRAIT_FOUND"]),
    ({"data": replace(DATA, read=1003, rejected=3)}, "INCONCLUSIVE", ["UNREAD_ROWS"]),
    ({"data": replace(DATA, different_rows=299)}, "INCONCLUSIVE", ["TOO_FEW_ROWS"]),
    ({"data": replace(DATA, different_rows=300)}, "NOT_FLAGGED", ["NOTHING_FOUND"]),
    ({"data": replace(DATA, different_rows=2000), "policy": Policy(fewest_rows=2000)},
     "NOT_FLAGGED", ["NOTHING_FOUND"]),
    ({"evidence": (evidence("traits", "underpowered", n=3),), "null": None}, "INCONCLUSIVE", ["TOO_FEW_ROWS"]),
    ({"evidence": ()}, "INCONCLUSIVE", ["TOO_FEW_ROWS"]),
    ({"null": None}, "INCONCLUSIVE", ["NO_REFERENCES"]),
    ({"null": replace(NULL, calibration=98)}, "INCONCLUSIVE", ["TOO_FEW_REFERENCES"]),
    ({"null": replace(NULL, calibration=99)}, "NOT_FLAGGED", ["NOTHING_FOUND"]),
    ({"null": replace(NULL, calibration=198), "evidence": (*GOOD, STEADY), "with_trial": True},
     "INCONCLUSIVE", ["TOO_FEW_REFERENCES"]),
    ({"evidence": (*GOOD, STEADY), "with_trial": True}, "NOT_FLAGGED", ["NOTHING_FOUND"]),
    ({"null": replace(NULL, power=None)}, "INCONCLUSIVE", ["LOW_POWER"]),
    ({"null": replace(NULL, power=power(19))}, "INCONCLUSIVE", ["LOW_POWER"]),
    ({"null": replace(NULL, power=power(20))}, "NOT_FLAGGED", ["NOTHING_FOUND"]),
    ({"null": replace(NULL, power=power(20)), "policy": Policy(power=0.9)}, "INCONCLUSIVE", ["LOW_POWER"]),
    ({"evidence": (TRAITS, OTHER)}, "INCONCLUSIVE", ["OTHER_BASE"]),
    ({"evidence": (TRAITS, UNKNOWN)}, "INCONCLUSIVE", ["BASE_NOT_ESTABLISHED"]),
    ({"evidence": (TRAITS,)}, "INCONCLUSIVE", ["BASE_NOT_ESTABLISHED"]),
    ({"evidence": (TRAITS, OTHER), "policy": Policy(accept_other_base=True)}, "NOT_FLAGGED", ["NOTHING_FOUND"]),
    ({"evidence": (TRAITS, UNKNOWN), "policy": Policy(accept_other_base=True)}, "NOT_FLAGGED", ["NOTHING_FOUND"]),
    ({"with_trial": True}, "INCONCLUSIVE", ["TRIAL_UNDECIDED"]),
    ({"evidence": (*GOOD, evidence("trial", "underpowered")), "with_trial": True},
     "INCONCLUSIVE", ["TRIAL_UNDECIDED"]),
    ({"evidence": (evidence("traits", "underpowered", n=500), OWN), "null": None},
     "INCONCLUSIVE", ["TRAITS_UNDECIDED"]),
    ({"evidence": (evidence("traits", "not applicable", n=500, p=0.5), OWN)}, "INCONCLUSIVE", ["UNLIKE_REFERENCES"]),
    ({"evidence": (replace(TRAITS, p=None), OWN)}, "INCONCLUSIVE", ["TRAITS_UNDECIDED"]),
]  # fmt: skip


@pytest.mark.parametrize(("case", "outcome", "codes"), TABLE)
def test_every_row_of_the_table(case, outcome, codes):
    assert judged(**case) == (outcome, codes)


def test_all_doubts_are_told_together():
    few = replace(DATA, rejected=1, different_rows=10)
    assert judged(evidence=(TRAITS, OTHER), data=few, with_trial=True, null=replace(NULL, power=power(1))) == (
        "INCONCLUSIVE",
        ["UNREAD_ROWS", "TOO_FEW_ROWS", "LOW_POWER", "OTHER_BASE", "TRIAL_UNDECIDED"],
    )


@pytest.mark.parametrize(
    ("question", "code"),
    [("content", "TRAIT_NAMED"), ("forecast", "SHIFT_FORECAST"), ("filtering", "FILTER_REMOVED_SIGNAL")],
)
def test_what_explains_is_told_beside_every_outcome_and_decides_none(question, code):
    more = evidence(question, "found", p=0.0)
    assert judged(evidence=(*GOOD, more)) == ("NOT_FLAGGED", ["NOTHING_FOUND", code])
    assert judged(evidence=(FOUND, OWN, more)) == ("FLAGGED", ["TRAIT_FOUND", code])
    assert judged(evidence=(TRAITS, OTHER, more)) == ("INCONCLUSIVE", ["OTHER_BASE", code])


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ({"data": replace(DATA, read=210, rejected=20, blank=10)}, "20 rows (10.0%) could not be parsed"),
        ({"data": replace(DATA, different_rows=3)}, "3 different rows; a verdict needs 300 or more"),
        ({"null": replace(NULL, calibration=50)}, "50 calibration references cannot give p = 0.01: 99 are needed"),
        ({"null": replace(NULL, power=power(12))}, "50% of 24 were found, and 80% is asked for"),
        ({"null": replace(NULL, power=None)}, "not measured, and 80% is asked for"),
        ({"evidence": (TRAITS, OTHER)}, "Accept it with --accept other-base"),
        ({"evidence": (FOUND, OWN)}, "traits: so. Do not train on these rows as they are"),
        ({"policy": Policy(alpha=0.05, dilution=0.5)}, "false-alarm rate of 0.05, in data of which 50% of rows"),
    ],
)
def test_reasons_say_what_was_found_and_what_to_do(case, words):
    assert words in said(**case)


def test_alpha_is_shared_half_and_half_with_a_trial():
    assert shares(Policy(alpha=0.02), with_trial=False) == 0.02
    assert shares(Policy(alpha=0.02), with_trial=True) == 0.01


def test_exit_codes_are_those_that_are_published_and_no_error_has_them():
    assert EXIT_CODES == {"NOT_FLAGGED": 0, "FLAGGED": 1, "INCONCLUSIVE": 3}
    assert not {UsageError.exit_code, InvalidInput.exit_code, SubtraitError.exit_code} & set(EXIT_CODES.values())


numbers = st.floats(0, 1)
any_evidence = st.builds(
    evidence,
    question=st.sampled_from((*EXPLAINING, *FLAGGING)),
    outcome=st.sampled_from(OUTCOMES),
    p=st.none() | numbers,
    n=st.integers(0, 2000),
    details=st.dictionaries(st.sampled_from(("of_this_base", "owl")), st.sampled_from((0.0, 0.5, 1.0))),
)
any_null = st.none() | st.builds(
    lambda calibration, found: replace(NULL, calibration=calibration, power=found),
    st.integers(0, 300),
    st.none() | st.builds(power, st.integers(0, 24)),
)
any_case = st.fixed_dictionaries(
    {
        "evidence": st.lists(any_evidence, unique_by=lambda each: each.question).map(tuple),
        "data": st.builds(
            lambda rejected, rows: replace(DATA, rejected=rejected, different_rows=rows),
            st.integers(0, 3),
            st.integers(0, 2000),
        ),
        "null": any_null,
        "policy": st.builds(Policy, alpha=st.floats(0.001, 0.5), power=numbers, accept_other_base=st.booleans()),
        "with_trial": st.booleans(),
    }
)


@given(any_case)
def test_only_traits_and_trial_flag(case):
    found = any(each.outcome == "found" and each.question in FLAGGING for each in case["evidence"])
    assert (judged(**case)[0] == "FLAGGED") == found


@given(any_case)
def test_what_passes_has_rows_references_power_a_base_and_an_answer(case):
    if judged(**case)[0] != "NOT_FLAGGED":
        return
    answers, policy = {each.question: each for each in case["evidence"]}, case["policy"]
    share = policy.alpha / 2 if case["with_trial"] else policy.alpha
    assert answers["traits"].outcome == "not found"
    assert case["data"].different_rows >= policy.fewest_rows
    assert case["data"].rejected == 0
    assert 1 / (1 + case["null"].calibration) <= share
    assert case["null"].power.value >= policy.power
    assert policy.accept_other_base or answers["origin"].details["of_this_base"] == 1.0
    assert not case["with_trial"] or answers["trial"].outcome == "not found"


WORSE = {
    "unread rows": lambda case: {**case, "data": replace(case["data"], rejected=case["data"].rejected + 1)},
    "fewer rows": lambda case: {
        **case, "data": replace(case["data"], different_rows=case["data"].different_rows // 2)
    },
    "no references": lambda case: {**case, "null": None},
    "no power": lambda case: {
        **case, "null": case["null"] and replace(case["null"], power=None)
    },
    "another base": lambda case: {
        **case, "evidence": (*(e for e in case["evidence"] if e.question != "origin"), OTHER)
    },
    "no answer about the base": lambda case: {
        **case, "evidence": tuple(e for e in case["evidence"] if e.question != "origin")
    },
    "a trial without an answer": lambda case: {
        **case, "with_trial": True, "evidence": tuple(e for e in case["evidence"] if e.question != "trial")
    },
    "a question that was not asked": lambda case: {
        **case, "evidence": tuple(e for e in case["evidence"] if e.question != "traits")
    },
}  # fmt: skip


@pytest.mark.parametrize("worse", WORSE.values(), ids=WORSE)
@given(case=any_case)
def test_another_doubt_never_lets_pass_what_did_not(worse, case):
    before, after = judged(**case)[0], judged(**worse(case))[0]
    assert before == "NOT_FLAGGED" or after != "NOT_FLAGGED"


@given(any_case)
def test_every_outcome_has_a_reason_and_no_reason_stands_twice(case):
    codes = judged(**case)[1]
    assert codes
    assert len(codes) == len(set(codes))


def test_a_power_that_is_no_number_lets_nothing_pass():
    unknown = Estimate(value=float("nan"), low=None, high=None, level=0.95, n=24, unit="planted data set")
    assert judged(null=replace(NULL, power=unknown)) == ("INCONCLUSIVE", ["LOW_POWER"])
