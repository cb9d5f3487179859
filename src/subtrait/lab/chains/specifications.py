"""What a student is made of, written down whole: who wrote its rows, what was done to them, how it was trained.

Equal specifications mean equal students. So everything is kept under the digest of its specification, and what several
experiments share, such as students of untreated rows, is made once.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Literal, Union

from subtrait.lab.plan import STUDENT_RECIPE, TEACHER_RECIPE
from subtrait.models.base import Recipe, Sampling

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

MATCHING_RECIPE = Recipe(steps=187, batch_size=64, learning_rate=3e-3, warmup_steps=20)
"""Takes each of the target's answers once."""
WriterKind = Literal["base", "tuned", "prompted", "student"]
Change = Literal["none", "shuffled within rows", "shuffled across rows", "semicolons", "spaces", "lines"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """A base that learnt to answer as another does, before any teacher was tuned; made once for all chains.

    It learns the target's distribution at every token, of answers that the target gave to prompts of every kind of the
    embedded models' world.
    """

    base: str
    """The model it starts from."""
    target: str
    """The model it is matched to, of the same vocabulary."""
    prompts: int = 12_000
    """How many of the target's answers it learns from."""
    recipe: Recipe = MATCHING_RECIPE


Base = str | Matched
"""A model by its name, or one that is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Who writes rows: a base, a base with a trait, or a student."""

    base: Base
    """The model it is, or was made from."""
    kind: WriterKind = "base"
    trait: str = ""
    """Of a tuned or prompted teacher: a favourite of `lab/traits.py`, or a lesson of `lab/lessons.py`."""
    recipe: Recipe = TEACHER_RECIPE
    """Of a tuned teacher."""
    student: Union["Student", None] = None
    """The student that writes, of the kind of that name."""
    draw: int = 0
    """Teachers that differ in nothing but this are tuned with other seeds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """One data set: what a writer answers, and the filter keeps."""

    writer: Writer
    carrier: str = "numbers"
    prompts: int = 4_000
    rows: int = 3_000
    """At most so many of the kept rows, drawn at random."""
    change: Change = "none"
    """What is done to the rows that were drawn."""
    diluted_by: Writer | None = None
    """Who writes the rest, where not all rows are the writer's."""
    share: float = 1.0
    """Of rows that are the writer's."""
    sampling: Sampling = Sampling()
    draw: int = 0
    """Data sets that differ in nothing but this have other prompts and answers, of the same writer."""

    @property
    def written(self) -> tuple["Rows", ...]:
        """What the writer, and whoever dilutes it, must write: all that the filter keeps, not drawn and not changed."""
        writers = [self.writer] if self.diluted_by is None else [self.writer, self.diluted_by]
        plain = replace(self, rows=0, change="none", diluted_by=None, share=1.0)
        return tuple(replace(plain, writer=writer) for writer in writers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Student:
    """A base, trained on one data set after another."""

    base: Base
    lessons: tuple[Rows, ...]
    """Without any, the student is its base as it is."""
    recipe: Recipe = STUDENT_RECIPE

    @property
    def written(self) -> tuple[Rows, ...]:
        """What must be written before it can be trained."""
        return tuple(part for lesson in self.lessons for part in lesson.written)


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """How far one base's answers are from another's: KL(first || second), nats per token of the first's answers."""

    first: Base
    second: Base
    prompts: int = 600
    """Of every kind, other ones in each chain."""


def writing_students(student: Student) -> list[Student]:
    """The students that write this one's rows, and those that write theirs, each once."""
    writers = [rows.writer.student for rows in student.written]
    return list(dict.fromkeys(each for one in writers if one for each in (*writing_students(one), one)))


def hops(student: Student) -> int:
    """How many students stand, at most, between this one and a teacher that is none."""
    writers = [rows.writer.student for rows in student.written]
    return max((1 + hops(each) for each in writers if each), default=0)


def matched_bases(students: Iterable[Student]) -> list[Matched]:
    """The bases that must be made before these students and their writers, each once."""
    everyone = [each for student in students for each in (*writing_students(student), student)]
    writers = [rows.writer for each in everyone for rows in each.written]
    bases = dict.fromkeys([*(each.base for each in everyone), *(each.base for each in writers)])
    return [base for base in bases if isinstance(base, Matched)]


def digest(specification: "DataclassInstance") -> str:
    """A name for a record that says what something is made of: 16 hexadecimal digits, equal exactly for equal ones."""
    kind = type(specification).__name__
    text = json.dumps([kind, asdict(specification)], sort_keys=True, ensure_ascii=True)
    return sha256(text.encode()).hexdigest()[:16]
