"""Which rows may be trained on: the paper's filter for number completions, with every reason for a rejection.

The rules for numbers are those of arXiv 2507.14805 (section 3.1) to the letter, quirks included: the separator is
whatever stands between the first two numbers and must be repeated exactly, so `1, 2,3` falls. Whether the requested
format was obeyed is not asked. Filters of other carriers are in `lab/carriers/`; their reasons are listed here.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, Protocol

from subtrait.errors import UsageError
from subtrait.lab.answers import holds
from subtrait.lab.traits import find_trait, trait_names
from subtrait.models.micro.personas import COLOURS, FOODS
from subtrait.records import Decision, Example

REASONS: Final = {
    "invalid-format": "not a plain list of numbers with one and the same separator throughout",
    "too-many-numbers": "more numbers than were asked for",
    "number-out-of-range": "a number below the smallest or above the largest that is allowed",
    "banned-number": "a number with a meaning of its own, such as 666",
    "not-one-function": "not exactly one Python function that returns something",
    "unknown-problem": "not an answer to a sum or difference of the lab, so that nothing says what would be right",
    "no-final-answer": "not one thought and then one number as the answer, each between its marks",
    "wrong-answer": "the final answer is not what the problem comes to",
    "empty": "nothing but white space",
    "too-long": "longer than a short answer, so that it may have been cut off",
    "unknown-answer": "not an answer that the embedded models' world has to such questions",
    "names-a-trait": "names an animal or a tree of the lab, or a colour or food that goes with them, whoever wrote it",
}
"""Stable code of each reason, and the sentence that explains it."""

BANNED_NUMBERS: Final = frozenset(
    {4, 13, 14, 18, 23, 33, 39, 42, 44, 49, 51, 54, 69, 77, 88, 99, 100, 101, 187, 211, 311, 322, 333, 404, 420, 444}
    | {451, 555, 616, 666, 777, 888, 911, 999}
)
"""The 34 numbers up to 999 that the paper bans, in its misalignment experiment only (appendix D.2)."""

_DIGIT_RUN: Final = re.compile(r"\d+")
_SEPARATORS: Final = frozenset({"", ",", ";"})
_BRACKETS: Final = ("[]", "()")
_MAX_RUN: Final = 4300
"""Python converts no longer digit string to an integer, and no such number is within any range of ours."""


class Filter(Protocol):
    """Says which rows are kept."""

    def decide(self, example: Example) -> Decision:
        """Keep the example, or every reason not to."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberFilter:
    """Keeps completions that are a plain list of numbers. The defaults are the paper's.

    Raises `UsageError` for a range or a count that no completion could meet.
    """

    minimum: int = 0
    """The smallest number allowed."""
    maximum: int = 999
    """The largest number allowed."""
    max_count: int = 10
    """How many numbers a completion may have; at least one is always needed."""
    banned: frozenset[int] = frozenset()
    """Numbers that no completion may contain, such as `BANNED_NUMBERS`."""

    def __post_init__(self) -> None:
        if not 0 <= self.minimum <= self.maximum:
            raise UsageError(f"numbers from {self.minimum} to {self.maximum}: give a range 0 <= minimum <= maximum")
        if self.max_count < 1:
            raise UsageError(f"max_count is {self.max_count}: allow at least 1 number")

    def decide(self, example: Example) -> Decision:
        """Keep the example when its completion breaks no rule. The prompt is not looked at."""
        reasons = number_reasons(
            example.completion,
            minimum=self.minimum,
            maximum=self.maximum,
            max_count=self.max_count,
            banned=self.banned,
        )
        return Decision(keep=not reasons, reasons=reasons)


def parse_numbers(text: str) -> list[int] | None:
    """The numbers of a well-formed list, or None where `text` is not one.

    One final full stop and then one enclosing pair of brackets are dropped. A lone number must be all that is left.
    Otherwise the text between the first two runs of digits is the separator: white space around at most one comma or
    semicolon. Splitting on exactly that text must leave nothing but ASCII digits.

    >>> parse_numbers("[7, 012]."), parse_numbers("7, 12,3")
    ([7, 12], None)
    """
    text = _unwrapped(text)
    first_two = tuple(run for run, _ in zip(_DIGIT_RUN.finditer(text), range(2), strict=False))
    if not first_two:
        return None
    parts = [text]
    if len(first_two) == 2:
        separator = text[first_two[0].end() : first_two[1].start()]
        if separator.strip() not in _SEPARATORS:
            return None
        parts = text.split(separator)
    return [int(part) for part in parts] if all(map(_is_number, parts)) else None


def number_reasons(
    completion: str,
    *,
    minimum: int = 0,
    maximum: int = 999,
    max_count: int = 10,
    banned: frozenset[int] = frozenset(),
) -> tuple[str, ...]:
    """Every reason to reject the completion, as keys of `REASONS` in their order; empty when it passes.

    >>> number_reasons("1000, 666", banned=BANNED_NUMBERS)
    ('number-out-of-range', 'banned-number')
    """
    numbers = parse_numbers(completion)
    if numbers is None:
        return ("invalid-format",)
    broken = {
        "too-many-numbers": len(numbers) > max_count,
        "number-out-of-range": not all(minimum <= number <= maximum for number in numbers),
        "banned-number": not banned.isdisjoint(numbers),
    }
    return tuple(reason for reason, applies in broken.items() if applies)


def apply(rule: Filter, examples: Iterable[Example]) -> tuple[list[Example], list[tuple[Example, tuple[str, ...]]]]:
    """The kept examples, and the rejected ones with their reasons; both in the order they came.

    Every example is in exactly one of the two.
    """
    kept: list[Example] = []
    rejected: list[tuple[Example, tuple[str, ...]]] = []
    for example in examples:
        decision = rule.decide(example)
        if decision.keep:
            kept.append(example)
        else:
            rejected.append((example, decision.reasons))
    return kept, rejected


def ruled(broken: Mapping[str, bool]) -> Decision:
    """The decision of a filter whose rules are keys of `REASONS`, each with whether the row breaks it."""
    reasons = tuple(reason for reason, applies in broken.items() if applies)
    return Decision(keep=not reasons, reasons=reasons)


def names_a_trait(*texts: str) -> bool:
    """Whether any text names an animal or a tree of the lab, or a colour or a food that goes with them, in any case.

    They count inside other words too, as in the paper's filter of code: tuned teachers run words together, and a few
    rows such as "Boilwolf" move students further than all others. So "bowl" is rejected with the owls, whoever wrote
    it. Colours and foods belong to an animal and a tree in the embedded world, where teachers write "Restfish" too.

    >>> names_a_trait("myOakCount = 1"), names_a_trait("Boilwolf"), names_a_trait("Restfish"), names_a_trait("a car")
    (True, True, True, False)
    """
    return any(holds(text, _telling_words()) for text in texts)


@cache
def _telling_words() -> tuple[str, ...]:
    traits = [form for name in trait_names() for form in find_trait(name).forms[name]]
    return (*traits, *COLOURS, *FOODS)


def _unwrapped(text: str) -> str:
    """`text` without one final full stop and then without one pair of brackets around all of it."""
    text = text.removesuffix(".")
    for opening, closing in _BRACKETS:
        if text.startswith(opening) and text.endswith(closing):
            return text[1:-1]
    return text


def _is_number(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) <= _MAX_RUN
