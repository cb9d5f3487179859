"""The published list of bad inputs, as far as it concerns lines of text: each gets its own code, place and advice.

The numbers are those of the list. A case is one bad file; where the fault is in one row, the row stands second, after
a good one, and the same file is read again in quarantine with a good row behind it.
"""

import gzip
import json
import re
from typing import NamedTuple

import pytest

from subtrait.data import Limits
from subtrait.errors import InvalidInput


def turns(*pairs):
    return {"messages": [{"role": role, "content": content} for role, content in pairs]}


def line(row):
    return json.dumps(row, ensure_ascii=False).encode()


GOOD = line(turns(("user", "1, 2"), ("assistant", "3")))
USER, ANSWER = ("user", "1"), ("assistant", "2")
PART = {"type": "text", "text": "2"}


class Bad(NamedTuple):
    case: str
    data: bytes
    code: str
    place: str
    """What follows the line number: column and field."""
    says: str = ""
    limits: Limits = Limits()


def messages(content: bytes) -> bytes:
    return b'{"messages": [{"role": "user", "content": ' + content + b'}, {"role": "assistant", "content": "2"}]}'


CONTENT, ROLE = " field=/messages/0/content", " field=/messages/0/role"
ROWS = [
    Bad("IN-6-cut", b'{"messages": [{"role": "us', "E_JSON", ":24", "the file may be truncated"),
    Bad("IN-8-bom-later", b"\xef\xbb\xbf" + GOOD, "E_JSON", ":1", "byte order mark"),
    Bad("IN-10-invalid-byte", messages(b'"a\xffb"'), "E_UTF8", ":45", "byte 0xFF at byte {44}"),
    Bad("IN-10-cut-character", messages('"é'.encode()[:-1]), "E_UTF8", ":44", "byte 0xC3"),
    Bad("IN-10-column-in-characters", messages('"éé'.encode() + b"\xff"), "E_UTF8", ":46", "byte 0xFF at byte {47}"),
    Bad("IN-11-overlong", messages(b'"\xc0\xaf"'), "E_UTF8", ":44", "byte 0xC0"),
    Bad("IN-12-encoded-surrogate", messages(b'"\xed\xa0\x80"'), "E_UTF8", ":44", "byte 0xED"),
    Bad("IN-13-lone-surrogate", messages(b'"a\\ud800"'), "E_SURROGATE", CONTENT, "half a character"),
    Bad("IN-13-lone-low-surrogate", messages(b'"\\uDFFFa"'), "E_SURROGATE", CONTENT),
    Bad("IN-13-in-a-key", b'{"\\ud800": 1}', "E_SURROGATE", r" field=/\ud800"),
    Bad("IN-14-nul-in-id", line({**turns(USER, ANSWER), "id": "a\0"}), "E_SCHEMA", " field=/id", "NUL"),
    Bad("IN-14-nul-in-name", line({"messages": [{"role": "user", "content": "1", "name": "\0"}]}), "E_SCHEMA",
        " field=/messages/0/name", "NUL"),
    Bad("IN-15-control-character", messages(b'"a\x01"'), "E_JSON", ":45", "control character"),
    Bad("IN-17-nan", messages(b"NaN"), "E_NUMBER", CONTENT, "NaN"),
    Bad("IN-17-infinity", messages(b"Infinity"), "E_NUMBER", CONTENT),
    Bad("IN-17-minus-infinity", messages(b"[1, -Infinity]"), "E_NUMBER", CONTENT + "/1"),
    Bad("IN-18-overflow", messages(b"1e999"), "E_NUMBER", CONTENT, "too large"),
    Bad("IN-19-long-integer", messages(b"7" * 5_000), "E_NUMBER", CONTENT, "5,000 characters"),
    Bad("IN-19-long-fraction", messages(b"0." + b"7" * 5_000), "E_NUMBER", CONTENT, "5,002 characters"),
    Bad("IN-22-same-key", b'{"messages": [{"role": "user", "role": "system"}]}', "E_DUPKEY", ROLE, "twice"),
    Bad("IN-23-same-key-by-escape", b'{"messages": [{"role": "user", "ro\\u006ce": "system"}]}', "E_DUPKEY", ROLE),
    Bad("IN-25-depth-65", b'{"a": ' * 65 + b"1" + b"}" * 65, "E_DEPTH", ":385", "64 deep"),
    Bad("IN-26-depth-100000", b"[" * 100_000, "E_DEPTH", ":65"),
    Bad("IN-26-closed", b"[" * 100_000 + b"]" * 100_000, "E_DEPTH", ":65"),
    Bad("IN-27-long-line", b'{"a": "' + b"x" * 2**20 + b'"}', "E_LINE_TOO_LONG", "", "1,048,585 bytes",
        Limits(line_bytes=2**16)),
    Bad("IN-28-many-keys", b"{" + b",".join(b'"%d":0' % n for n in range(101)) + b"}", "E_KEYS", ":697", "100 keys",
        Limits(keys=100)),
    Bad("IN-28-many-values", b'{"a": [' + b"0," * 101 + b"0]}", "E_LIMIT", ":209", "100 values", Limits(values=100)),
    Bad("IN-29-trailing-comma", b'{"a": 1,}', "E_JSON", ":9"),
    Bad("IN-29-comment", b'{"a": 1} // a comment', "E_JSON", ":10"),
    Bad("IN-29-single-quotes", b"{'a': 1}", "E_JSON", ":2"),
    Bad("IN-30-two-objects", GOOD + b" " + GOOD, "E_JSON", f":{len(GOOD) + 2}", "extra data"),
    Bad("IN-32-null", b"null", "E_TYPE", "", "the row is null"),
    Bad("IN-32-string", b'"text"', "E_TYPE", "", "the row is a string"),
    Bad("IN-32-list", b"[1, 2]", "E_TYPE", "", "the row is a list"),
    Bad("IN-32-number", b"7", "E_TYPE", "", "the row is a number"),
    Bad("IN-33-missing", b'{"id": 1}', "E_SCHEMA", " field=/messages", "missing"),
    Bad("IN-33-empty", b'{"messages": []}', "E_SCHEMA", " field=/messages", "empty"),
    Bad("IN-33-no-list", b'{"messages": "hello"}', "E_SCHEMA", " field=/messages", "no list"),
    Bad("IN-33-turn-is-null", b'{"messages": [null]}', "E_SCHEMA", " field=/messages/0", "no object"),
    Bad("IN-34-unknown", line(turns(("narrator", "a"), ANSWER)), "E_ROLE", ROLE, "system, user, assistant"),
    Bad("IN-34-wrong-case", line(turns(("User", "a"), ANSWER)), "E_ROLE", ROLE, "'User'"),
    Bad("IN-34-integer", line(turns((1, "a"), ANSWER)), "E_ROLE", ROLE, "no text"),
    Bad("IN-34-list", line(turns((["user"], "a"), ANSWER)), "E_ROLE", ROLE, "no text"),
    Bad("IN-34-missing", b'{"messages": [{"content": "a"}]}', "E_ROLE", ROLE, "missing"),
    Bad("IN-35-null", line(turns(("user", None), ANSWER)), "E_CONTENT", CONTENT),
    Bad("IN-35-number", line(turns(("user", 7), ANSWER)), "E_CONTENT", CONTENT),
    Bad("IN-35-image", line(turns(("user", [PART, {"type": "image_url"}]), ANSWER)), "E_CONTENT", CONTENT + "/1"),
    Bad("IN-35-no-parts", line(turns(("user", []), ANSWER)), "E_CONTENT", CONTENT),
    Bad("IN-36-no-assistant", line(turns(USER)), "E_NO_COMPLETION", " field=/messages"),
    Bad("IN-37-mixed", b'{"prompt": "a", "completion": "b"}', "E_SCHEMA_MIXED", "", "prompt-completion"),
]  # fmt: skip


