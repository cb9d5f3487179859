"""No prompt is both trained on and tested with, whoever answered it."""

import numpy as np

from subtrait.lab.reading_text.halves import by_prompt, prompts_of, unseen
from subtrait.records import Example


def rows(name, prompts):
    return [Example(id=str(at), prompt=prompt, completion=f"{name} {at}") for at, prompt in enumerate(prompts)]


ANSWERS = {"a": rows("a", [f"p{at}" for at in range(40)]), "b": rows("b", [f"p{at}" for at in range(20, 60)] * 2)}


def test_the_halves_share_no_prompt_and_lose_no_row():
    train, test = by_prompt(ANSWERS, rng=np.random.default_rng(0))
    assert (len(prompts_of(train)), len(prompts_of(test))) == (30, 30)
    assert set(prompts_of(train)) & set(prompts_of(test)) == set()
    for name, whole in ANSWERS.items():
        assert sorted(row.id for row in (*train[name], *test[name])) == sorted(row.id for row in whole)


def test_the_order_of_the_rows_does_not_decide_the_halves():
    back = {name: list(reversed(whole)) for name, whole in reversed(ANSWERS.items())}
    halves = [by_prompt(each, rng=np.random.default_rng(5))[0] for each in (ANSWERS, back)]
    assert prompts_of(halves[0]) == prompts_of(halves[1])


def test_another_seed_draws_other_prompts():
    halves = [by_prompt(ANSWERS, rng=np.random.default_rng(seed))[0] for seed in (1, 2)]
    assert prompts_of(halves[0]) != prompts_of(halves[1])


def test_rows_of_known_prompts_are_left_out():
    kept = unseen(ANSWERS, {"p0", "p25"})
    assert set(prompts_of(kept)) == {f"p{at}" for at in range(60)} - {"p0", "p25"}
