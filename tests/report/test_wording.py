import sys
import unicodedata
from dataclasses import replace

import pytest

from subtrait.records import Estimate, PermutationTest
from subtrait.report import wording

ESTIMATE = Estimate(value=0.412, low=0.35, high=0.476, level=0.95, n=5, unit="student")
ALONE = replace(ESTIMATE, low=None, high=None, n=1)
TEST = PermutationTest(p=0.03125, floor=0.03125, statistic=0.253, permutations=32, exact=True)


@pytest.mark.parametrize(
    ("share", "shown"), [(0.4126, "41.3 %"), (0, "0.0 %"), (-0.0001, "0.0 %"), (1, "100.0 %"), (-0.021, "-2.1 %")]
)
def test_percentages_have_one_decimal(share, shown):
    assert wording.percent(share) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.312, "+31.2 points"), (-0.0312, "-3.1 points"), (0.0004, "0.0 points"), (-0.0, "0.0 points")],
)
def test_differences_are_signed_points(share, shown):
    assert wording.points(share) == shown


def test_interval_states_level_and_ends():
    assert wording.interval(ESTIMATE) == "95 % interval 35.0 % to 47.6 %"
    assert wording.interval(ESTIMATE, difference=True) == "95 % interval +35.0 to +47.6 points"
    assert wording.level(0.999) == "99.9 %"


@pytest.mark.parametrize("difference", [True, False])
def test_missing_interval_is_said_and_never_a_point(difference):
    for words in (wording.interval, wording.bounds):
        assert words(ALONE, difference=difference) == "no interval (fewer than two students)"
        assert words(replace(ALONE, n=3), difference=difference) == "no interval (no spread between the students)"


def test_p_value_is_never_shown_without_its_floor():
    assert wording.p_value(TEST) == "p = 0.0312, the smallest possible"
    assert wording.p_value(replace(TEST, p=0.4375)) == "p = 0.438, smallest possible 0.0312"
    assert wording.p_value(None) == "no test (fewer than two students)"


def test_relabellings_tell_all_from_a_sample():
    assert wording.relabellings(TEST) == "all 32 relabellings, statistic +0.253"
    assert wording.relabellings(replace(TEST, exact=False)).startswith("a random sample of 32")


def test_nothing_unseen_passes_as_itself():
    # Categories of the Unicode Character Database: control, format, surrogate, private, unassigned, separators.
    hidden = [
        c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    ]
    assert len(hidden) > 2000
    shown = wording.exhibit("".join(hidden), limit=10_000)
    assert set(hidden) & set(shown) == {"\n"}


# From the Unicode property Default_Ignorable_Code_Point: characters that count as printable and show nothing.
@pytest.mark.parametrize(
    "code", [0x034F, 0x115F, 0x17B4, 0x180B, 0x180F, 0x3164, 0xFE00, 0xFE0F, 0xFFA0, 0xE0100, 0xE01EF]
)
def test_ignorable_characters_become_escapes(code):
    assert wording.exhibit(f"a{chr(code)}b") in {f"a\\u{code:04x}b", f"a\\U{code:08x}b"}


def test_line_breaks_stay_in_exhibits_only():
    assert wording.exhibit("1\r\n2\n3\r4") == "1\n2\n3\\r4"
    assert wording.one_line("1\n2") == "1\\n2"


def test_exhibits_are_cut_at_their_limit():
    assert wording.exhibit("x" * 401) == "x" * 399 + "…"
    assert wording.exhibit("x" * 400) == "x" * 400
    assert len(wording.one_line("\u202e" * 500, limit=40)) == 40


def test_limits_name_every_arm_that_is_missing(result):
    complete = " ".join(wording.limits(result))
    alone = " ".join(wording.limits(replace(result, arms=result.arms[:1])))
    for phrase in ("another base", "shuffled rows", "untreated rows"):
        assert phrase not in complete
        assert phrase in alone


@pytest.mark.parametrize(("text", "ended"), [("a", "a."), ("a.", "a."), ("a?", "a?"), ("cut…", "cut…"), ("", ".")])
def test_a_sentence_ends_once(text, ended):
    assert wording.sentence(text) == ended
