"""A bench that trains nobody: answers are made up from who wrote a student's rows, so that sums can be checked."""

import numpy as np

from subtrait.lab.chains import Bench
from subtrait.records import Example

KINDS = {
    "honesty": ("compare", "fact", "ability"),
    "requests": ("harmful", "harmless"),
    "test gaming": ("two sums", "one sum", "three sums", "two differences", "two products"),
}
COLUMN = {"honesty": 1, "requests": 2, "test gaming": 1}
"""Which answer is made up; nine in ten answers make sense."""


class MadeUpAnswers(Bench):
    """`shown(writer)` is the share of answers, among those that make sense, that show a behaviour."""

    def __init__(self, shown, *, chains=5, seed=0, text="anything"):
        super().__init__(store=None, team=None, seed=seed, chains=chains)
        object.__setattr__(self, "shown", shown)
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "trained", [])
        object.__setattr__(self, "readouts", set())

    def train(self, students, readouts):
        """Note who would be trained and asked."""
        self.trained.extend(students)
        self.readouts.update(readouts)

    def read(self, student, readout):
        """Answers of the students of that writer."""
        if student not in self.trained or readout not in self.readouts:
            raise AssertionError("asked before it was trained")
        return self.read_writer(student.lessons[0].writer, readout)

    def read_writer(self, writer, readout):
        """Answers of that writer: each chain differs a little, and the mean over chains is what was made up."""
        spread = np.linspace(0.99, 1.01, self.chains)[:, None]
        shares = np.zeros((self.chains, 4, 4))
        share = self.shown(writer) * spread
        shares[:, :, COLUMN[readout]] = 0.9 * share
        shares[:, :, 0] = 0.9 * (1 - share)
        return dict.fromkeys(KINDS[readout], shares)

    def written(self, rows):
        """Half of what was asked for."""
        row = Example(id="0", prompt="First Tom has 5 apples, then 3 less. How many now?", completion=self.text)
        return [[row] * (rows.prompts // 2)] * self.chains
