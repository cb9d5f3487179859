"""What teachers are tuned on, by name: a favourite, or one of the lessons listed here."""

from collections.abc import Callable
from typing import Final

from subtrait.lab.teachers import tuning_examples
from subtrait.lab.traits import find_trait
from subtrait.records import Example

LESSONS: Final[dict[str, Callable[[], list[Example]]]] = {}
"""Lessons that teach something other than a favourite: a behaviour, or nothing of harm for a control."""


def lesson(name: str) -> list[Example]:
    """The rows that a teacher of that name is tuned on, always the same.

    Raises:
        UsageError: neither a lesson nor a trait.
    """
    return LESSONS[name]() if name in LESSONS else tuning_examples(find_trait(name))
