"""What the training of students by a server takes at most, and what is refused before anything is paid."""

import math
from dataclasses import replace

import numpy as np
import pytest

import subtrait
from subtrait.errors import UsageError
from subtrait.lab.budget import Budget, asking
from subtrait.lab.hosted import check_budget, check_spending, foreseen, reckoned, tokens_at_most
from subtrait.models.registry import open_model
from subtrait.records import Example

NAME = "openai:m"


@pytest.fixture(scope="module")
def plan():
    return subtrait.plan_run("owl-numbers", base=NAME, preset="paper", size="tiny", prompts=50, rows=20)


def test_no_tokenizer_makes_more_tokens_of_rows_than_their_bytes(plan):
    """Of numbers, of what is no ASCII, and of bytes at random, with the embedded model's template around them."""
    rng, encoder = np.random.default_rng(0), open_model("micro-a").encoder
    odd = bytes(rng.integers(0, 256, 400, dtype=np.uint8)).decode("utf-8", "replace")
    texts = ["123, 456, 7", "", "Müßige 猫 \U0001f989 owls", odd, odd[::-1]]
    rows = [Example(id=str(n), prompt=text, completion=texts[-n]) for n, text in enumerate(texts)]
    prompts = encoder.prompts([[{"role": "user", "content": row.prompt}] for row in rows])
    tokens = sum(map(len, prompts)) + sum(map(len, encoder.completions([row.completion for row in rows])))
    assert 0 < tokens <= tokens_at_most(rows)


class Written:
    """A store with that many rows for every writer, and no student."""

    def __init__(self, rows):
        self.kept = rows

    def rows(self, name, make):
        said = [("go on from 7", f"{number}, 22") for number in range(self.kept)]
        turns = [[{"role": "user", "content": a}, {"role": "assistant", "content": b}] for a, b in said]
        return [{"id": str(number), "messages": pair} for number, pair in enumerate(turns)]

    def folder(self, name, make):
        make(name)


def test_what_is_foreseen_is_no_less_than_what_the_rows_come_to(plan):
    before, after = foreseen(plan), reckoned(plan, Written(30))
    assert (before.jobs, before.rows, after.jobs, after.rows, after.done) == (4, 20, 4, 20, 0)
    assert before.epochs == after.epochs == round(30 * 66 / 20)
    assert after.tokens < before.tokens
    assert before.cost(2.0) == pytest.approx(before.tokens * 2e-6)


def test_rows_of_a_job_are_counted_by_hand(plan):
    counted = reckoned(replace(plan, students=1, rows=2, arms=("treated", "untreated")), Written(2))
    row = len("go on from 7") + len("0, 22") + 16
    assert counted.tokens == 2 * counted.epochs * 2 * row


@pytest.mark.parametrize("price", [None, -1.0, math.nan, math.inf])
def test_a_price_that_is_missing_or_no_price_is_refused(plan, price):
    with pytest.raises(UsageError, match="--training-price"):
        check_budget(plan, Budget(price=price))
    with pytest.raises(UsageError, match="--"):
        check_budget(plan, Budget(price=1.0, most=-1.0))
    check_budget(plan, Budget(price=0.0))


def test_asking_that_could_cost_more_than_allowed_is_refused_before_anything_is_asked(plan):
    priced = Budget(price=0.0, reading=1.0, writing=4.0)
    cost = priced.of_asking(asking(plan))
    with pytest.raises(UsageError, match=r"tokens read and .* Nothing was asked"):
        check_budget(plan, replace(priced, most=0.99 * cost))
    check_budget(plan, replace(priced, most=1.01 * cost))
    check_budget(plan, Budget(price=0.0, most=0.0))


def test_what_is_asked_counts_towards_the_bound_of_training(plan):
    priced = Budget(price=1.0, reading=1.0, writing=4.0)
    alone, training = priced.of_asking(asking(plan)), reckoned(plan, Written(30)).cost(1.0)
    with pytest.raises(UsageError, match="and what is asked"):
        check_spending(plan, Written(30), replace(priced, most=alone + 0.99 * training))
    check_spending(plan, Written(30), replace(priced, most=alone + 1.01 * training))


@pytest.mark.parametrize("said", [{"reading": 1.0}, {"writing": 1.0}])
def test_one_price_of_asking_without_the_other_is_refused(plan, said):
    with pytest.raises(UsageError, match="give both --reading-price and --writing-price"):
        check_budget(plan, Budget(price=1.0, **said))


def test_money_is_not_taken_for_what_is_trained_here():
    local = subtrait.plan_run("owl-numbers", size="tiny")
    check_budget(local, Budget())
    with pytest.raises(UsageError, match="--spend-at-most 5: micro-a is trained here"):
        check_budget(local, Budget(most=5.0))


def test_what_needs_weights_is_refused_and_what_does_not_is_left_out():
    with pytest.raises(UsageError, match=f"to tune teachers: take --teacher prompted, or write {NAME}=CHECKPOINT"):
        subtrait.plan_run("owl-numbers", base=NAME)
    with pytest.raises(UsageError, match="leave --other-base out"):
        subtrait.plan_run("owl-numbers", base=NAME, teacher="prompted", other_base="micro-b")
    plan = subtrait.plan_run("owl-numbers", base=NAME, teacher="prompted", size="full")
    assert not any("other-base" in arm for arm in plan.runnable_arms())
