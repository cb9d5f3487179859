"""Shards are stored and found again, by no one else's rows; a killed run goes on to the same bytes."""

import gc
import json
import os
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest

from subtrait.errors import UsageError
from subtrait.models.scripted import ScriptedModel
from subtrait.runs import open_run
from subtrait.scoring.hypotheses import Base, Prompted
from subtrait.scoring.rows import score_rows
from subtrait.scoring.streaming import NamedRow, Shards, joined, score_in_shards, shard_name

HERE = Path(__file__).parent
SHARDS = 5
POINTS = ["0:before", "0:middle", "2:before", "2:middle", "2:written", "2:renamed", "4:renamed", "4:journalled"]


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """What became of the runs that were killed."""
    alone = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}  # a forked process has no other threads
    done = subprocess.run(
        [sys.executable, str(HERE / "killed.py"), str(tmp_path_factory.mktemp("killed")), *POINTS],
        env=os.environ | alone, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_run_goes_on_to_the_same_bytes(point, killed):
    found = killed["runs"][point]
    assert (found["ended"], found["again"], found["differ"]) == (-9, 0, [])
    assert len(killed["whole"]) == SHARDS + 1


@pytest.mark.parametrize("point", POINTS)
def test_no_shard_that_was_stored_is_scored_twice(point, killed):
    number, _, moment = point.partition(":")
    # A shard counts as stored once it is journalled; the one that was killed on the way is made again.
    started = {"before": 0, "middle": 2, "written": 2, "renamed": 2, "journalled": 0}[moment]
    expected = {(first, prompted): 1 for first in killed["first"] for prompted in (False, True)}
    for prompted in (False, True)[:started]:
        expected[killed["first"][int(number)], prompted] = 2
    computed = [tuple(each) for each in killed["runs"][point]["computed"]]
    assert {each: computed.count(each) for each in computed} == expected


@pytest.mark.parametrize("point", POINTS)
def test_each_run_was_killed_where_it_should_be(point, killed):
    number, _, moment = point.partition(":")
    assert len(killed["runs"][point]["left"]) == int(number) + (moment in ("renamed", "journalled"))


class Answering(ScriptedModel):
    """A model that counts the rows it is asked about; longer answers are less likely."""

    asked = 0

    def score(self, prompts, completions, *, token_budget=None):
        self.asked += len(prompts)
        return [np.full(len(text), -len(prompt) / 7) for prompt, text in zip(prompts, completions, strict=True)]


def hypotheses(model):
    return Base(model=model), Prompted(name="owl", model=model, system_prompt="You love owls.")


def pairs(count, word="row"):
    return [([{"role": "user", "content": f"{word} {number}"}], "x" * (number % 11 + 1)) for number in range(count)]


def rows(count, word="row"):
    return [NamedRow(pair) for pair in pairs(count, word)]


@pytest.fixture
def store(tmp_path):
    with open_run(tmp_path / "run", {}, environment={}) as run:
        yield run


@pytest.mark.parametrize("shard_rows", [1, 7, 23, 100])
def test_shards_together_are_the_scores_of_all_rows(store, shard_rows):
    model = Answering("answering", {})
    shards = list(score_in_shards(store, hypotheses(model), iter(rows(23)), shards=Shards(rows=shard_rows)))
    assert [len(shard.tokens) for shard in shards[:-1]] == [shard_rows] * (len(shards) - 1)
    whole, found = score_rows(hypotheses(model), pairs(23)), joined(shards)
    np.testing.assert_array_equal(found.log_likelihoods, whole.log_likelihoods)
    np.testing.assert_array_equal(found.tokens, whole.tokens)
    assert found.tokens.dtype == np.int64


def test_what_is_stored_is_read_back_and_more_rows_cost_their_own_shards_only(store):
    model = Answering("answering", {})
    first = joined(score_in_shards(store, hypotheses(model), rows(10), shards=Shards(rows=5)))
    assert model.asked == 20
    again = joined(score_in_shards(store, hypotheses(model), rows(15), shards=Shards(rows=5)))
    assert model.asked == 30
    np.testing.assert_array_equal(again.log_likelihoods[:10], first.log_likelihoods)


@pytest.mark.parametrize("change", ["rows", "system prompt", "model", "order of hypotheses"])
def test_scores_of_other_rows_or_hypotheses_are_never_taken_for_these(store, change):
    model = Answering("answering", {})
    base, owl = hypotheses(model)
    joined(score_in_shards(store, (base, owl), rows(5), shards=Shards(rows=5)))
    other = Answering("answering", {}, default="Other.")
    asked, changed = {
        "rows": (rows(5, "another"), (base, owl)),
        "system prompt": (rows(5), (base, Prompted(name="owl", model=model, system_prompt="You love cats."))),
        "model": (rows(5), hypotheses(other)),
        "order of hypotheses": (rows(5), (owl, base)),
    }[change]
    found = joined(score_in_shards(store, changed, asked, shards=Shards(rows=5)))
    np.testing.assert_array_equal(
        found.log_likelihoods, score_rows(changed, [each.pair for each in asked]).log_likelihoods
    )
    assert model.asked + other.asked == 10 + 10 + 10


def test_rows_are_read_as_they_are_needed_and_let_go(store):
    class Text(str):
        """Text that can be watched."""

    alive = weakref.WeakSet()

    def endless():
        while True:
            text = Text("x" * 3)
            alive.add(text)
            yield NamedRow(([{"role": "user", "content": "row"}], text))

    most, shards = (
        0,
        score_in_shards(store, (Base(model=Answering("answering", {})),), endless(), shards=Shards(rows=10)),
    )
    for _ in range(5):
        next(shards)
        gc.collect()
        most = max(most, len(alive))
    assert most <= 10


def test_progress_counts_what_is_read_back_too(store):
    class Count:
        done = 0

        def advance(self, steps=1):
            self.done += steps

    progress = Count()
    for _ in range(2):
        list(
            score_in_shards(
                store, hypotheses(Answering("answering", {})), rows(9), shards=Shards(rows=5), progress=progress
            )
        )
    assert progress.done == 2 * 9 * 2


def test_no_rows_have_no_shards_and_cannot_be_joined(store):
    assert list(score_in_shards(store, hypotheses(Answering("answering", {})), [])) == []
    with pytest.raises(UsageError, match="no rows"):
        joined([])


def test_a_shard_without_rows_is_refused(store):
    with pytest.raises(UsageError, match="at least 1 row, not 0"):
        list(score_in_shards(store, hypotheses(Answering("answering", {})), rows(1), shards=Shards(rows=0)))


def test_lines_of_scores_begin_with_the_name_of_their_row(store):
    named = [NamedRow(pair, {"row": f"r{place}"}) for place, pair in enumerate(pairs(7))]
    list(score_in_shards(store, hypotheses(Answering("answering", {})), named, shards=Shards(rows=3)))
    stored = [path.read_text(encoding="utf-8") for path in sorted(store.path.glob("scores/000/*"))]
    lines = [json.loads(line) for text in stored for line in text.splitlines()]
    assert [line["row"] for line in lines] == [f"r{place}" for place in range(7)]
    assert all(list(line) == ["row", "log_likelihoods", "tokens"] for line in lines)


def test_rows_of_other_names_are_other_rows():
    pair = pairs(1)[0]
    names = {shard_name("scores", 0, "judges", [NamedRow(pair, name)]) for name in ({}, {"row": "1"}, {"row": "2"})}
    assert len(names) == 3


def test_shards_that_are_scored_apart_are_those_that_are_scored_together(store):
    judges = hypotheses(Answering("answering", {}))
    list(score_in_shards(store, judges, rows(12), shards=Shards(rows=5)))
    whole = {path.name: path.read_bytes() for path in store.path.glob("scores/000/*")}
    with open_run(store.path.parent / "apart", {}, environment={}) as other:
        for first in (2, 0, 1):
            part = rows(12)[5 * first :][:5]
            list(score_in_shards(other, judges, part, shards=Shards(rows=5, first=first)))
        assert {path.name: path.read_bytes() for path in other.path.glob("scores/000/*")} == whole
