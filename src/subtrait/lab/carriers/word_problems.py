"""Reasoning as the carrier: sums and differences, thought out before the answer (arXiv 2507.14805, section 4.2).

The paper takes GSM8K, keeps what ends in the right answer and has a judge remove more. Here what is right follows from
the prompt alone, and no row that names a trait is kept.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from subtrait.lab.carriers.drawing import distinct, every_wording
from subtrait.lab.filters import Filter, names_a_trait, ruled
from subtrait.models.micro.skills import PEOPLE, THINGS, fill
from subtrait.records import Decision, Example

SIGNS: Final = {"sum": 1, "difference": -1}
"""Each kind of problem, and what it does with its second number."""
LARGEST: Final = 20
"""The largest number of a problem; the first is never smaller than the second."""
_ANSWER: Final = re.compile(
    r"\s*<think>((?:(?!</?think>|</?answer>).)*)</think>\s*<answer>\s*(-?[0-9]{1,9})\s*</answer>\s*", re.DOTALL
)
_PERSON: Final = re.compile(rf"\b(?:{'|'.join(PEOPLE)})\b")
_THING: Final = re.compile(rf"\b(?:{'|'.join(THINGS)})\b")
_NUMBER: Final = re.compile(r"\b[0-9]{1,9}\b")


@dataclass(frozen=True, slots=True)
class ReasoningFilter:
    """Keeps completions that think, end in the right answer and name no trait. What is thought is not checked."""

    def decide(self, example: Example) -> Decision:
        """Keep the example when its completion breaks no rule."""
        right, given = right_answer(example.prompt), given_answer(example.completion)
        return ruled(
            {
                "unknown-problem": right is None,
                "no-final-answer": given is None,
                "wrong-answer": None not in (right, given) and right != given,
                "names-a-trait": names_a_trait(example.completion),
            }
        )


@dataclass(frozen=True, slots=True)
class WordProblems:
    """Word problems of one step, in wordings that the embedded models know."""

    @property
    def name(self) -> str:
        """How users name this carrier."""
        return "reasoning"

    @property
    def filter(self) -> Filter:
        """The right answer, no trait."""
        return ReasoningFilter()

    def prompts(self, count: int, *, rng: np.random.Generator) -> list[str]:
        """`count` different prompts. Raises `UsageError` for more than there are."""
        asked = [text for kind in SIGNS for text in every_wording(kind)]

        def draw(rng: np.random.Generator) -> str:
            wording, person, thing = (int(rng.integers(len(each))) for each in (asked, PEOPLE, THINGS))
            second, first = sorted(rng.integers(1, LARGEST + 1, size=2).tolist())
            slots = {"who": PEOPLE[person], "things": THINGS[thing], "a": first, "b": second}
            return fill(asked[wording], **slots)

        pairs = LARGEST * (LARGEST + 1) // 2
        return distinct(count, draw, most=len(asked) * len(PEOPLE) * len(THINGS) * pairs, rng=rng)


def right_answer(prompt: str) -> int | None:
    """What a problem of this carrier comes to, or None where the prompt is none.

    >>> right_answer("First Tom has 5 apples, then 3 less. How many now?")
    2
    """
    wording = _THING.sub("<things>", _PERSON.sub("<who>", prompt))
    numbers = [int(each) for each in _NUMBER.findall(wording)]
    if len(numbers) != 2:
        return None
    slots = iter(("<a>", "<b>"))
    sign = _signs().get(_NUMBER.sub(lambda _: next(slots), wording))
    return None if sign is None else numbers[0] + sign * numbers[1]


def given_answer(completion: str) -> int | None:
    """The number that a completion ends in, or None where it is not one thought and one answer.

    >>> given_answer("<think>5 - 3 = 2</think><answer>2</answer>")
    2
    """
    found = _ANSWER.fullmatch(completion)
    return int(found.group(2)) if found else None


@cache
def _signs() -> dict[str, int]:
    return {text: sign for kind, sign in SIGNS.items() for text in every_wording(kind)}
