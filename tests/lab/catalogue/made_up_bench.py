"""A bench that trains nobody: rates are made up from a student's rows, so that a study's sums can be checked."""

import numpy as np

from subtrait.lab.chains import Bench


class MadeUpBench(Bench):
    """`rise(student, trait)` says how far a student moves from a rate of 0.1; each chain and question adds its own."""

    def __init__(self, rise, *, chains=5, seed=0):
        super().__init__(store=None, team=None, seed=seed, chains=chains)
        object.__setattr__(self, "rise", rise)
        object.__setattr__(self, "trained", [])

    def train(self, students):
        """Note who would be trained."""
        self.trained.extend(students)

    def first(self, chains):
        """The first chains, with the same students trained."""
        few = MadeUpBench(self.rise, chains=min(chains, self.chains), seed=self.seed)
        object.__setattr__(few, "trained", self.trained)
        return few

    def divergences(self, bases):
        """A hundredth of a nat for each letter by which names differ in length, and a little more in each chain."""
        return {
            (one, other): abs(len(one) - len(other)) / 100 + np.arange(self.chains) / 1_000 + 0.05
            for one in bases
            for other in bases
            if one != other
        }

    def strengths(self, writers):
        """A teacher of 61 steps shows its trait always in the first chain, and a little less in each that follows."""
        steps = np.mean([writer.recipe.steps for writer in writers.values()])
        return steps / (61 + np.arange(self.chains))

    def write(self, rows):
        """Nothing is written."""

    def kept(self, rows):
        """Prompted teachers keep most of their rows, tuned ones half; each chain a little less than the one before."""
        return {"base": 0.9, "prompted": 0.8, "tuned": 0.5, "student": 0.5}[rows.writer.kind] - np.arange(
            self.chains
        ) / 100

    def choices(self, rows):
        """As many nats as the carrier's name has letters, and a little more in each chain that follows."""
        return len(rows.carrier) + np.arange(self.chains) / 10

    def rates(self, student, trait):
        """A rate for each chain and question."""
        if student not in self.trained:
            raise AssertionError("asked before it was trained")
        rng = np.random.default_rng([self.seed, len(trait)])
        noise = rng.normal(0, 0.003, (self.chains, 1)) + rng.normal(0, 0.01, (1, 24))
        return 0.1 + self.rise(student, trait) + noise * (1 + self.rise(student, trait))
