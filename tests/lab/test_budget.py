"""What a server's models are asked for at most, against a count by hand; money at the user's prices."""

from dataclasses import replace

import numpy as np
import pytest

import subtrait
from subtrait.lab.budget import TURN, Asking, Budget, asking, read_at_most
from subtrait.models.registry import open_model


@pytest.fixture(scope="module")
def plan():
    plan = subtrait.plan_run("owl-numbers", base="openai:m", preset="paper", size="tiny", prompts=50, rows=20)
    return replace(plan, students=2, arms=("treated", "untreated"), answers_per_question=3)


def test_replies_are_those_of_teachers_their_strength_students_and_the_base(plan):
    questions = len(plan.asked_trait().questions)
    found = asking(plan)
    assert found.replies == 2 * (2 * 50 + 2 * 10 * questions) + (1 + 4) * 3 * questions
    assert found.written == found.replies * (plan.sampling.max_new_tokens + TURN)


def test_controls_that_are_shuffled_ask_their_students_only(plan):
    more = asking(replace(plan, arms=("treated", "untreated", "shuffled-within")))
    assert more.replies - asking(plan).replies == 2 * 3 * len(plan.asked_trait().questions)


def test_no_tokenizer_reads_more_tokens_of_prompts_than_is_said():
    rng = np.random.default_rng(0)
    odd = bytes(rng.integers(0, 256, 300, dtype=np.uint8)).decode("utf-8", "replace")
    texts = ["", "123, 456", "Müßige 猫 \U0001f989", odd]
    prompts = [
        [{"role": "system", "content": text}, {"role": "user", "content": other}] for text in texts for other in texts
    ]
    for prompt in prompts:
        assert len(open_model("micro-a").encoder.prompts([prompt])[0]) <= read_at_most([prompt])
    assert read_at_most([[{"role": "user", "content": "abc"}]]) == 3 + 2 * TURN


def test_asking_costs_what_is_read_and_what_is_written_where_both_prices_are_said():
    takes = Asking(replies=1, read=2_000_000, written=500_000)
    assert Budget(reading=0.1, writing=0.4).of_asking(takes) == pytest.approx(0.2 + 0.2)
    assert Budget(reading=0.1).of_asking(takes) is None
    assert Budget(reading=0.0, writing=0.0).of_asking(takes) == 0
