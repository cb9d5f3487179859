"""What was not asked is said, each with its reason and the option that asks it."""

from dataclasses import replace
from pathlib import Path

from subtrait.auditor.not_checked import not_checked
from subtrait.audits import plan_audit

PLAN = plan_audit("x.jsonl", "micro-a", seed=0)
ASKED = {"content", "origin", "lineage", "traits", "personas", "forecast"}


def codes(plan=PLAN, asked=ASKED):
    return [reason.code for reason in not_checked(plan, asked)]


def test_an_ordinary_audit_says_what_it_left_out():
    assert codes() == ["NO_TRIAL", "NO_FILTERING", "UNLISTED_TRAITS", "PREFERENCES"]


def test_what_was_asked_is_not_said_to_be_left_out():
    plan = replace(PLAN, students=6, before=Path("y.jsonl"))
    assert codes(plan, ASKED | {"trial", "filtering"}) == ["UNLISTED_TRAITS", "PREFERENCES"]


def test_where_there_are_too_few_rows_every_question_is_said_to_be_unanswered():
    assert codes(asked={"content", "traits"})[0] == "TOO_FEW_ROWS"


def test_what_an_option_asks_names_the_option():
    texts = {reason.code: reason.text for reason in not_checked(PLAN, ASKED)}
    assert "--try" in texts["NO_TRIAL"]
    assert "--before" in texts["NO_FILTERING"]


def test_a_candidate_behind_a_server_is_no_silent_rival():
    reasons = not_checked(replace(PLAN, candidates=("micro-b", "openai:gpt-x")), ASKED)
    served = next(reason.text for reason in reasons if reason.code == "SERVED_CANDIDATES")
    assert "openai:gpt-x" in served
    assert "micro-b" not in served
