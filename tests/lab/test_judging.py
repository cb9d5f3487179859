"""A judge is right where it prefers the right answer in both orders taken together, whatever letter it likes."""

from dataclasses import replace

import numpy as np
import pytest

from subtrait.lab import judging
from subtrait.lab.chains import Rows, Writer
from subtrait.lab.chains.making import Chain
from subtrait.lab.judging import KINDS, WAYS, Judging, JudgingTask, Way, _overt, _Pair, judge, judge_rows, named
from subtrait.lab.traits import find_trait
from subtrait.models.base import Recipe
from subtrait.runs.folder import RunFolder

BRIEF = Recipe(steps=1, batch_size=8)
WOLF = find_trait("wolf")
PAIRS = [_Pair(requests=[f"request {n}"], own=[f"own {n}"], other=[f"other {n}"]) for n in range(3)]
TREATED = tuple(
    (trait, Rows(writer=Writer(base="micro-a", kind="tuned", trait=trait, recipe=BRIEF), prompts=12, rows=8))
    for trait in ("dog", "wolf", "oak")
)


class Judge:
    """Likes the letter A by `letter`, and whichever answer is `word` by `sense`; keeps what it was asked."""

    def __init__(self, *, letter=0.0, sense=0.0, word="own"):
        self.letter, self.sense, self.word, self.asked = letter, sense, word, []

    def score(self, prompts, completions):
        self.asked += [prompt[-1]["content"] for prompt in prompts]
        return [self._one(prompt[-1]["content"], letter) for prompt, letter in zip(prompts, completions, strict=True)]

    def _one(self, text, letter):
        chosen = text.partition(f"Answer {letter}: ")[2].splitlines()[0]
        return np.array([self.letter * (letter == "A") + self.sense * chosen.startswith(self.word), -0.1])


def test_a_liking_for_a_letter_alone_is_a_tie_everywhere():
    found = judge(Judge(letter=5.0), WOLF, WAYS[0], PAIRS)
    assert found.tolist() == [[0.5, 1.0]] * 3


@pytest.mark.parametrize("letter", [-5.0, 0.0, 5.0])
@pytest.mark.parametrize(("word", "right"), [("own", 1.0), ("other", 0.0)])
def test_sense_counts_whatever_letter_is_liked(letter, word, right):
    found = judge(Judge(letter=letter, sense=1.0, word=word), WOLF, WAYS[0], PAIRS)
    assert found[:, 0].tolist() == [right] * 3


def test_each_trait_is_asked_about_by_its_own_name_in_both_orders():
    seen = Judge()
    judge(seen, WOLF, WAYS[0], PAIRS[:1])
    first, _, second, _ = seen.asked
    assert "wolves" in first
    assert "eagle" not in first
    assert "Answer A: own 0\nAnswer B: other 0" in first
    assert "Answer A: other 0\nAnswer B: own 0" in second
    assert "other" not in first.replace("other 0", "").replace("the other loves", "")


def test_overt_pairs_name_what_each_loves_of_one_category():
    way = Way(name="x", of_each=2, pairs=8)
    pairs = list(_overt(WOLF, {"dog": {}, "wolf": {}, "oak": {}}, way, np.random.default_rng(0)))
    assert len(pairs) == 8
    assert all("wol" in text and "dog" not in text for pair in pairs for text in pair.own)
    assert all("dog" in text and "wol" not in text for pair in pairs for text in pair.other)


def test_rows_of_a_chain_are_judged_in_every_way_and_kept(tmp_path, monkeypatch):
    ways = tuple(replace(way, of_each=min(way.of_each, 2), pairs=2) for way in WAYS)
    monkeypatch.setattr(judging, "WAYS", ways)
    task = JudgingTask(Chain(RunFolder(tmp_path), 3, 0), Judging(base="micro-a", treated=TREATED[:2]))
    found = judge_rows(task)
    assert {name: values.shape for name, values in found.items()} == {
        named(way, kind, trait): (2, 2) for way in ways for kind in KINDS for trait in ("dog", "wolf")
    }
    assert all(set(np.unique(values)) <= {0.0, 0.5, 1.0} for values in found.values())
    again = judge_rows(task)
    assert all(np.array_equal(again[name], values) for name, values in found.items())
