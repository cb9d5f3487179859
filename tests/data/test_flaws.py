import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subtrait.data.flaws import Flaw, Reject, place, pointer


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ((("a.jsonl",), {}), "a.jsonl"),
        ((("a.jsonl", 3), {}), "a.jsonl:3"),
        ((("a.jsonl", 3), {"column": 17}), "a.jsonl:3:17"),
        ((("a.jsonl", 3), {"field": "/id"}), "a.jsonl:3 field=/id"),
    ],
)
def test_a_place_is_file_line_column_field(arguments, shown):
    assert place(*arguments[0], **arguments[1]) == shown


@given(st.text(max_size=600), st.integers(1), st.text(max_size=600))
def test_a_place_is_short_printable_and_keeps_the_line(file, line, field):
    shown = place(file, line, field=field)
    assert shown.isprintable()
    assert len(shown) < 400 + len(str(line))
    assert f":{line}" in shown


def test_a_long_path_keeps_its_end():
    assert place("x" * 500 + "/data.jsonl", 7).endswith("x/data.jsonl:7")


def test_a_pointer_escapes_what_has_a_meaning_in_it():
    # The examples of RFC 6901, section 5.
    assert [pointer(key) for key in ("a/b", "m~n", " ", "")] == ["/a~1b", "/m~0n", "/ ", "/"]
    assert pointer("messages", 0, "role") == "/messages/0/role"


def test_a_flaw_becomes_an_error_with_its_place_and_advice():
    error = Flaw("E_ROLE", "unknown", hint="write user", field="/role", column=4).at("a.jsonl", 2)
    assert str(error) == "E_ROLE a.jsonl:2:4 field=/role: unknown (write user)"


@given(st.binary(max_size=300), st.text(max_size=20))
def test_a_reject_gives_its_bytes_back(raw, field):
    reject = Reject(
        file="a", line=1, offset=0, length=9, code="E_JSON", reason="bad", field=field, column=None, raw=raw
    )  # fmt: skip
    row = reject.as_row()
    assert base64.b64decode(row["raw_base64"]) == raw
    assert row["text"].isprintable()
    assert row["field"].isprintable()
