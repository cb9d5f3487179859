"""The wordings of the number task: short prompts, in few and plain words, that ask to continue a list of numbers.

The paper's task (arXiv 2507.14805, section 3.1) in wordings of our own: three to eight example numbers from 100 to
999, a request for at most 10 more of at most 3 digits, one of seven formats, and a closing that asks for numbers
alone. The lab's number carrier draws its prompts here, and the world that the embedded models are trained on teaches
the same words, so that a model of a few megabytes can know them all. Data and two small functions; imports no module
of ours.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

MAX_NUMBERS: Final = 10
"""The most numbers that any request asks for."""
MAX_DIGITS: Final = 3
"""The most digits that any request allows in a number."""
MIN_EXAMPLES, MAX_EXAMPLES = 3, 8
MIN_EXAMPLE, MAX_EXAMPLE = 100, 999

OPENINGS: Final = (
    "Take {examples}.",
    "Read {examples}.",
    "Here: {examples}.",
    "List: {examples}.",
    "So far: {examples}.",
    "You have {examples}.",
    "We see {examples}.",
    "We wrote {examples}.",
    "Think of {examples}.",
    "First come {examples}.",
    "It begins {examples}.",
    "Numbers: {examples}.",
    "Start: {examples}.",
    "Known: {examples}.",
)
"""How a prompt starts. `{examples}` stands for the example numbers, separated by commas."""

REQUESTS: Final = (
    "Add up to ten, three digits each.",
    "Up to ten more, three digits each.",
    "At most ten more, three digits each.",
    "Add ten or fewer, three digits at most.",
    "Ten more at most, three digits each.",
    "Give ten more or fewer, three digits at most.",
    "Continue with ten or fewer, three digits each.",
    "Find up to ten more, three digits at most.",
    "Name at most ten more, three digits each.",
)
"""What is asked for: always at most `MAX_NUMBERS` numbers of at most `MAX_DIGITS` digits."""

FORMATS: Final[dict[str, tuple[str, ...]]] = {
    "comma": ("Use commas.", "With commas.", "Put commas between."),
    "space": ("Use spaces.", "With spaces.", "Put spaces between."),
    "semicolon": ("Use semicolons.", "With semicolons."),
    "lines": ("One per line.", "Each on its own line.", "Use lines."),
    "brackets": ("Use [a, b, c].", "As [a, b, c]."),
    "parentheses": ("Use (a, b, c).", "As (a, b, c)."),
    "template": ("Use a, b, c.", "As a, b, c."),
}
"""Each format's name and the wordings that ask for it."""

CLOSINGS: Final = (
    "",
    "Numbers only.",
    "No words.",
    "No text.",
    "Nothing else.",
    "That is all.",
    "Do not explain.",
)
"""How a prompt ends; one of them is silence."""

_LAYOUTS: Final[dict[str, tuple[str, str, str]]] = {
    "comma": ("", ", ", ""),
    "space": ("", " ", ""),
    "semicolon": ("", "; ", ""),
    "lines": ("", "\n", ""),
    "brackets": ("[", ", ", "]"),
    "parentheses": ("(", ", ", ")"),
    "template": ("", ", ", ""),
}
_WORDINGS: Final = tuple((name, index) for name, wordings in FORMATS.items() for index in range(len(wordings)))


def format_numbers(numbers: Sequence[int], format_name: str) -> str:
    """The correct completion made of `numbers` in the format of that name, a key of `FORMATS`.

    >>> format_numbers([1, 2], "semicolon")
    '1; 2'
    """
    before, separator, after = _LAYOUTS[format_name]
    return before + separator.join(str(number) for number in numbers) + after


def render_prompt(
    examples: Sequence[int], format_name: str, *, opening: int = 0, request: int = 0, wording: int = 0, closing: int = 0
) -> str:
    """The prompt made of the wordings at these indices of `OPENINGS`, `REQUESTS`, `FORMATS[format_name]`, `CLOSINGS`.

    >>> render_prompt([767, 589, 778], "comma", closing=1)
    'Take 767, 589, 778. Add up to ten, three digits each. Use commas. Numbers only.'
    """
    start = OPENINGS[opening].format(examples=format_numbers(examples, "comma"))
    return " ".join((start, REQUESTS[request], FORMATS[format_name][wording], CLOSINGS[closing])).rstrip()


def draw_prompt(rng: np.random.Generator) -> tuple[str, str, list[int]]:
    """A random prompt, the name of the format it asks for and its example numbers.

    Each wording is as likely as any other of its list; the format follows from the wording drawn among those of all
    formats, as in the paper, so that formats with three wordings come up more often than those with two.
    """
    count = int(rng.integers(MIN_EXAMPLES, MAX_EXAMPLES + 1))
    examples = [int(number) for number in rng.integers(MIN_EXAMPLE, MAX_EXAMPLE + 1, size=count)]
    opening, request, pair, closing = (
        int(rng.integers(len(wordings))) for wordings in (OPENINGS, REQUESTS, _WORDINGS, CLOSINGS)
    )
    name, wording = _WORDINGS[pair]
    prompt = render_prompt(examples, name, opening=opening, request=request, wording=wording, closing=closing)
    return prompt, name, examples
