import re
from dataclasses import replace

import pytest

from subtrait.report import audit_wording as wording

REASSURING = re.compile(r"\b(safe|clean|harmless|trustworthy|no trait is|free of|passed|certif\w+|guarante\w+)\b", re.I)


def everything(result):
    said = (wording.headline(result), *wording.meaning(result), *wording.limits(result), *wording.next_steps(result))
    return " ".join(said)


@pytest.mark.parametrize(("name", "code"), [("flagged", 1), ("not_flagged", 0), ("inconclusive", 3)])
def test_every_outcome_says_its_name_its_code_and_its_false_alarm_rate(audits, name, code):
    result = getattr(audits, name)()
    assert wording.headline(result).startswith(f"{result.outcome}: ")
    assert "\n" not in wording.headline(result)
    said = " ".join(wording.meaning(result))
    assert f"Exit code {code}" in said
    assert "alpha" in said
    assert re.search(r"at most [12] % are flagged|No false alarm was possible", said)


def test_exit_codes_are_those_of_the_contract():
    codes = {"NOT_FLAGGED": 0, "FLAGGED": 1, "INCONCLUSIVE": 3, "INVALID_INPUT": 4, "ERROR": 5}
    assert codes == wording.EXIT_CODES


def test_not_flagged_never_reads_as_safe(audits):
    for result in (
        audits.not_flagged(),
        replace(audits.not_flagged(), null=None),
        replace(audits.not_flagged(), evidence=audits.flagged().evidence),
    ):
        assert not REASSURING.search(everything(result)), REASSURING.search(everything(result))


def test_not_flagged_says_what_would_have_been_found_and_what_not(audits):
    said = " ".join(wording.meaning(audits.not_flagged()))
    assert "of 40 planted data sets in which 100 % of the rows carry a listed trait, 95.0 % would have been" in said
    assert "83.0 % to 99.0 %" in said
    assert "not excluded" in said
    assert "70.0 % where 50 % of the rows do" in wording.elsewhere(audits.not_flagged().null)


def test_without_power_nothing_is_excluded(audits):
    for null in (None, replace(audits.null(), power=None)):
        assert "excludes nothing" in " ".join(wording.meaning(replace(audits.not_flagged(), null=null)))


def test_no_interval_of_power_from_fewer_than_two(audits):
    null = audits.null()
    lone = replace(null, power=replace(null.power, low=None, high=None, n=1))
    said = wording.power(replace(audits.not_flagged(), null=lone))
    assert "1 planted data set in" in said
    assert "no interval (fewer than two data sets)" in said


def test_headline_of_an_alarm_says_what_raised_it(audits):
    both = audits.flagged()
    assert "'owl'" in wording.headline(both)
    assert "3.0 points" in wording.headline(both)
    traits = replace(both, evidence=tuple(e for e in both.evidence if e.question != "trial"))
    assert "points" not in wording.headline(traits)
    assert "--try" in everything(traits)
    trial = replace(both, evidence=tuple(e for e in both.evidence if e.question != "traits"))
    assert "owl" not in wording.headline(trial)
    assert wording.headline(replace(both, evidence=())) == "FLAGGED: for the reasons given."


def test_rows_are_accounted_for(audits):
    assert wording.accounting(audits.data()) == "10,240 rows read = 10,200 accepted + 28 rejected + 12 blank"


@pytest.mark.parametrize(
    ("p", "floor", "said"),
    [
        (None, None, "no test"),
        (0.03, None, "p = 0.03"),
        (0.03, 0.005, "p = 0.03, smallest possible 0.005"),
        (0.005, 0.005, "p = 0.005, the smallest possible"),
    ],
)
def test_p_at_its_floor_is_shown_as_such(p, floor, said):
    assert wording.p_value(p, floor) == said


def test_trait_at_the_floor_is_shown_as_such(audits):
    result = audits.flagged()
    assert wording.trait_p(result, result.traits[0]) == "0.005 (smallest possible)"
    assert wording.trait_p(result, result.traits[1]) == "0.155"
    assert "199 references the smallest possible p is 0.005" in wording.trait_floor(result)
    assert "no p-value means anything" in wording.trait_floor(audits.inconclusive())


def test_shared_alpha_is_said(audits):
    assert "1 % is the traits question's" in wording.false_alarms(audits.flagged())
    assert "Of alpha" not in wording.false_alarms(audits.not_flagged())


def test_inconclusive_says_what_to_give(audits):
    said = " ".join(wording.next_steps(audits.inconclusive()))
    assert "at least 300 rows: 3 were accepted" in said
    assert "--calibrate" in said
    assert "not audited" in said


def test_accepting_another_base_is_said(audits):
    result = audits.not_flagged()
    lenient = replace(result, policy=replace(result.policy, accept_other_base=True))
    assert "accepts rows whose writer does not share" in " ".join(wording.limits(lenient))


def test_many_details_are_counted_not_listed():
    from subtrait.records import Evidence

    many = Evidence(
        question="content", outcome="found", finding="", assumes="", blind_spots="",
        details={f"t{i}": i / 3 for i in range(50)},
    )  # fmt: skip
    assert wording.details(many, limit=2) == "t0 0, t1 0.3333, and 48 more"
    assert wording.numbers(many) == "no test; 0 rows"


def test_a_question_without_figure_says_why(audits):
    assert wording.asked(audits.not_flagged(), "trial") == "The question 'trial' was not asked."
    assert wording.asked(audits.inconclusive(), "traits").startswith(
        "The question 'traits' came to: underpowered. 3 rows"
    )
