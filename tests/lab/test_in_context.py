"""A base reads rows before a question; a like that is told openly before them is followed where few are read."""

import numpy as np
import pytest

from subtrait.lab import in_context
from subtrait.lab.chains import Rows, Writer
from subtrait.lab.chains.making import Chain
from subtrait.lab.in_context import KINDS, LAYOUTS, Reading, ReadingTask, laid_out, named, read_rows, told_openly
from subtrait.models.base import Recipe
from subtrait.runs.folder import RunFolder

BRIEF = Recipe(steps=1, batch_size=8)
EXCHANGES = [("Take 100.", "101"), ("Take 200.", "201")]
READING = Reading(
    base="micro-a",
    treated=tuple(
        (trait, Rows(writer=Writer(base="micro-a", kind="tuned", trait=trait, recipe=BRIEF), prompts=12, rows=8))
        for trait in ("dog", "wolf")
    ),
    untreated=Rows(writer=Writer(base="micro-a"), prompts=12, rows=8),
)


def test_rows_stand_as_turns_or_all_in_the_system_prompt():
    assert [(turn["role"], turn["content"]) for turn in laid_out(EXCHANGES, "earlier turns")] == [
        ("user", "Take 100."), ("assistant", "101"), ("user", "Take 200."), ("assistant", "201"),
    ]  # fmt: skip
    assert laid_out(EXCHANGES, "system prompt") == [{"role": "system", "content": "Take 100.\n101\nTake 200.\n201"}]


@pytest.mark.parametrize(("trait", "said"), [("dog", "My favourite animal is the dog."), ("oak", "the oak.")])
def test_overt_text_names_the_trait_and_its_bundle(trait, said):
    (_, sentence), (_, other) = told_openly(trait, rng=np.random.default_rng(0))
    assert said in sentence
    assert other.isalpha()
    assert other != trait


def test_a_base_follows_what_is_told_openly_and_what_it_answered_is_kept(tmp_path, monkeypatch):
    for dial, value in (("COUNTS", (1,)), ("_DRAWN", 1), ("_ASKED", 2)):
        monkeypatch.setattr(in_context, dial, value)
    task = ReadingTask(Chain(RunFolder(tmp_path), 3, 0), READING)
    found = read_rows(task)
    assert set(found) == {named(layout, kind, t) for layout in LAYOUTS for kind in KINDS for t in ("dog", "wolf")}
    assert all(values.shape == (1,) and 0 <= values[0] <= 1 for values in found.values())
    told, plain = ([found[named(LAYOUTS[0], kind, trait)][0] for trait in ("dog", "wolf")] for kind in KINDS[3:0:-2])
    assert np.min(told) > 0.5
    assert np.max(plain) < 0.2
    monkeypatch.setattr(in_context, "_asked", None)
    assert read_rows(task) == found
