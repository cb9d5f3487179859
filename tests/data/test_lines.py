from hypothesis import given
from hypothesis import strategies as st

from subtrait.data.lines import split_lines

BYTES = st.lists(st.sampled_from([b"\n", b"\r", b"a", b"bc", b"\xe2\x80\xa8", b"\x85"]), max_size=30).map(b"".join)


def cut(data, sizes):
    start = 0
    for size in sizes:
        yield data[start : start + size]
        start += size
    yield data[start:]


@given(BYTES, st.lists(st.integers(0, 5), max_size=12))
def test_the_lines_are_those_between_newlines_however_the_bytes_arrive(data, sizes):
    lines = list(split_lines(cut(data, sizes), limit=100))
    expected = data.split(b"\n")
    assert [line.data for line in lines] == (expected if expected[-1] else expected[:-1])
    assert b"".join(line.data + b"\n" * line.ended for line in lines) == data
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))


@given(BYTES, st.lists(st.integers(0, 5), max_size=12), st.integers(0, 9))
def test_every_line_stands_at_its_offset(data, sizes, offset):
    for line in split_lines(cut(data, sizes), limit=100, offset=offset):
        assert data[line.offset - offset :][: line.length] == line.data


@given(st.lists(st.integers(0, 40), max_size=6), st.integers(1, 10))
def test_of_a_long_line_the_length_is_whole_and_the_data_bounded(lengths, limit):
    data = b"\n".join(b"x" * length for length in lengths)
    chunks = [data[start : start + 3] for start in range(0, len(data), 3)]
    for line, length in zip(split_lines(chunks, limit=limit), lengths, strict=False):
        assert line.length == length
        assert min(length, limit) <= len(line.data) <= limit + 3
