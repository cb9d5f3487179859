"""Whatever the bytes: rows, or an `InvalidInput` with a place, and sums that add up. Nothing else."""

import gzip
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from subtrait.data import SHAPES, Limits, read_dataset
from subtrait.errors import InvalidInput

SMALL = Limits(line_bytes=400, depth=6, keys=20, values=40, remembered=16, expansion_from=2_000, remarks=3)
RULES = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

TEXTS = st.text(max_size=6) | st.sampled_from(["user", "assistant", "system", "human", "gpt", "tool", "\0", "<|end|>"])
NAMES = TEXTS | st.sampled_from(sorted({key for shape in SHAPES.values() for key in shape.known} | {"role", "content"}))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
TURN = st.fixed_dictionaries({"role": TEXTS, "content": VALUES}, optional={"weight": VALUES, "tool_calls": VALUES})
ROWS = st.fixed_dictionaries({"messages": st.lists(TURN, max_size=3)}) | st.dictionaries(NAMES, VALUES, max_size=4)
JSON_LINES = st.lists(ROWS.map(lambda row: json.dumps(row).encode()) | st.binary(max_size=30), max_size=5).map(
    b"\n".join
)


def flipped(data, places):
    changed = bytearray(data)
    for place, byte in places:
        if changed:
            changed[place % len(changed)] = byte
    return bytes(changed)


FLIPS = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=3)


def check(path, data, shape):
    path.write_bytes(data)
    rejects = []
    for options in ({}, {"on_bad_row": "quarantine", "rejects": rejects.append}):
        reading, rows, raised = read_dataset(path, shape=shape, limits=SMALL, **options), [], None
        try:
            for row in reading:
                rows.append(row)
                assert reading.tally.adds_up
        except InvalidInput as error:
            raised = error
        if raised is None:
            assert sum(file.rows for file in reading.summary().files) == reading.tally.read
        else:
            assert raised.where.startswith(str(path))
            assert str(raised).isprintable()
        assert reading.tally.adds_up
        assert reading.tally.accepted == len(rows)
        assert all(row.pairs() for row in rows)
        assert all(notice.text.isprintable() for notice in reading._notices.all())
    assert len(rejects) == reading.tally.rejected


@given(data=st.binary(max_size=300) | JSON_LINES, shape=st.none() | st.sampled_from(sorted(SHAPES)))
@RULES
def test_any_bytes_are_read_or_refused(tmp_path, data, shape):
    check(tmp_path / "data.jsonl", data, shape)


@given(data=JSON_LINES, flips=FLIPS, cut=st.integers(0, 400))
@RULES
def test_any_damaged_gzip_file_is_read_or_refused(tmp_path, data, flips, cut):
    check(tmp_path / "data.jsonl.gz", flipped(gzip.compress(data), flips)[:cut], None)


@given(data=JSON_LINES, flips=FLIPS, cut=st.integers(0, 400))
@RULES
def test_any_damaged_zstd_file_is_read_or_refused(tmp_path, data, flips, cut):
    zstandard = pytest.importorskip("zstandard")
    check(tmp_path / "data.jsonl.zst", flipped(zstandard.ZstdCompressor().compress(data), flips)[:cut], None)


@given(rows=st.lists(st.tuples(st.text(), st.text()), min_size=1, max_size=5))
@RULES
def test_what_was_written_is_what_is_read(tmp_path, rows):
    path = tmp_path / "data.jsonl"
    lines = [json.dumps({"prompt": prompt, "completion": completion}) for prompt, completion in rows]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert [(row.prompt[0]["content"], row.completion) for row in read_dataset(path)] == rows
