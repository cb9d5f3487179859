"""Making what a specification says, for one chain: the writer, its rows, the student. All of it is kept in the store.

A chain is the unit of replication: its index decides the seeds of teacher, prompts, answers, row order and training.
Within a chain, writers answer the same prompts, and students take their rows in the same order.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from subtrait.errors import UsageError
from subtrait.lab import arms, filters
from subtrait.lab.carriers import CARRIERS
from subtrait.lab.chains.matching import base_of, mean_divergence, prompts_of_every_kind
from subtrait.lab.chains.specifications import Divergence, Rows, Student, Writer, digest
from subtrait.lab.datasets import chat_row, from_chat_row
from subtrait.lab.lessons import lesson
from subtrait.lab.question_list import QuestionList
from subtrait.lab.readouts import READOUTS, Readout
from subtrait.lab.readouts.favourites import favourites
from subtrait.lab.seeds import stream
from subtrait.lab.served_texts import noted
from subtrait.lab.students import LOSSES
from subtrait.lab.system_prompts import system_prompt_of
from subtrait.lab.teachers import Teacher
from subtrait.models.base import Model
from subtrait.models.registry import load_saved
from subtrait.records import Example, Progress, Row, Store

CHANGES: Final[dict[str, Callable[..., list[Example]]]] = {
    "shuffled within rows": arms.shuffle_within,
    "shuffled across rows": arms.shuffle_across,
    "semicolons": partial(arms.separate, separator="; "),
    "spaces": partial(arms.separate, separator=" "),
    "lines": partial(arms.separate, separator="\n"),
}
"""What can be done to rows of numbers, by the name of the `Change`."""


@dataclass(frozen=True, slots=True)
class Chain:
    """One replicate: where it is kept, and what its seeds derive from."""

    store: Store
    seed: int
    index: int
    questions: QuestionList | None = None
    """What students are asked for their favourites, where it is not the lab's own wordings."""

    def rng(self, *purpose: str | int) -> np.random.Generator:
        """The random stream of one purpose in this chain."""
        return stream(self.seed, *purpose, self.index)

    def arrays(self, name: str, make: Callable[[], Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """Arrays by name, kept in the store as one record; made if they are not there yet."""
        kept = self.store.record(name, lambda: {key: values.tolist() for key, values in make().items()})
        return {key: np.array(values) for key, values in kept.items()}


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


@dataclass(frozen=True, slots=True)
class DivergenceTask:
    """One pair of bases to be compared in one chain, for any process."""

    chain: Chain
    pair: Divergence


def writer_of(chain: Chain, writer: Writer) -> Teacher:
    """The writer, made if it is not there yet."""
    base = base_of(chain.store, chain.seed, writer.base)
    if writer.kind == "prompted":
        return Teacher(base, system_prompt_of(writer.trait))
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
    chain, rows, place = task.chain, task.rows, rows_place(task.chain, task.rows)

    def write() -> list[Row]:
        prompts = prompts_of(chain, rows.carrier, rows.prompts, rows.draw)
        writer = writer_of(chain, rows.writer)
        asked = [writer.conversation(prompt) for prompt in prompts]
        rng = chain.rng("answers", digest(rows))
        with noted(writer.model, chain.store, f"{place}.replies.json"):
            texts = writer.model.generate(asked, sampling=rows.sampling, rng=rng)
        pairs = enumerate(zip(prompts, texts, strict=True))
        said = [Example(id=str(number), prompt=prompt, completion=text) for number, (prompt, text) in pairs]
        return [chat_row(example) for example in filters.apply(CARRIERS[rows.carrier]().filter, said)[0]]

    return [from_chat_row(row) for row in chain.store.rows(f"{place}.jsonl", write)]


def rows_place(chain: Chain, rows: Rows) -> str:
    """Where in the store rows are kept, and what a server said of them: followed by `.jsonl` and `.replies.json`."""
    return f"rows/{digest(rows)}/{chain.index}"


def prompts_of(chain: Chain, carrier: str, count: int, draw: int) -> list[str]:
    """What the writers of such data sets are asked in this chain, whoever writes."""
    return CARRIERS[carrier]().prompts(count, rng=chain.rng("prompts", carrier, draw))


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
    base = base_of(chain.store, chain.seed, student.base)

    def make(path: Path) -> None:
        model, losses = base, list[float]()
        for number, rows in enumerate(student.lessons):
            rng = chain.rng("training", number)
            tuned = model.finetune(rows_of(chain, rows), student.recipe, rng=rng)
            model, losses = tuned.model, [*losses, *tuned.losses]
        model.save(path)
        (path / LOSSES).write_text(json.dumps(losses), encoding="utf-8")

    return load_saved(chain.store.folder(weights_of(chain, student), make), like=base)


def weights_of(chain: Chain, student: Student) -> str:
    """Where in the store a student is kept."""
    return f"students/{digest(student)}/{chain.index}/weights"


def make_student(task: StudentTask, _progress: Progress | None = None) -> None:
    """Train a student and ask it everything that the task names."""
    for name in task.readouts:
        read(task.chain, task.student, name)


def read(chain: Chain, student: Student, readout: str) -> dict[str, np.ndarray]:
    """What the student answers to the readout of that name; asked if it was not yet."""
    asks, place = _asking(readout, chain.questions)[1], answers_place(chain, student, readout)

    def ask() -> Mapping[str, np.ndarray]:
        model = student_of(chain, student)
        with noted(model, chain.store, f"{place}.replies.json"):
            return asks(model)

    return chain.arrays(f"{place}.json", ask)


def answers_place(chain: Chain, student: Student, readout: str) -> str:
    """Where in the store answers are kept, and what a server said of them: followed by `.json` and `.replies.json`."""
    return f"students/{digest(student)}/{chain.index}/{_asking(readout, chain.questions)[0]}"


def _asking(readout: str, questions: QuestionList | None) -> tuple[str, Readout]:
    """The readout, and the name its answers are kept under: questions of the user's own make it another."""
    if questions is None or readout != "favourites":
        return readout, READOUTS[readout]
    return f"favourites-{questions.digest}", partial(favourites, questions=questions)


def divergence(task: DivergenceTask, _progress: Progress | None = None) -> float:
    """How far the pair's bases differ on this chain's prompts, nats per token; computed if it was not yet."""
    chain, pair = task.chain, task.pair

    def compare() -> Row:
        rng = chain.rng("divergence")
        prompts = prompts_of_every_kind(pair.prompts, rng=rng)
        first, second = (base_of(chain.store, chain.seed, base) for base in (pair.first, pair.second))
        return {"nats per token": mean_divergence(first, second, prompts, rng=rng)}

    return float(chain.store.record(f"divergences/{digest(pair)}/{chain.index}.json", compare)["nats per token"])
