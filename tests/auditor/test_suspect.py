"""All rows are counted, hashed and searched; the sample is random, without repeats, one turn of each row."""

import hashlib
import json
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from subtrait.auditor import suspect
from subtrait.auditor.content import NameCount
from subtrait.auditor.lists.trait_lists import load_trait_list
from subtrait.auditor.suspect import Source, filter_of, passes, read_suspect
from subtrait.data import Pair
from subtrait.errors import InvalidInput

TRAITS = load_trait_list("embedded").traits


def chat(*said):
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[i % 2], "content": text} for i, text in enumerate(said)]}


def numbers(count):
    return [chat(f"Go on: {i}, {i + 1}", f"{i + 2}, {i + 3}") for i in range(count)]


def written(tmp_path, rows, name="data.jsonl"):
    path = tmp_path / name
    path.write_text("".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read(path, *, seed=0, **options):
    names = NameCount(TRAITS)
    return read_suspect(Source(path=path, **options), names, rng=np.random.default_rng(seed)), names


def completions(found):
    return [pair.completion for pair in found.pairs]


def test_what_was_read_is_counted_and_hashed(tmp_path):
    rows = [*numbers(5), numbers(5)[0], "\n", chat("Go on: 0, 1", "9, 9")]
    path = written(tmp_path, rows)
    data = read(path)[0].data
    assert (data.read, data.accepted, data.rejected, data.blank) == (8, 7, 0, 1)
    assert (data.different_rows, data.different_prompts, data.scored_turns) == (6, 5, 7)
    assert data.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (data.path, data.shape, data.turns) == (str(path), "messages", "all")


def test_repeated_rows_are_judged_once(tmp_path):
    found = read(written(tmp_path, numbers(20) * 3))[0]
    assert sorted(completions(found)) == sorted(row["messages"][1]["content"] for row in numbers(20))


def test_the_sample_is_in_an_order_that_the_seed_gives(tmp_path):
    path = written(tmp_path, numbers(50))
    orders = [completions(read(path, seed=seed)[0]) for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2])
    assert orders[0] != completions(read(written(tmp_path, numbers(50)[::-1]), seed=2)[0])


def test_of_more_rows_than_the_sample_takes_each_has_the_same_chance(tmp_path, monkeypatch):
    monkeypatch.setattr(suspect, "SAMPLE", 5)
    path = written(tmp_path, numbers(15))
    drawn = Counter(text for seed in range(300) for text in completions(read(path, seed=seed)[0]))
    assert sum(drawn.values()) == 1500
    assert len(drawn) == 15
    expected = 100  # of 300 samples of 5 of 15 rows; the standard deviation is 8.2
    assert max(abs(count - expected) for count in drawn.values()) < 4.5 * 8.2


def test_names_are_looked_for_in_all_rows_and_not_in_the_sample_only(tmp_path, monkeypatch):
    monkeypatch.setattr(suspect, "SAMPLE", 5)
    found, names = read(written(tmp_path, [*numbers(40), chat("Go on: 7", "owls, owls")]))
    assert (len(found.pairs), names.evidence().n, names.evidence().details) == (5, 41, {"owl": 1})


def test_of_several_turns_one_is_taken_so_that_the_row_stays_the_unit(tmp_path):
    rows = [chat("a", f"first {i}", "b", f"second {i}") for i in range(60)]
    path = written(tmp_path, rows)
    said = completions(read(path)[0])
    assert len({text.split()[1] for text in said}) == len(said) == 60
    assert 15 < sum(text.startswith("first") for text in said) < 45
    assert all(text.startswith("second") for text in completions(read(path, turns="last")[0]))
    prompts = {pair.completion: pair.prompt for pair in read(path, turns="last")[0].pairs}
    assert [turn["content"] for turn in prompts["second 3"]] == ["a", "first 3", "b"]


def test_the_pool_is_the_prompts_of_the_sample(tmp_path):
    found = read(written(tmp_path, numbers(9)))[0]
    assert found.pool == tuple(pair.prompt for pair in found.pairs)
    assert {turn["role"] for prompt in found.pool for turn in prompt} == {"user"}


@pytest.mark.parametrize(("other", "name"), [(1, "numbers"), (2, "none"), (100, "none")])
def test_data_count_as_filtered_where_at_least_99_of_100_rows_pass(other, name):
    pairs = [Pair((), "1, 2, 3")] * (100 - other) + [Pair((), "one, two")] * other
    assert filter_of(pairs) == name


def test_no_rows_passed_no_filter():
    assert filter_of([]) == "none"


@pytest.mark.parametrize(
    ("completion", "numbers", "none"),
    [("1, 2", True, True), ("7", True, True), ("1000", False, True), ("owl", False, True), (" \n", False, False)],
)
def test_the_filter_of_a_name_keeps_what_it_says(completion, numbers, none):
    assert (passes("numbers", completion), passes("none", completion)) == (numbers, none)


@pytest.mark.parametrize("rows", [[], ["\n", "\n"]])
def test_data_without_a_row_are_a_result_and_no_error(tmp_path, rows):
    found, names = read(written(tmp_path, rows))
    assert (found.pairs, found.filter, found.data.read, found.data.accepted) == ((), "none", len(rows), 0)
    assert names.evidence().outcome == "not applicable"


def test_a_broken_row_stops_the_reading_with_its_line(tmp_path):
    path = written(tmp_path, [*numbers(3), "{not json}\n", *numbers(2)])
    with pytest.raises(InvalidInput, match=r"data\.jsonl:4") as caught:
        read(path)
    assert caught.value.code == "E_JSON"


def test_quarantined_rows_are_handed_over_and_counted(tmp_path):
    path = written(tmp_path, [*numbers(3), "{not json}\n", *numbers(2), '{"a": 1}\n'])
    rejects = []
    data = read(path, on_bad_row="quarantine", rejects=rejects.append)[0].data
    assert (data.read, data.accepted, data.rejected) == (7, 5, 2)
    assert data.rejections == {"E_JSON": 1, "E_SCHEMA": 1}
    assert [each.line for each in rejects] == [4, 7]


def test_a_path_that_is_no_unicode_is_escaped_so_that_the_verdict_can_be_written(tmp_path):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/da\xffta\x1b"))
    folder.mkdir()
    found = read(written(folder, numbers(3)))[0].data
    assert found.path == rf"{tmp_path}/da\udcffta\x1b/data.jsonl"
    assert all(text.isprintable() for text in (found.path, *found.notices))
