import io
from dataclasses import replace

import pytest
from rich.console import Console

from subtrait.report import audit_wording as wording
from subtrait.report.audit_text import MANY, summary

COMMAND = "subtrait audit data/numbers.jsonl --base micro-a --try --seed 8141592"
NAMES = ("flagged", "not_flagged", "inconclusive")


def shown(result, *, width=80, command=COMMAND):
    stream = io.StringIO()
    console = Console(file=stream, width=width, no_color=True, force_terminal=False, legacy_windows=False)
    for part in summary(result, command=command):
        console.print(part)
    return stream.getvalue()


@pytest.mark.parametrize("name", [*NAMES, "hostile"])
def test_lines_fit_80_columns_without_colour(audits, name):
    text = shown(getattr(audits, name)())
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "\x1b" not in text


@pytest.mark.parametrize("name", NAMES)
def test_verdict_is_the_first_line_and_what_to_do_the_last(audits, name):
    result = getattr(audits, name)()
    text = shown(result, width=200)
    assert text.splitlines()[0].strip() == wording.headline(result)
    assert text.rstrip().splitlines()[-1].strip() == wording.next_steps(result)[-1]
    assert "at most" in text or "No false alarm was possible" in text


def test_summary_tells_the_whole_story(audits):
    result = audits.flagged()
    text = " ".join(shown(result, width=200).split())
    assert "10,240 rows read = 10,200 accepted + 28 rejected + 12 blank" in text
    for each in result.evidence:
        for said in (f"{each.question}: {each.outcome}", each.finding, each.assumes, each.blind_spots):
            assert said in text
    for said in ("E_ROLE 20, E_TYPE 8", "0.005 (smallest possible)", "a score above 2.88 flags", "+6.1 to +11.1"):
        assert said in text
    for said in ("+12.9", "no bound (no spread)", "+19.0", "not extrapolated", "70.0 %", "NO_BEFORE", COMMAND):
        assert said in text
    for reason in result.reasons:
        assert f"{reason.code}: {reason.text}" in text


def test_what_was_not_done_is_said_and_why(audits):
    text = " ".join(shown(audits.inconclusive(), width=200).split())
    assert "Traits The question 'traits' came to: underpowered. 3 rows are fewer than the 300" in text
    assert "The question 'trial' was not asked." in text
    assert "Power was not measured" in text
    assert "NO_TRIAL" in text


def test_hostile_text_is_neither_markup_nor_control_nor_command(audits):
    text = shown(audits.hostile(), width=300, command=audits.HOSTILE)
    assert not {"\x1b", "\u202e", "\x00", "\U000e0041", "\ud800"} & set(text)
    assert "::" not in text
    assert "##" not in text
    assert text.count("[bold]\\x00\\x1b[31m\\u202e") > 15
    text.encode()


def test_long_lists_are_cut_and_counted(audits):
    result = audits.flagged()
    many = replace(
        result,
        reasons=result.reasons * 50,
        not_checked=result.not_checked * 100,
        traits=result.traits * 20,
        evidence=result.evidence * 20,
        looks=result.looks * 90,
        trial=result.trial * 9,
        data=replace(result.data, notices=("n",) * 500, rejections={f"E_{i}": i for i in range(900)}),
    )
    text = shown(many)
    assert f"and {100 - MANY} more, in the JSON" in text
    assert "320 scored" in text
    assert "10 of 36 answers" in text
    assert len(text.splitlines()) < 600


def test_an_audit_without_anything_still_prints(audits):
    bare = replace(
        audits.not_flagged(), reasons=(), evidence=(), traits=(), looks=(), null=None, forecast=(), not_checked=()
    )
    text = shown(bare, command=None)
    assert "No reason was recorded." in text
    assert "excludes nothing" in " ".join(text.split())