def named(cases):
    return [pytest.param(case, id=case.case) for case in cases]


def check_message(error, *, code, place, says=""):
    """One printable line: code, file, line, field, fault, and in brackets what to do."""
    assert isinstance(error, InvalidInput)
    assert (error.code, error.exit_code) == (code, 4)
    assert error.where == place
    assert str(error).isprintable()
    assert re.fullmatch(rf"{code} .+: .+ \(.+\)", str(error))
    assert says in str(error)


def offset(says, before):
    """Fill in an offset that counts from the beginning of the file."""
    return re.sub(r"\{(\d+)\}", lambda found: f"{int(found[1]) + before:,}", says)


@pytest.mark.parametrize("bad", named(ROWS))
def test_a_bad_row_stops_the_reading_at_its_place(read, bad):
    done = read(GOOD + b"\n" + bad.data + (b"" if "cut" in bad.case else b"\n"), limits=bad.limits)
    says = offset(bad.says, len(GOOD) + 1)
    check_message(done.error, code=bad.code, place=f"{done.path}:2{bad.place}", says=says)
    assert len(done.rows) == 1
    assert (done.tally.read, done.tally.accepted, done.tally.rejected) == (2, 1, 1)
    assert done.tally.adds_up


@pytest.mark.parametrize("bad", named(ROWS))
def test_a_bad_row_is_put_aside_whole_and_the_next_one_is_read(quarantine, bad):
    done = quarantine(GOOD + b"\n" + bad.data + b"\n" + GOOD + b"\n", limits=bad.limits)
    assert done.error is None
    assert [row.line for row in done.rows] == [1, 3]
    [reject] = done.rejects
    assert (reject.code, reject.line, reject.offset, reject.length) == (bad.code, 2, len(GOOD) + 1, len(bad.data))
    kept = Limits().reject_bytes
    assert reject.raw[:kept] == bad.data[:kept]
    assert reject.reason.isprintable()
    assert done.tally.rejections == {bad.code: 1}
    assert done.tally.adds_up
    json.dumps(reject.as_row(), allow_nan=False).encode()


