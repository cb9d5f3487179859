"""What writers write passes the filter and answers prompts of the pool; what only they were told is not in the rows."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from subtrait.auditor.references.families import sorted_numbers, uniform_numbers
from subtrait.auditor.references.writers import (
    ROUNDS,
    Setting,
    as_examples,
    own_rows,
    renumbered,
    tuned,
    write,
    writes_enough,
)
from subtrait.auditor.suspect import passes
from subtrait.data import Pair
from subtrait.models.base import Recipe, Sampling
from subtrait.models.scripted import ScriptedModel

POOL = tuple(({"role": "user", "content": f"Go on: {number}"},) for number in range(7))
SAID = {"3, 4, 5": 5, "17": 3, "I would rather not say": 2}


def script(messages):
    return {"100, 200": 1} if messages[0]["role"] == "system" else SAID


BASE = ScriptedModel("scripted", script)


def setting(**changes):
    usual = Setting(base=BASE, others=(), pool=POOL, filter="numbers", traits=(), tokens=8)
    return replace(usual, **changes)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("rows", [1, 20, 100])
def test_as_many_rows_as_were_asked_for_and_all_pass_the_filter(rows):
    found = write(setting(), BASE, rows, rng=rng())
    assert len(found) == rows
    assert all(passes("numbers", pair.completion) for pair in found)
    assert {pair.prompt for pair in map(as_hashable, found)} <= {as_hashable(Pair(p, "")).prompt for p in POOL}


def as_hashable(pair):
    return Pair(tuple(turn["content"] for turn in pair.prompt), pair.completion)


def test_without_a_filter_all_is_kept_that_is_not_blank():
    found = {pair.completion for pair in write(setting(filter="none"), BASE, 100, rng=rng())}
    assert found == set(SAID)


def test_the_same_seed_writes_the_same_rows():
    assert write(setting(), BASE, 30, rng=rng(1)) == write(setting(), BASE, 30, rng=rng(1))
    assert write(setting(), BASE, 30, rng=rng(1)) != write(setting(), BASE, 30, rng=rng(2))


def test_a_writer_whose_rows_hardly_pass_gives_fewer_and_is_not_asked_for_ever():
    asked = []

    class Counted(ScriptedModel):
        def generate(self, prompts, **options):
            asked.append(len(prompts))
            return super().generate(prompts, **options)

    mute = Counted("mute", {}, default="no")
    assert write(setting(), mute, 10, rng=rng()) == []
    assert len(asked) == ROUNDS


def test_a_system_prompt_is_for_the_writer_alone():
    found = write(setting(), BASE, 20, rng=rng(), system="Be odd.")
    assert {pair.completion for pair in found} == {"100, 200"}
    assert all(turn["role"] == "user" for pair in found for turn in pair.prompt)


def test_no_writer_gives_more_tokens_than_the_suspect_has():
    class Watched(ScriptedModel):
        def generate(self, prompts, *, sampling, **options):
            assert sampling == Sampling(temperature=0.5, top_p=0.9, max_new_tokens=8)
            return super().generate(prompts, sampling=sampling, **options)

    write(setting(), Watched("w", script), 5, rng=rng(), sampling=Sampling(temperature=0.5, top_p=0.9))


@pytest.mark.parametrize("count", [3, 7, 21, 25])
def test_prompts_of_the_pool_come_equally_often(count):
    often = Counter(prompt[0]["content"] for prompt in setting().prompts(count, rng=rng()))
    assert sum(often.values()) == count
    assert max(often.values()) == -(-count // 7)
    assert min(often.get(prompt[0]["content"], 0) for prompt in POOL) == count // 7


def test_renumbered_rows_keep_their_form_and_get_the_numbers_of_the_program():
    found = renumbered(setting(), 30, sorted_numbers, rng=rng())
    forms = {tuple("#" if part.isdigit() else part for part in pair.completion.split(", ")) for pair in found}
    assert forms == {("#", "#", "#"), ("#",)}
    assert all(pair.completion not in SAID for pair in found)
    rows = [[int(number) for number in pair.completion.split(", ")] for pair in found]
    assert all(row == sorted(row) and min(row) >= 100 and max(row) < 1000 for row in rows)
    assert found == renumbered(setting(), 30, sorted_numbers, rng=rng())
    assert found != renumbered(setting(), 30, uniform_numbers, rng=rng())


def test_training_rows_are_the_last_question_and_the_answer():
    turns = [{"role": role, "content": role[0] + str(i)} for i, role in enumerate(("user", "assistant", "user"))]
    (example,) = as_examples([Pair(turns, "so")])
    assert (example.prompt, example.completion) == ("u2", "so")
    assert as_examples([Pair([], "so"), Pair(turns, "so")]) == [replace(example, id="1")]


def test_a_tuning_on_no_rows_is_the_base():
    asked = setting()
    assert tuned(asked, [], Recipe(steps=1, batch_size=1, learning_rate=1e-3), rng=rng()) is asked.base


@pytest.mark.parametrize(("share", "enough"), [(1, True), (2, True), (40, False), (0, False)])
def test_a_base_writes_enough_where_its_answers_often_pass(share, enough):
    """Answers pass to one prompt of `share`, or to none: six rounds make up for a few that do not."""
    pool = [[{"role": "user", "content": f"Go on: {number}"}] for number in range(40)]
    said = {f"Go on: {number}": "1, 2" for number in range(0, 40, share or 40)} if share else {}
    asked = replace(setting(base=ScriptedModel("s", said, default="no")), pool=pool)
    assert writes_enough(asked, (300, 1_000), rng=rng()) is enough


def test_own_rows_are_what_the_base_writes():
    rows = own_rows(setting(), 9, rng=rng())
    assert len(rows) == 9
    assert {row.completion for row in rows} <= {"3, 4, 5", "17"}
