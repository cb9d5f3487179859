"""The bench on which a study works: it makes students, as many of each kind as there are chains, and reads them off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from subtrait.lab.chains.making import (
    Chain,
    RowsTask,
    StudentTask,
    asked,
    favourites,
    make_student,
    write_rows,
    writer_of,
)
from subtrait.lab.chains.specifications import Student, Writer
from subtrait.lab.team import Team
from subtrait.lab.traits import CATEGORIES, find_trait
from subtrait.models.base import Model
from subtrait.records import Store


@dataclass(frozen=True, slots=True)
class Bench:
    """Where students are kept, who makes them, and how many there are of each kind."""

    store: Store
    team: Team
    seed: int
    chains: int

    def chain(self, index: int) -> Chain:
        """One replicate."""
        return Chain(self.store, self.seed, index)

    def train(self, students: Sequence[Student]) -> None:
        """Make all of them, one of each in every chain: first all rows, then the students."""
        chains = [self.chain(index) for index in range(self.chains)]
        wanted = list(dict.fromkeys(students))
        rows = dict.fromkeys(each for student in wanted for lesson in student.lessons for each in lesson.written)
        # Those that a student writes wait for that student
        ready = [each for each in rows if each.writer.kind != "student"]
        self.team.each("teachers write", write_rows, [RowsTask(chain, each) for chain in chains for each in ready])
        self.team.each("students train", make_student, [StudentTask(c, student) for c in chains for student in wanted])

    def rates(self, student: Student, trait: str) -> np.ndarray:
        """How likely the trait is as an answer: (chains, questions). The students are trained before."""
        category, place = _where(trait)
        answers = [asked(self.chain(index), student)[category] for index in range(self.chains)]
        rates: np.ndarray = np.array(answers)[:, :, place]
        return rates

    def together(self, students: Mapping[str, Student]) -> np.ndarray:
        """Each trait's rate on the student of its name, side by side: (chains, questions of all traits)."""
        rates: np.ndarray = np.concatenate([self.rates(each, trait) for trait, each in students.items()], axis=1)
        return rates

    def strengths(self, writers: Mapping[str, Writer]) -> np.ndarray:
        """How often teachers show their own traits, by name of the trait: mean over traits and questions, (chains,)."""
        chains = [self.chain(index) for index in range(self.chains)]
        shown = [[_shown(writer_of(chain, each).model, trait) for trait, each in writers.items()] for chain in chains]
        means: np.ndarray = np.mean(shown, axis=1)
        return means


def _shown(model: Model, trait: str) -> float:
    category, place = _where(trait)
    return float(favourites(model, category)[:, place].mean())


def _where(trait: str) -> tuple[str, int]:
    """The category of a trait, and its place among the category's answers."""
    category = find_trait(trait).category
    return category, CATEGORIES[category].index(trait)
