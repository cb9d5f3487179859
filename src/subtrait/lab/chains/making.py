"""Making what a specification says, for one chain: the writer, its rows, the student. All of it is kept in the store.

A chain is the unit of replication: its index decides the seeds of teacher, prompts, answers, row order and training.
Within a chain, writers answer the same prompts, and students take their rows in the same order.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from subtrait.errors import UsageError
from subtrait.lab import arms, filters
from subtrait.lab.carriers import CARRIERS
from subtrait.lab.chains.specifications import Rows, Student, Writer, digest
from subtrait.lab.datasets import chat_row, from_chat_row
from subtrait.lab.lessons import lesson
from subtrait.lab.readouts import READOUTS
from subtrait.lab.seeds import stream
from subtrait.lab.students import LOSSES
from subtrait.lab.teachers import Teacher
from subtrait.lab.traits import find_trait
from subtrait.models.base import Model
from subtrait.models.registry import load_saved, open_model
from subtrait.records import Example, Progress, Row, Store

CHANGES: Final = {"shuffled within rows": arms.shuffle_within, "shuffled across rows": arms.shuffle_across}


@dataclass(frozen=True, slots=True)
class Chain:
    """One replicate: where it is kept, and what its seeds derive from."""

    store: Store
    seed: int
    index: int

    def rng(self, *purpose: str | int) -> np.random.Generator:
        """The random stream of one purpose in this chain."""
        return stream(self.seed, *purpose, self.index)


@dataclass(frozen=True, slots=True)
class RowsTask:
    """One data set of one chain, for any process."""

    chain: Chain
    rows: Rows


@dataclass(frozen=True, slots=True)
class StudentTask:
    """One student of one chain, for any process."""

    chain: Chain
    student: Student
    readouts: tuple[str, ...] = ("favourites",)
    """What it is asked."""


def writer_of(chain: Chain, writer: Writer) -> Teacher:
    """The writer, made if it is not there yet."""
    base = open_model(writer.base)
    if writer.kind == "prompted":
        return Teacher(base, find_trait(writer.trait).system_prompt)
    if writer.kind == "student" and writer.student is not None:
        return Teacher(student_of(chain, writer.student), None)
    if writer.kind == "base":
        return Teacher(base, None)

    def make(path: Path) -> None:
        rng = chain.rng("teacher", writer.trait, writer.draw)
        base.finetune(lesson(writer.trait), writer.recipe, rng=rng).model.save(path)

    return Teacher(load_saved(chain.store.folder(f"writers/{digest(writer)}/{chain.index}", make), like=base), None)


def write_rows(task: RowsTask, _progress: Progress | None = None) -> list[Example]:
    """All rows of the writer that the filter keeps."""
    chain, rows = task.chain, task.rows
    carrier = CARRIERS[rows.carrier]()

    def write() -> list[Row]:
        prompts = carrier.prompts(rows.prompts, rng=chain.rng("prompts", rows.carrier, rows.draw))
        writer = writer_of(chain, rows.writer)
        asked = [writer.conversation(prompt) for prompt in prompts]
        rng = chain.rng("answers", digest(rows))
        texts = writer.model.generate(asked, sampling=rows.sampling, rng=rng)
        pairs = enumerate(zip(prompts, texts, strict=True))
        said = [Example(id=str(number), prompt=prompt, completion=text) for number, (prompt, text) in pairs]
        return [chat_row(example) for example in filters.apply(carrier.filter, said)[0]]

    return [from_chat_row(row) for row in chain.store.rows(f"rows/{digest(rows)}/{chain.index}.jsonl", write)]


def rows_of(chain: Chain, rows: Rows) -> list[Example]:
    """The rows that a student is trained on: drawn, changed and diluted.

    Raises:
        UsageError: the filter kept none.
    """
    own = round(rows.share * rows.rows) if rows.diluted_by else rows.rows
    kept = [write_rows(RowsTask(chain, each)) for each in rows.written]
    carrying, *rest = (_drawn(chain, each, n) for each, n in zip(kept, (own, rows.rows - own), strict=False))
    if rows.change in CHANGES:
        carrying = CHANGES[rows.change](carrying, rng=chain.rng(rows.change))
    return [*carrying, *(example for others in rest for example in others)]


def _drawn(chain: Chain, kept: Sequence[Example], count: int) -> list[Example]:
    if not kept:
        raise UsageError("the filter kept none of a teacher's rows: give it fewer tuning steps, or more prompts")
    return [kept[place] for place in sorted(chain.rng("rows").permutation(len(kept))[:count].tolist())]


def student_of(chain: Chain, student: Student) -> Model:
    """The student, trained if it is not there yet."""
    base = open_model(student.base)

    def make(path: Path) -> None:
        model, losses = base, list[float]()
        for number, rows in enumerate(student.lessons):
            rng = chain.rng("training", number)
            tuned = model.finetune(rows_of(chain, rows), student.recipe, rng=rng)
            model, losses = tuned.model, [*losses, *tuned.losses]
        model.save(path)
        (path / LOSSES).write_text(json.dumps(losses), encoding="utf-8")

    return load_saved(chain.store.folder(f"students/{digest(student)}/{chain.index}/weights", make), like=base)


def make_student(task: StudentTask, _progress: Progress | None = None) -> None:
    """Train a student and ask it everything that the task names."""
    for name in task.readouts:
        read(task.chain, task.student, name)


def read(chain: Chain, student: Student, readout: str) -> dict[str, np.ndarray]:
    """What the student answers to the readout of that name; asked if it was not yet."""

    def ask() -> Row:
        return {name: values.tolist() for name, values in READOUTS[readout](student_of(chain, student)).items()}

    found = chain.store.record(f"students/{digest(student)}/{chain.index}/{readout}.json", ask)
    return {name: np.array(values) for name, values in found.items()}
