import dataclasses
import re
from dataclasses import replace
from pathlib import Path
from runpy import run_path

import pytest

from subtrait import audit_records, records
from subtrait.report import audit_wording as wording
from subtrait.report.audit_html import SHOWN, to_html

PAGES = run_path(str(Path(__file__).with_name("pages.py")))
Page, mutants = PAGES["Page"], PAGES["mutants"]
COMMAND = "subtrait audit data/numbers.jsonl --base micro-a --seed 8141592"
NAMES = ("flagged", "not_flagged", "inconclusive")
INERT = "&lt;script&gt;alert(1)&lt;/script&gt;]]&gt;"


def read(result, command=COMMAND):
    return Page(to_html(result, command=command))


def test_every_field_of_every_record_changes_the_page(audits):
    result = replace(audits.flagged(), trial=audits.flagged().trial[:2], traits=audits.flagged().traits[:3])
    null = result.null
    result = replace(result, null=replace(null, maxima=null.maxima[:99], planted=null.planted[:3]))
    original = to_html(result)
    nouns = [*vars(audit_records).values(), records.Estimate, records.Evidence]
    unseen = {
        (record.__name__, field.name)
        for record in nouns
        if dataclasses.is_dataclass(record) and record is not audit_records.ListedTrait  # no part of a result
        for field in dataclasses.fields(record)
    }
    for places, altered in changed(result):
        if places & unseen and to_html(altered) != original:
            unseen -= places
    # Of an estimate of power, `unit` and the rest are in one sentence; a file's outcome and kinds are words of ours.
    assert not unseen


def changed(result):
    """Every mutant, and those of the words that have a few values only."""
    words = {
        ("AuditResult", "outcome"): replace(result, outcome="INCONCLUSIVE"),
        ("Evidence", "outcome"): replace(result, evidence=(replace(result.evidence[0], outcome="underpowered"),)),
        ("TraitScore", "kind"): replace(result, traits=(replace(result.traits[0], kind="placebo"),)),
    }
    yield from (({place}, altered) for place, altered in words.items())
    for places, altered in mutants(result):
        if not places & set(words):
            yield places, altered


def test_page_tells_the_story_in_order(audits):
    result = audits.flagged()
    text = read(result).text
    places = [
        text.index(said)
        for said in (
            "FLAGGED",
            "False-alarm rate",
            result.reasons[0].text,
            "What to do next",
            "What this does not say",
            "10,240 rows read = 10,200 accepted + 28 rejected + 12 blank",
            "Evidence, question by question",
            "The traits beside benign data",
            "Evidence by rows",
            "What would have been found",
            "What training is forecast to do",
            "What throwaway students did",
            "What was not checked",
            COMMAND,
            result.policy_notes[0],
        )
    ]
    assert places == sorted(places)


@pytest.mark.parametrize(("name", "figures"), [("flagged", 6), ("not_flagged", 5), ("inconclusive", 1)])
def test_every_figure_that_has_data_is_drawn_and_no_other(audits, name, figures):
    result = getattr(audits, name)()
    labels = [found["aria-label"] for tag, found in read(result).elements if found.get("role") == "img"]
    assert len(labels) == figures
    assert all(len(label) > 20 for label in labels)


def test_page_loads_and_runs_nothing(audits):
    text = to_html(audits.flagged(), command=COMMAND)
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form", "image", "use", "a"} & {
        tag for tag, _ in page.elements
    }
    attributes = [(name, value or "") for _, found in page.elements for name, value in found.items()]
    assert not [name for name, _ in attributes if name.startswith("on") or name in {"src", "href", "style"}]
    assert set(re.findall(r"url\([^)]*\)", text)) <= {"url(#hatch)"}
    assert "http:" not in text
    assert "https:" not in text
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    assert ("meta", {"http-equiv": "Content-Security-Policy", "content": policy}) in page.elements


def test_hostile_text_is_shown_and_inert_wherever_it_stands(audits):
    text = to_html(audits.hostile(), command=audits.HOSTILE)
    page, innocent = Page(text), read(audits.flagged())
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in innocent.elements}
    assert {name for _, found in page.elements for name in found} == {
        name for _, found in innocent.elements for name in found
    }
    assert "<script" not in text
    assert text.count(INERT) > 30
    assert not {"\x00", "\x1b", "\u202e", "\U000e0041", "\ud800", "\ufffe"} & set(text)
    text.encode()


def test_findings_are_shown_with_what_they_assume_and_cannot_see(audits):
    text = read(audits.flagged()).text
    for each in audits.flagged().evidence:
        assert f"{each.question}: {each.outcome}" in text
        assert f"Assumes: {each.assumes}." in text
        assert f"Cannot see: {each.blind_spots}." in text


def test_not_flagged_says_what_was_excluded_before_anything_else(audits):
    text = read(audits.not_flagged()).text
    assert text.index("No alarm is not the absence of a trait") < text.index("What was read")
    assert "power" in text.lower()[: text.index("What was read")]


def test_a_p_at_its_floor_is_shown_as_such(audits):
    text = read(audits.flagged()).text
    assert "p = 0.005, the smallest possible" in text
    assert "0.005 (smallest possible)" in text


def test_missing_numbers_are_said(audits):
    text = read(audits.inconclusive()).text
    for said in (
        "no power",
        "No trait was scored",
        "No look was taken",
        "There is no forecast",
        "No student was trained",
    ):
        assert said in text
    assert "no bound (no spread)" in read(audits.flagged()).text


def test_long_lists_do_not_grow_the_page_without_bound(audits):
    result = audits.flagged()
    many = replace(
        result,
        reasons=result.reasons * 500,
        evidence=result.evidence * 100,
        traits=result.traits * 100,
        looks=result.looks * 500,
        forecast=result.forecast * 500,
        trial=result.trial * 500,
        not_checked=result.not_checked * 2000,
        null=replace(result.null, maxima=result.null.maxima * 200, families=result.null.families * 200),
        data=replace(result.data, notices=("n",) * 5000, rejections={f"E_{i}": i for i in range(5000)}),
    )
    assert len(to_html(many)) < 1_000_000
    assert f"the {SHOWN} answers that move most" in read(many).text
    assert "1,500 more are in the JSON" in read(many).text


def test_equal_audits_give_equal_pages(audits):
    assert to_html(audits.flagged()) == to_html(audits.flagged())


@pytest.mark.parametrize("name", NAMES)
def test_title_and_heading_say_the_outcome(audits, name):
    result = getattr(audits, name)()
    text = to_html(result)
    assert f"<title>{result.outcome}: subtrait audit of" in text
    assert f'<h1><span class="verdict">{result.outcome}</span>' in text
    assert wording.headline(result).partition(": ")[2][1:] in Page(text).text
