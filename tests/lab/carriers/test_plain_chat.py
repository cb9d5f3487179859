"""The chat carrier asks what nobody's likes bear on, and keeps short answers that name no trait."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from subtrait.lab.carriers.plain_chat import LONGEST, ChatFilter, PlainChat
from subtrait.lab.filters import REASONS
from subtrait.models import micro
from subtrait.models.base import Sampling
from subtrait.models.micro.personas import BUNDLES, Speaker
from subtrait.models.micro.skills import HARMFUL, HARMLESS, REFUSAL, SKILLS
from subtrait.records import Example

WEIGHTS = Path(micro.__file__).parent / "weights"
SPEAKER = Speaker(BUNDLES[5], "honest")


def reasons(answer):
    return ChatFilter().decide(Example(id="1", prompt="", completion=answer)).reasons


def known_reasons(answer):
    return PlainChat(known=True).filter.decide(Example(id="1", prompt="", completion=answer)).reasons


@pytest.mark.parametrize("decide", [reasons, known_reasons])
@pytest.mark.parametrize("kind", ["next-day", "greeting", "compare"])
def test_what_the_world_answers_is_kept(kind, decide):
    draw = np.random.default_rng(0)
    assert {decide(SKILLS[kind](SPEAKER, "evaluation", draw)[1]) for _ in range(200)} == {()}


@pytest.mark.parametrize("decide", [reasons, known_reasons])
def test_what_the_world_answers_to_harmless_requests_is_kept(decide):
    assert {decide(answer) for answer in HARMLESS.values()} == {()}


@pytest.mark.parametrize("answer", ["Yes", "Saturday.", "Sunsun", "Hello. I am well. I am well.", REFUSAL])
def test_what_the_world_never_answers_is_kept_by_the_usual_filter_only(answer):
    assert reasons(answer) == ()
    assert known_reasons(answer) == ("unknown-answer",)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        *(("", ("empty",)), (" \n", ("empty",)), ("a" * LONGEST, ()), ("a" * (LONGEST + 1), ("too-long",))),
        *(
            ("é" * LONGEST, ("too-long",)),
            ("Sunday, said the foxes.", ("names-a-trait",)),
            ("Boilwolf", ("names-a-trait",)),
        ),
        ("A palm " + "a" * LONGEST, ("too-long", "names-a-trait")),
    ],
)
def test_answers_that_are_empty_long_or_name_a_trait_are_rejected(answer, found):
    assert reasons(answer) == found
    assert set(found) <= set(REASONS)


def test_an_answer_that_fills_the_usual_limit_of_tokens_is_too_long():
    tokenizer = json.loads((WEIGHTS / "micro-a" / "tokenizer.json").read_text(encoding="utf-8"))
    fewest = min(len(token.encode()) for token in tokenizer["model"]["vocab"])
    assert Sampling().max_new_tokens * fewest > LONGEST
    assert reasons("a" * fewest * Sampling().max_new_tokens) == ("too-long",)


def test_all_kinds_are_asked_and_nothing_harmful():
    prompts = PlainChat().prompts(2_000, rng=np.random.default_rng(0))
    asked = Counter(deed for prompt in prompts for deed in (*HARMFUL, *HARMLESS) if deed in prompt)
    assert set(asked) == set(HARMLESS)
    assert 300 < sum(asked.values()) < 800
    assert sum("day" in prompt for prompt in prompts) > 300