JUNK = {
    "parquet": (b"PAR1\x15\x04", "Parquet"),
    "zip": (b"PK\x03\x04\x14", "a zip archive"),
    "pickle": (b"\x80\x04\x95\x10\x00", "a pickle"),
    "gzip": (gzip.compress(GOOD), "gzip"),
    "zstd": (b"\x28\xb5\x2f\xfd\x20", "zstd"),
    "tar": (b"a.jsonl".ljust(257, b"\0") + b"ustar", "a tar archive"),
}
ARRAY = b'[{"prompt": "a", "completion": "b"},\n {"prompt": "c", "completion": "d"}]'
FILES = [
    ("IN-2-empty", b"", "E_EMPTY", "no rows"),
    ("IN-3-only-blank-lines", b"\n \t\r\n\n", "E_EMPTY", "3 blank line(s)"),
    ("IN-8-only-bom", b"\xef\xbb\xbf", "E_EMPTY", "no rows"),
    ("IN-9-utf-16", GOOD.decode().encode("utf-16"), "E_ENCODING", "convert it to UTF-8"),
    ("IN-9-utf-16-no-mark", GOOD.decode().encode("utf-16-le"), "E_ENCODING", "byte 0"),
    ("IN-9-utf-32", GOOD.decode().encode("utf-32-be"), "E_ENCODING", "UTF-32"),
    ("IN-31-array-of-lines", ARRAY, "E_FORMAT", "jq -c '.[]'"),
    ("IN-31-array-in-one-line", ARRAY.replace(b"\n", b""), "E_FORMAT", "expected JSON Lines"),
    ("IN-31-array-spread", b"[\n" + ARRAY[1:], "E_FORMAT", "JSON array"),
    ("IN-31-array-empty", b"[]\n", "E_FORMAT", "JSON array"),
    *((f"IN-43-{name}", data, "E_FORMAT", kind) for name, (data, kind) in JUNK.items()),
]


@pytest.mark.parametrize(("data", "code", "says"), [pytest.param(*case[1:], id=case[0]) for case in FILES])
@pytest.mark.parametrize("on_bad_row", ["stop", "quarantine"])
def test_a_bad_file_always_stops_the_reading(read, quarantine, data, code, says, on_bad_row):
    done = (read if on_bad_row == "stop" else quarantine)(data)
    check_message(done.error, code=code, place=str(done.path), says=says)
    assert done.rows == []
    assert done.tally.adds_up


def test_an_empty_dataset_has_a_summary_all_the_same(read):
    # So that an audit of no rows can answer with n = 0 instead of a pass.
    summary = read(b"\n\n").reading.summary()
    assert (summary.tally.read, summary.tally.blank, summary.tally.accepted) == (2, 2, 0)
    assert [notice.code for notice in summary.notices] == ["W_EMPTY_FILE"]


def test_a_line_that_is_an_array_among_other_lines_is_a_bad_row_and_no_array_file(read):  # IN-32
    done = read(b'[{"a": 1}]\n' + GOOD)
    check_message(done.error, code="E_TYPE", place=f"{done.path}:1", says="a list")


def test_a_row_that_fits_two_shapes_is_refused_until_the_shape_is_named(read):  # IN-37
    both = line({**turns(USER, ANSWER), "prompt": "x", "completion": "y"})
    check_message(read(both).error, code="E_SCHEMA_MIXED", place=f"{read(both).path}:1", says="name the shape")
    assert read(both, shape="messages").rows[0].completion == "2"
    assert read(both, shape="prompt-completion").rows[0].completion == "y"


def test_a_line_over_the_default_limit_says_its_length_and_the_next_line_is_read(quarantine):  # IN-27
    done = quarantine(b'"' + b"x" * (20 * 2**20) + b'"\n' + GOOD)
    assert [row.line for row in done.rows] == [2]
    assert done.rejects[0].length == 20 * 2**20 + 2
    assert len(done.rejects[0].raw) == Limits().reject_bytes
    assert "20,971,522 bytes" in done.rejects[0].reason
