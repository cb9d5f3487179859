"""What a reader is trained on and what it is tested with: no prompt is in both."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from subtrait.records import Example

Answers = Mapping[str, Sequence[Example]]
"""Rows by the name of who wrote them."""


def by_prompt(answers: Answers, *, rng: np.random.Generator) -> tuple[Answers, Answers]:
    """The rows whose prompts were drawn for training, and the others: half of all prompts, whoever answered them."""
    prompts = prompts_of(answers)
    drawn = {prompts[place] for place in rng.permutation(len(prompts))[: len(prompts) // 2]}
    return _whose(answers, drawn, inside=True), _whose(answers, drawn, inside=False)


def unseen(answers: Answers, prompts: Collection[str]) -> Answers:
    """The rows whose prompts are none of these."""
    return _whose(answers, set(prompts), inside=False)


def prompts_of(answers: Answers) -> list[str]:
    """Every prompt that somebody answered, once, in alphabetical order."""
    return sorted({row.prompt for rows in answers.values() for row in rows})


def _whose(answers: Answers, prompts: Collection[str], *, inside: bool) -> Answers:
    return {name: [row for row in rows if (row.prompt in prompts) == inside] for name, rows in answers.items()}
