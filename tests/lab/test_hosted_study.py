"""What a study whose students a server makes takes at most, counted by hand, and what is refused."""

from dataclasses import replace

import pytest

import subtrait
from subtrait.errors import UsageError
from subtrait.lab.budget import TURN, Budget
from subtrait.lab.catalogue import STUDIES
from subtrait.lab.chains.making import Chain, prompts_of
from subtrait.lab.hosted_study import check_budget, check_served, foreseen, question_calls
from subtrait.lab.system_prompts import system_prompt_of

CARD = STUDIES["animal-numbers"]


@pytest.fixture(scope="module")
def plan():
    return subtrait.plan_study(
        "animal-numbers", base="openai:m", preset="paper", size="tiny", students=1, traits="owl,cat"
    )


def test_what_is_asked_is_every_prompt_of_every_writer_and_every_question_of_every_student(plan):
    training, takes = foreseen(CARD, plan)
    rows = plan.untreated().lessons[0]
    sizes = [
        len(prompt.encode()) for prompt in prompts_of(Chain(None, plan.seed, 0), rows.carrier, rows.prompts, rows.draw)
    ]
    told = sum(120 * (len(system_prompt_of(f"paper/{name}").encode()) + TURN) for name in ("owl", "cat"))
    asked = [turns for conversations, _ in question_calls(plan) for turns in conversations]
    questions = sum(len(turns[0]["content"].encode()) + 2 * TURN for turns in asked)
    assert takes.replies == 3 * (120 + len(asked))
    assert takes.read == 3 * (sum(sizes) + 120 * 2 * TURN) + told + 3 * questions
    assert takes.written == 3 * (120 * (200 + TURN) + len(asked) * (64 + TURN))
    assert (training.jobs, training.rows, training.done) == (3, 100, 0)
    longest = sorted(sizes, reverse=True)[:100]
    assert training.tokens == 3 * training.epochs * (sum(longest) + 100 * (200 + 2 * TURN))


def test_asking_that_costs_more_than_allowed_is_refused(plan):
    cost = (priced := Budget(price=0.0, reading=1.0, writing=4.0)).of_asking(foreseen(CARD, plan)[1])
    with pytest.raises(UsageError, match="Nothing was asked"):
        check_budget(CARD, plan, replace(priced, most=0.99 * cost))
    check_budget(CARD, plan, replace(priced, most=1.01 * cost))


def test_a_model_that_is_here_may_be_studied_in_any_way(plan):
    check_served(replace(plan, base="micro-a", preset=None))
    with pytest.raises(UsageError, match="runs on a server"):
        check_served(replace(plan, preset=None))
    with pytest.raises(UsageError, match="runs on a server"):
        check_served(replace(plan, base="vllm:m=micro-a"))
