"""Throwaway students: trained, asked once, and forgotten.

Those of a forecast take a few steps on the same rows, each in an order of its own; those of a trial train for longer,
each on a shard of its own, and on half of it too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from subtrait.auditor.lists.question_sets import QuestionSet, answer_probabilities
from subtrait.lab.seeds import stream
from subtrait.lab.team import Team
from subtrait.models.base import Recipe
from subtrait.models.registry import open_model
from subtrait.records import Example, Progress, Row, Store

Purpose = Literal["forecast", "trial"]
Side = Literal["suspect", "control"]
SIDES: tuple[Side, ...] = ("suspect", "control")
Part = Literal["whole", "half"]
"""Of a shard: the halves tell how the shift grows with the rows."""
PARTS: tuple[Part, ...] = ("whole", "half")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentTask:
    """One student: all that any process needs to train it."""

    store: Store
    purpose: Purpose
    base: str
    recipe: Recipe
    asked: tuple[QuestionSet, ...]
    seed: int
    rows: tuple[Example, ...] = ()
    side: Side = "suspect"
    part: Part = "whole"
    student: int = 0

    @property
    def name(self) -> str:
        """Where its answers are kept in the store."""
        return f"{self.purpose}/{self.side}/{self.part}/{self.student}.json"


def shards(rows: int, students: int, *, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Row numbers of `students` disjoint shards of equal size, drawn at random; a few rows may be left over."""
    order = rng.permutation(rows)
    size = rows // students
    return [order[student * size : (student + 1) * size] for student in range(students)]


def on_each_side(
    task: StudentTask, sides: tuple[Sequence[Example], Sequence[Example]], places: Sequence[NDArray[np.int64]]
) -> list[StudentTask]:
    """`task` for each selection of rows and either side: the two students of one share its prompts and their order."""
    return [
        replace(task, side=side, student=student, rows=tuple(rows[int(number)] for number in numbers))
        for student, numbers in enumerate(places)
        for side, rows in zip(SIDES, sides, strict=True)
    ]


def try_student(task: StudentTask, progress: Progress) -> None:
    """Train one student and keep the mean probability of every answer; students of one shard share their order."""

    def train() -> Row:
        rng = stream(task.seed, task.purpose, task.student)
        model = open_model(task.base).finetune(task.rows, task.recipe, rng=rng, progress=progress).model
        return {
            "rows": len(task.rows),
            "steps": task.recipe.steps,
            "answers": [answer_probabilities(model, each).mean(axis=0).tolist() for each in task.asked],
        }

    task.store.record(task.name, train)


def answers_of(tasks: Sequence[StudentTask], *, team: Team) -> dict[tuple[Side, Part], NDArray[np.float64]]:
    """What the students of each side and part answer: shape (students, answers of all sets).

    Those in the store are read back, the others are trained.
    """
    team.each("throwaway students train", try_student, tasks)
    found: dict[tuple[Side, Part], list[NDArray[np.float64]]] = {(task.side, task.part): [] for task in tasks}
    for task in tasks:
        stored = task.store.record(task.name, _not_trained)
        found[task.side, task.part].append(np.concatenate([np.array(each) for each in stored["answers"]]))
    return {kind: np.stack(students) for kind, students in found.items()}


def _not_trained() -> Row:
    raise AssertionError("students are trained before they are compared")
