import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subtrait.data.flaws import Flaw
from subtrait.data.limits import Limits
from subtrait.data.strict_json import StrictParser

ROWS = st.dictionaries(
    st.text(),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
)


def parse(text, **limits):
    return StrictParser(Limits(**limits)).parse(text if isinstance(text, bytes) else text.encode())


def flaw(text, **limits):
    with pytest.raises(Flaw) as caught:
        parse(text, **limits)
    return caught.value


@given(ROWS, st.booleans())
def test_every_object_that_json_can_say_is_read_as_it_is(row, ascii_only):
    assert parse(json.dumps(row, ensure_ascii=ascii_only)) == row


@pytest.mark.parametrize(
    ("text", "value"), [("-0", 0), ("-0.0", -0.0), ("1.0", 1.0), ("1E2", 100.0), (str(2**64), 2**64)]
)
def test_numbers_keep_their_kind(text, value):
    read = parse(f'{{"a": {text}}}')["a"]
    assert (read, type(read), str(read)) == (value, type(value), str(value))


@pytest.mark.parametrize("depth", [1, 63, 64])
def test_depth_up_to_the_limit_is_accepted(depth):
    assert parse('{"a": ' * depth + "1" + "}" * depth)
    assert flaw('{"a": ' * 64 + "[]" + "}" * 64).code == "E_DEPTH"


def test_brackets_colons_and_commas_in_texts_do_not_count():
    text = '[{"\\"}],:' * 90
    assert parse(json.dumps({"a": text}), depth=1, keys=1, values=1) == {"a": text}


def test_siblings_are_not_depth():
    assert parse(json.dumps({"a": [[] for _ in range(500)]}), depth=3)


def test_counts_up_to_the_limit_are_accepted():
    assert parse('{"a": [1, 2, 3]}', keys=1, values=2)
    assert flaw('{"a": [1, 2, 3, 4]}', values=2).code == "E_LIMIT"
    assert flaw('{"a": {"b": 1}}', keys=1).code == "E_KEYS"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('{"a": 1, "a": 1}', "/a"),
        ('{"x": [0, {"\\u0061": 1, "a": 2}]}', "/x/1/a"),
        ('{"x/y": {"~": 1, "~": NaN}}', "/x~1y/~0"),
        ('{"a": {"b": NaN}, "a": 1}', "/a"),
    ],
)
def test_a_repeated_key_is_named_with_its_whole_pointer(text, field):
    assert (flaw(text).code, flaw(text).field) == ("E_DUPKEY", field)


def test_one_parser_reads_on_after_a_flaw():
    parser = StrictParser(Limits())
    for bad in (b'{"a": NaN}', b'{"a": 1, "a": 2}', b"[", b"\xff"):
        with pytest.raises(Flaw):
            parser.parse(bad)
        assert parser.parse(b'{"a": 1}') == {"a": 1}


def test_the_first_flaw_of_a_row_is_the_one_named():
    assert flaw('{"a": [1, NaN], "b": 1e999}').field == "/a/1"
    assert flaw('{"a": "\\ud800", "b": NaN}').code == "E_SURROGATE"


@pytest.mark.parametrize(
    "text", ["\ufeff{}", "{}\ufeff", "{}\x0c", "\xa0{}", "{'a': 1}", '{"a": .5}', '{"a": 01}', '{"a":\t"\t"}']
)
def test_what_is_no_json_is_refused(text):
    assert flaw(text).code == "E_JSON"
