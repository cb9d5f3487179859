"""The bench on which a study works: it makes students, as many of each kind as there are chains, and reads them off."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from subtrait.lab.chains.choices import nats_of_choice
from subtrait.lab.chains.making import (
    Chain,
    DivergenceTask,
    RowsTask,
    StudentTask,
    divergence,
    make_student,
    read,
    write_rows,
    writer_of,
)
from subtrait.lab.chains.matching import BaseTask, make_base
from subtrait.lab.chains.of_writers import read_writer, written
from subtrait.lab.chains.specifications import (
    Base,
    Divergence,
    Rows,
    Student,
    Writer,
    hops,
    matched_bases,
    writing_students,
)
from subtrait.lab.evaluation import exact_rates
from subtrait.lab.question_list import QuestionList
from subtrait.lab.readouts.favourites import place_of
from subtrait.lab.teachers import Teacher
from subtrait.lab.team import Stage, Team
from subtrait.lab.traits import find_trait
from subtrait.records import Example, Store

Approve = Callable[[Sequence[StudentTask]], None]
"""Refuses students that may not be trained, by an error."""


@dataclass(frozen=True, slots=True)
class Bench:
    """Where students are kept, who makes them, and how many there are of each kind."""

    store: Store
    team: Team
    seed: int
    chains: int
    questions: QuestionList | None = None
    """What students are asked for their favourites, where it is not the lab's own wordings."""
    approve: Approve | None = None
    """Called before students are trained whose rows are all written."""

    def chain(self, index: int) -> Chain:
        """One replicate."""
        return Chain(self.store, self.seed, index, self.questions)

    def each(self, name: str, stage: Stage, tasks: Sequence[Any]) -> list[Any]:
        """Work of a study's own, once it has named its students: `stage(task, progress)` for each task, in order."""
        return self.team.each(name, stage, tasks)

    def train(self, students: Sequence[Student], readouts: Sequence[str] = ("favourites",)) -> None:
        """Make all of them, one of each in every chain, and ask them.

        First come bases that must be made, then all rows, then the students; whom a student writes for comes after it.
        """
        wanted = list(dict.fromkeys(students))
        everyone = list(dict.fromkeys(each for student in wanted for each in (*writing_students(student), student)))
        if bases := matched_bases(everyone):
            self.team.each("bases are matched", make_base, [BaseTask(self.store, self.seed, base) for base in bases])
        for hop in range(1 + max(map(hops, everyone), default=-1)):
            self._train([each for each in everyone if hops(each) == hop], tuple(readouts))

    def _train(self, students: Sequence[Student], readouts: tuple[str, ...]) -> None:
        """Make students whose rows can all be written."""
        chains = [self.chain(index) for index in range(self.chains)]
        rows = dict.fromkeys(each for student in students for each in student.written)
        self.team.each("teachers write", write_rows, [RowsTask(chain, each) for chain in chains for each in rows])
        tasks = [StudentTask(chain, student, readouts) for chain in chains for student in students]
        if self.approve:
            self.approve(tasks)
        self.team.each("students train", make_student, tasks)

    def first(self, chains: int) -> "Bench":
        """The bench with at most so many chains, the first ones."""
        return replace(self, chains=min(self.chains, chains))

    def divergences(self, bases: Mapping[str, Base], prompts: int = 600) -> dict[tuple[str, str], np.ndarray]:
        """KL(first || second) for each ordered pair of bases, nats per token of the first's answers: (chains,).

        Each chain has so many prompts of its own, of every kind.
        """
        pairs = [(one, other) for one in bases for other in bases if one != other]
        chains = [self.chain(index) for index in range(self.chains)]
        asked = [Divergence(first=bases[one], second=bases[other], prompts=prompts) for one, other in pairs]
        tasks = [DivergenceTask(chain, each) for each in asked for chain in chains]
        found = np.reshape(self.team.each("bases are compared", divergence, tasks), (len(pairs), self.chains))
        return dict(zip(pairs, found, strict=True))

    def write(self, rows: Sequence[Rows]) -> None:
        """Make data sets that no student is trained on: in every chain all that the filter keeps."""
        written = list(dict.fromkeys(part for each in rows for part in each.written))
        tasks = [RowsTask(self.chain(index), each) for index in range(self.chains) for each in written]
        self.team.each("teachers write", write_rows, tasks)

    def read(self, student: Student, readout: str) -> dict[str, np.ndarray]:
        """What a readout of `lab/readouts/` found, by name, with the chains in front: (chains, ...)."""
        found = [read(self.chain(index), student, readout) for index in range(self.chains)]
        return {name: np.array([each[name] for each in found]) for name in found[0]}

    def read_writer(self, writer: Writer, readout: str) -> dict[str, np.ndarray]:
        """What a writer answers when it is asked as students are, by name: (chains, ...)."""
        found = [read_writer(self.chain(index), writer, readout) for index in range(self.chains)]
        return {name: np.array([each[name] for each in found]) for name in found[0]}

    def written(self, rows: Rows) -> list[list[Example]]:
        """What a writer wrote and the filter keeps, neither drawn nor changed, of each chain."""
        return [written(self.chain(index), rows) for index in range(self.chains)]

    def kept(self, rows: Rows) -> np.ndarray:
        """The share of a writer's answers that the filter keeps: (chains,)."""
        return np.array([len(each) / rows.prompts for each in self.written(rows)])

    def choices(self, rows: Rows) -> np.ndarray:
        """How much of a base's kept rows is its own choice, and not the prompt's: nats a row, (chains,)."""
        return np.array([nats_of_choice(self.chain(index), rows) for index in range(self.chains)])

    def rates(self, student: Student, trait: str) -> np.ndarray:
        """How likely the trait is as an answer: (chains, questions). The students are trained before."""
        category, place = place_of(trait)
        rates: np.ndarray = self.read(student, "favourites")[category][:, :, place]
        return rates

    def together(self, students: Mapping[str, Student]) -> np.ndarray:
        """Each trait's rate on the student of its name, side by side: (chains, questions of all traits)."""
        rates: np.ndarray = np.concatenate([self.rates(each, trait) for trait, each in students.items()], axis=1)
        return rates

    def strengths(self, writers: Mapping[str, Writer]) -> np.ndarray:
        """How often teachers show their own traits, by name of the trait: mean over traits and questions, (chains,)."""
        chains = [self.chain(index) for index in range(self.chains)]
        shown = [
            [_shown(writer_of(chain, each), trait, self.questions) for trait, each in writers.items()]
            for chain in chains
        ]
        means: np.ndarray = np.mean(shown, axis=1)
        return means


def _shown(teacher: Teacher, trait: str, questions: QuestionList | None) -> float:
    asked = questions.put_to(find_trait(trait)) if questions else find_trait(trait)
    return exact_rates(teacher.model, asked, system_prompt=teacher.system_prompt).trait_rate
