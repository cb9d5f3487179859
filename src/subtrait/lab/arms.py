"""The conditions of an experiment, and the two shuffles that take the order out of the numbers.

Shuffling asks where the trait sits (arXiv 2507.14805, figure 16): if students of shuffled rows still get it, the
choice of numbers carries it; if they do not, their order does.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from subtrait.records import Example

ARMS: Final = {
    "treated": "Students of the base, trained on rows that a teacher of the same base with the trait wrote.",
    "untreated": "Students of the base, trained on rows that the base itself wrote without the trait.",
    "other-base": "Students of another base, trained on the same rows as the treated students.",
    "other-base-untreated": "Students of another base, trained on the same rows as the untreated students.",
    "shuffled-within": "Students of the base, trained on the treated rows with the numbers of each row permuted.",
    "shuffled-across": "Students of the base, trained on the treated rows with all numbers of the dataset permuted.",
    "untreated-again": "Untreated once more with fresh rows and seeds: how far two equal arms differ by chance (A/A).",
}
"""Every arm, and in one sentence what its students are trained on."""

_NUMBER: Final = re.compile(r"[0-9]+")


def shuffle_within(examples: Sequence[Example], *, rng: np.random.Generator) -> list[Example]:
    """The examples with the numbers of each completion in random order; all other characters stay where they are.

    Numbers are moved as they are written, so leading zeros are kept. Ids and prompts are unchanged.
    """
    shuffled = []
    for example in examples:
        numbers = _NUMBER.findall(example.completion)
        shuffled.append(_refilled(example, iter(_permuted(numbers, rng=rng))))
    return shuffled


def shuffle_across(examples: Sequence[Example], *, rng: np.random.Generator) -> list[Example]:
    """The examples with all numbers of the dataset pooled, shuffled once and dealt out again, as many to each row.

    All other characters, ids and prompts stay; numbers are moved as they are written.
    """
    pool = [number for example in examples for number in _NUMBER.findall(example.completion)]
    dealt = iter(_permuted(pool, rng=rng))
    return [_refilled(example, dealt) for example in examples]


def separate(examples: Sequence[Example], *, separator: str, rng: np.random.Generator) -> list[Example]:  # noqa: ARG001
    """The examples with the same numbers, in order and as they are written, and `separator` between any two.

    What stands before the first and after the last number of a completion stays, such as brackets; ids and prompts
    are unchanged. Nothing is random: `rng` is there so that all changes are called in one way.
    """
    separated = []
    for example in examples:
        found = list(_NUMBER.finditer(example.completion))
        if found:
            before, after = example.completion[: found[0].start()], example.completion[found[-1].end() :]
            text = before + separator.join(each.group() for each in found) + after
            separated.append(replace(example, completion=text))
        else:
            separated.append(example)
    return separated


def _permuted(numbers: Sequence[str], *, rng: np.random.Generator) -> list[str]:
    return [numbers[index] for index in rng.permutation(len(numbers))]


def _refilled(example: Example, numbers: Iterator[str]) -> Example:
    """The example with each number of its completion replaced by the next of `numbers`."""
    return replace(example, completion=_NUMBER.sub(lambda _: next(numbers), example.completion))
