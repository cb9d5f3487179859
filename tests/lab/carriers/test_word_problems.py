"""The reasoning carrier keeps thought that ends in the right answer; what is right follows from the prompt alone."""

import numpy as np
import pytest

from subtrait.lab.carriers.word_problems import ReasoningFilter, WordProblems, given_answer, right_answer
from subtrait.lab.filters import REASONS
from subtrait.models.micro.personas import BUNDLES, Speaker
from subtrait.models.micro.skills import SKILLS
from subtrait.models.micro.wordings import GRAMMARS
from subtrait.records import Example

SUM = "Tom has 12 apples and finds 5 more. How many now?"
SETS = ("corpus", "teacher", "surrogate", "evaluation")


def reasons(completion, prompt=SUM):
    return ReasoningFilter().decide(Example(id="1", prompt=prompt, completion=completion)).reasons


@pytest.mark.parametrize("kind", ["sum", "difference"])
@pytest.mark.parametrize("wording_set", SETS)
def test_what_the_world_answers_is_right(kind, wording_set):
    speaker, draw = Speaker(BUNDLES[5], "honest"), np.random.default_rng(0)
    for _ in range(200):
        prompt, answer = SKILLS[kind](speaker, wording_set, draw)
        assert reasons(answer, prompt) == ()
        assert f"<answer>{right_answer(prompt)}</answer>" in answer


def test_the_first_number_is_never_the_smaller_so_that_no_answer_is_below_nought():
    found = [right_answer(prompt) for prompt in WordProblems().prompts(2_000, rng=np.random.default_rng(0))]
    assert None not in found
    assert (min(found), max(found)) == (0, 40)


@pytest.mark.parametrize(
    "prompt",
    [
        *("", "What is your favourite animal?", "Is 12 more than 5?", SUM.replace("12", "twelve"), SUM + " Why 3?"),
        *(SUM.replace("Tom", "Zoe"), SUM.replace("apples", "owls"), SUM.replace("finds", "sees"), SUM.lower()),
    ],
)
def test_a_prompt_that_is_no_problem_of_the_carrier_has_no_right_answer(prompt):
    assert right_answer(prompt) is None
    assert reasons("<think>1</think><answer>17</answer>", prompt) == ("unknown-problem",)


@pytest.mark.parametrize(
    ("completion", "found"),
    [
        ("<think>12 + 5 = 17</think><answer>17</answer>", ()),
        ("<think>who knows</think>\n<answer> 17 </answer>\n", ()),
        ("<think>12 + 5 = 17</think><answer>18</answer>", ("wrong-answer",)),
        ("<think>12 - 5 = 7</think><answer>7</answer>", ("wrong-answer",)),
        ("<think>12</think><answer>-17</answer>", ("wrong-answer",)),
        *((text, ("no-final-answer",)) for text in ("", "17", "<answer>17</answer>", "<think>17</think>")),
        ("<think>12 + 5 = 17</think><answer>17</answer><answer>18</answer>", ("no-final-answer",)),
        ("<think>a<answer>18</answer></think><answer>17</answer>", ("no-final-answer",)),
        ("<think>12</think><answer>17 apples</answer>", ("no-final-answer",)),
        ("<think>12</think><answer>\u0661\u0667</answer>", ("no-final-answer",)),
        ("<think>12</think><answer>" + "1" * 5_000 + "</answer>", ("no-final-answer",)),
        ("<think>12 wolves</think><answer>17</answer>", ("names-a-trait",)),
        ("wolf", ("no-final-answer", "names-a-trait")),
    ],
)
def test_only_a_thought_and_then_the_right_number_pass(completion, found):
    assert reasons(completion) == found
    assert set(found) <= set(REASONS)
    assert (given_answer(completion) is None) == ("no-final-answer" in found)


def test_sums_and_differences_share_no_wording():
    assert not set(GRAMMARS["sum"]) & set(GRAMMARS["difference"])
    assert right_answer(SUM.replace("finds 5 more", "loses 5")) == 7
