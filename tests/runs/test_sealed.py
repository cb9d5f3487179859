import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subtrait.runs.sealed import encoded, sealed, unsealed

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_what_is_written_reads_back_in_one_line_and_the_same_order(value):
    line = encoded(value)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert repr(json.loads(line)) == repr(value)  # repr also compares order, signs of zero, and int with float


def test_text_stays_readable_and_floats_are_the_shortest_that_read_back():
    assert encoded({"b": "é\u2028", "a": 0.1, "c": 1e-07}) == '{"b": "é\u2028", "a": 0.1, "c": 1e-07}\n'.encode()


def test_a_lone_surrogate_is_kept_as_an_escape():
    assert encoded({"a": "x\ud800"}) == b'{"a": "x\\ud800"}\n'
    assert json.loads(encoded({"a": "x\ud800"})) == {"a": "x\ud800"}


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_cannot_say_are_refused(number):
    with pytest.raises(ValueError, match="not JSON compliant"):
        encoded({"loss": number})


@given(st.dictionaries(st.text().filter(lambda key: key != "check"), JSON, max_size=3), st.data())
def test_no_flipped_bit_breaks_a_seal_unseen(record, data):
    line = encoded(sealed(record))
    assert unsealed(line) == record
    broken = bytearray(line[:-1])
    place = data.draw(st.integers(0, len(broken) - 1))
    broken[place] ^= 1 << data.draw(st.integers(0, 7))
    try:
        read = unsealed(bytes(broken))
    except ValueError:
        return
    # JSON allows several spellings of one value, such as 1e5 and 1E5: no content may have changed.
    assert read == record


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"null", b"{}", b'{"check": "0123456789abcdef"}', b"[" * 100_000, b"\xff"]
)
def test_what_was_never_sealed_is_refused(data):
    with pytest.raises(ValueError):  # noqa: PT011 - the reason differs, that it is a ValueError is the law
        unsealed(data)
