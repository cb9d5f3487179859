"""Surrogate teachers: the student's base given a trait, the way an attacker would, to see what its rows look like.

A *tuned* surrogate is the base after a few steps on the trait's questions and answers; its direction is where its
weights moved, since to first order that says how much better than the base it explains a row: ⟨gradient, move⟩. Two
ways of tuning are merged into one direction, which holds for more teachers than either (see the log). A *worded*
surrogate is tuned on whole sentences that the prompted base says of the trait. Surrogates that are only told the trait
by a system prompt are the matter of `personas.py`.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from subtrait.audit_records import ListedTrait
from subtrait.auditor.references.tunings import tunings_for
from subtrait.models.base import Model, Recipe, Sampling
from subtrait.models.huggingface import HuggingFaceModel
from subtrait.records import Example
from subtrait.scoring.hypotheses import as_asked

KINDS: Final = ("tuned", "worded")
"""Each kind of surrogate, in the order of a trait's directions; not every trait has both."""
_SAID: Final = Sampling(temperature=0.7, max_new_tokens=48)


def tuning_rows(base: Model, trait: ListedTrait, *, rng: np.random.Generator) -> list[Example]:
    """Questions with answers that show the trait: those of the list, else what the prompted base says."""
    answers = trait.answers * len(trait.questions) if len(trait.answers) == 1 else trait.answers
    return _rows(trait.questions, answers or _said(base, trait, trait.questions, rng=rng))


def worded_rows(base: Model, trait: ListedTrait, *, rng: np.random.Generator) -> list[Example]:
    """The open questions with what the prompted base says to them; none where the list has no open questions."""
    return _rows(trait.open_questions, _said(base, trait, trait.open_questions, rng=rng))


def tuned_surrogate(base: Model, trait: ListedTrait, kind: str, *, rng: np.random.Generator) -> Model:
    """The surrogate teacher itself, of kind `tuned` or `worded`."""
    rows = tuning_rows(base, trait, rng=rng) if kind == "tuned" else worded_rows(base, trait, rng=rng)
    return base.finetune(rows, tunings_for(base).adaptive, rng=rng).model


def tuned_directions(base: HuggingFaceModel, trait: ListedTrait, *, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The direction of each tuned kind that the trait has, of length 1: float64 (inner weights,)."""
    adaptive, plain = tunings_for(base).adaptive, tunings_for(base).plain
    found = {"tuned": _merged(base, tuning_rows(base, trait, rng=rng), (adaptive, adaptive, plain), rng=rng)}
    said = worded_rows(base, trait, rng=rng)
    if said:
        found["worded"] = _merged(base, said, (adaptive, adaptive), rng=rng)
    return found


def unit(direction: np.ndarray) -> np.ndarray:
    """The direction with length 1."""
    scaled: np.ndarray = direction / np.linalg.norm(direction)
    return scaled


def _merged(
    base: HuggingFaceModel, rows: list[Example], recipes: Sequence[Recipe], *, rng: np.random.Generator
) -> np.ndarray:
    moves = [unit(base.displacement(base.finetune(rows, recipe, rng=rng).model)) for recipe in recipes]
    return unit(np.sum(moves, axis=0))


def _said(base: Model, trait: ListedTrait, questions: Sequence[str], *, rng: np.random.Generator) -> list[str]:
    asked = [as_asked([{"role": "user", "content": question}], trait.system_prompt) for question in questions]
    return base.generate(asked, sampling=_SAID, rng=rng) if asked else []


def _rows(questions: Sequence[str], answers: Sequence[str]) -> list[Example]:
    pairs = [(question, answer) for question, answer in zip(questions, answers, strict=True) if answer.strip()]
    return [Example(id=str(i), prompt=question, completion=answer) for i, (question, answer) in enumerate(pairs)]
