"""What scoring came to, for people and for programs: complete, and safe to show."""

import pytest

from subtrait.audit_records import DataRead
from subtrait.auditor.row_scores.report import SHOWN, from_json, summary, to_json
from subtrait.auditor.row_scores.scored import Explained, ScoredData
from subtrait.errors import InvalidInput
from subtrait.report.terminal import printed

HOSTILE = "[bold]\x1b[31m\u202e::error::<b>"
DATA = DataRead(
    path="data.jsonl", digest="d" * 64, shape="messages", turns="all", read=9, accepted=7, rejected=1, blank=1,
    rejections={"E_JSON": 1}, different_rows=7, different_prompts=7, scored_turns=8, notices=("a blank line",),
)  # fmt: skip


def explained(name, ratio):
    return Explained(name=name, log_likelihood=-50 + ratio, log_ratio=ratio, tokens=120, better=0.375)


def result(*others):
    return ScoredData(
        schema_version=1, version="0.1.0", base="micro-a", data=DATA, scored=8, shards=1, shard_rows=1000,
        explained=(explained("base", 0.0), *others),
    )  # fmt: skip


def test_a_result_reads_back_as_it_was_written():
    whole = result(explained("owl", 0.25), explained(HOSTILE, -0.5))
    assert from_json(to_json(whole), "scored.json") == whole


def test_a_result_of_another_kind_is_refused():
    other = to_json(result()).replace('"schema_version": 1', '"schema_version": 2')
    for text in (other, "{}", "nonsense"):
        with pytest.raises(InvalidInput) as caught:
            from_json(text, "scored.json")
        assert caught.value.code == "E_RESULT"


def test_the_summary_has_every_number_and_says_that_it_is_no_verdict():
    text = printed(summary(result(explained("owl", 0.25))))
    for part in ("8 completions of 7 rows under 2 hypotheses", "-49.7500", "+0.2500", "37.5%", "no verdict"):
        assert part in text
    assert "9 rows in = 7 accepted + 1 rejected + 1 blank" in " ".join(text.split())


def test_the_base_is_not_compared_with_itself():
    (line,) = [line for line in printed(summary(result())).splitlines() if line.strip().startswith("base")]
    assert line.split() == ["base", "-50.0000"]


def test_names_are_shown_and_command_nothing():
    text = printed(summary(result(explained(HOSTILE, 0.1))))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "::error::" not in text


def test_the_table_ends_and_says_what_is_left_out():
    text = printed(summary(result(*(explained(f"trait-{n}", -n / 10) for n in range(SHOWN + 4)))))
    assert f"trait-{SHOWN - 2}" in text
    assert f"trait-{SHOWN}" not in text
    assert "5 more hypotheses are in the JSON only" in text
