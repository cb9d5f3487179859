from dataclasses import replace
from xml.etree import ElementTree

import pytest

from subtrait.report.junit import to_junit


def read(result):
    text = to_junit(result)
    return ElementTree.fromstring(text.encode())


def case(root, name):
    (found,) = [each for each in root.iter("testcase") if each.get("name") == name]
    return found


def kinds(root):
    return {
        each.get("name"): [child.tag for child in each if child.tag != "system-out"] for each in root.iter("testcase")
    }


def test_flagged_is_a_failure_of_the_verdict_and_of_what_raised_it(audits):
    assert kinds(read(audits.flagged())) == {
        "verdict": ["failure"],
        "content": [],
        "origin": [],
        "lineage": [],
        "traits": ["failure"],
        "forecast": [],
        "trial": ["failure"],
        "filtering": ["skipped"],
        "not checked: NO_BEFORE": ["skipped"],
    }


def test_inconclusive_is_an_error_with_its_reason(audits):
    root = read(audits.inconclusive())
    (error,) = case(root, "verdict")
    assert (error.tag, error.get("type")) == ("error", "TOO_FEW_ROWS")
    assert "300 are needed" in error.text
    assert kinds(root)["traits"] == ["skipped"]


def test_not_flagged_passes_and_says_what_would_have_been_found(audits):
    root = read(audits.not_flagged())
    assert kinds(root)["verdict"] == []
    assert "95.0 % would have been flagged" in case(root, "verdict").find("system-out").text
    assert case(root, "forecast").find("skipped").get("message") == "underpowered: too few rows for an interval"


@pytest.mark.parametrize("name", ["flagged", "not_flagged", "inconclusive", "hostile"])
def test_counts_are_those_of_the_cases(audits, name):
    root = read(getattr(audits, name)())
    (suite,) = root
    cases = suite.findall("testcase")
    for element in (root, suite):
        assert element.get("tests") == str(len(cases))
        for count, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert element.get(count) == str(len(list(suite.iter(tag))))


def test_hostile_text_is_well_formed_and_visible(audits):
    text = to_junit(audits.hostile())
    root = ElementTree.fromstring(text.encode())
    assert not {"\x00", "\x1b", "\u202e", "\ufffe", "\ud800"} & set(text)
    assert "\\x00\\x1b[31m\\u202e" in case(root, "verdict").find("failure").text
    assert "<script" not in text
    assert {each.tag for each in root.iter()} == {each.tag for each in read(audits.flagged()).iter()}


def test_every_character_that_xml_forbids_is_escaped(audits):
    forbidden = [*map(chr, range(9)), "\x0b", "\x0c", *map(chr, range(14, 32)), "\ud800", "\udfff", "\ufffe", "\uffff"]
    for character in forbidden:
        result = replace(audits.flagged(), base=character, data=audits.data(path=f"a{character}b"))
        root = ElementTree.fromstring(to_junit(result).encode())
        assert character.encode("unicode_escape").decode() in root[0].get("name")


def test_equal_audits_give_equal_bytes(audits):
    assert to_junit(audits.flagged()).encode() == to_junit(audits.flagged()).encode()


def test_an_outcome_without_reasons_is_still_a_failure(audits):
    assert kinds(read(replace(audits.flagged(), reasons=())))["verdict"] == ["failure"]
