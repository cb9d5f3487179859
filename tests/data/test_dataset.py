import json
import tracemalloc

import numpy as np
import pytest

from subtrait.data import Limits, read_dataset, sample_rows
from subtrait.errors import UsageError

TALK = [("user", "q"), ("assistant", "a"), ("user", "r"), ("assistant", "b")]
TALKS = json.dumps({"messages": [{"role": role, "content": text} for role, text in TALK]}).encode()


@pytest.mark.parametrize(("turns", "scored"), [("all", ["a", "b"]), ("last", ["b"])])
def test_which_turns_are_scored_is_chosen_and_reported(read, turns, scored):
    done = read(TALKS, turns=turns)
    assert [pair.completion for pair in done.rows[0].pairs()] == scored
    summary = done.reading.summary()
    assert (summary.turns, summary.tally.assistant_turns, summary.tally.scored_turns) == (turns, 2, len(scored))


def test_the_rows_of_the_lab_are_read(read):
    rows = [{"role": "user", "content": "1"}, {"role": "assistant", "content": "2"}]
    done = read(json.dumps({"id": "treated-0-7", "messages": rows}).encode())
    assert (done.rows[0].id, done.reading.summary().shape) == ("treated-0-7", "messages")


@pytest.mark.parametrize(
    "options", [{"turns": "first"}, {"on_bad_row": "skip"}, {"shape": "chat"}, {"on_bad_row": "quarantine"}]
)
def test_a_choice_that_does_not_exist_is_refused_before_anything_is_opened(tmp_path, options):
    with pytest.raises(UsageError):
        read_dataset(tmp_path / "none.jsonl", **options)


def test_a_reading_is_iterated_once(read, line):
    done = read(line())
    with pytest.raises(UsageError, match="once"):
        list(done.reading)


def test_there_is_no_summary_before_the_end(tmp_path, line):
    path = tmp_path / "data.jsonl"
    path.write_bytes(line("a") + line("b"))
    reading = read_dataset(path)
    rows = iter(reading)
    with pytest.raises(UsageError, match="not read to its end"):
        reading.summary()
    next(rows)
    assert reading.tally.read == 1
    with pytest.raises(UsageError, match="not read to its end"):
        reading.summary()
    next(rows)
    assert next(rows, None) is None
    assert reading.summary().tally.accepted == 2


def test_what_the_taker_of_rejects_raises_ends_the_reading(tmp_path, line):
    def full(reject):
        raise OSError(28, "No space left on device")

    path = tmp_path / "data.jsonl"
    path.write_bytes(b"{\n" + line())
    with pytest.raises(OSError, match="No space"):
        list(read_dataset(path, on_bad_row="quarantine", rejects=full))


def test_one_pass_gives_a_sample_and_the_digest(tmp_path, line):
    path = tmp_path / "data.jsonl"
    path.write_bytes(b"".join(line(str(number)) for number in range(100)))
    reading = read_dataset(path)
    assert len(sample_rows(reading, 7, rng=np.random.default_rng(3))) == 7
    assert reading.summary().tally.accepted == 100


def test_memory_does_not_grow_with_the_rows(tmp_path, line):
    path, peaks = tmp_path / "data.jsonl", []
    for rows in (3_000, 9_000):  # both several chunks
        path.write_bytes(b"".join(line(f"{number} " + "x" * 1_200) for number in range(rows)))
        tracemalloc.start()
        count = sum(1 for _ in read_dataset(path, limits=Limits(remembered=64)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert count == rows
    assert peaks[1] < 1.1 * peaks[0]
