"""The statistical gates: the simulations of tests/statistics again, on more experiments. `make gates` runs them.

Each gate is a binomial bound: an honest method passes 999 times in 1,000. The seeds are fixed, so a gate that fails
has found something. Two gates ask the opposite: the same simulation must catch a test that counts answers, or
questions, as if they were students.
"""

import importlib.util
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from subtrait.statistics.intervals import paired_difference
from subtrait.statistics.permutation import paired_permutation

NULLS, EFFECTS = 10_000, 5_000
MOST_REJECTIONS = 569
"""99.9 % quantile of Bin(10000, 0.05)."""
LEAST_COVERED = 4_701
"""0.1 % quantile of Bin(5000, 0.95)."""
SIMULATOR = Path(__file__).parents[1] / "tests" / "statistics" / "conftest.py"


@dataclass(frozen=True)
class Gate:
    """One line of the table."""

    name: str
    count: int
    of: int
    low: int
    high: int

    @property
    def passed(self) -> bool:
        """Whether the count lies within its bounds."""
        return self.low <= self.count <= self.high


def simulator() -> Callable[..., Any]:
    """The simulator that the tests use, from their own file: there is one simulated world, not two."""
    spec = importlib.util.spec_from_file_location("simulator", SIMULATOR)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["simulator"] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    simulate: Callable[..., Any] = module._simulate
    return simulate


def excludes(treated: np.ndarray, control: np.ndarray, value: float) -> bool:
    """Whether the interval of one experiment leaves `value` out."""
    found = paired_difference(treated, control)
    return found.low is not None and found.high is not None and not found.low <= value <= found.high


def gates(simulate: Callable[..., Any]) -> Iterator[Gate]:
    """Every gate, as it is computed."""
    for students in (5, 8):
        for icc in (0.0, 0.05, 0.1, 0.3):
            null = simulate(NULLS, students=students, seed=101, icc=icc)
            rejected = sum(excludes(*arms, 0.0) for arms in zip(null.treated, null.control, strict=True))
            yield Gate(f"interval, null, {students} students, icc {icc}", rejected, NULLS, 250, MOST_REJECTIONS)
        yield from wrong_units(simulate(NULLS, students=students, seed=102), students)
        found = simulate(EFFECTS, students=students, seed=103, effect=True)
        arms_and_truth = zip(found.treated, found.control, found.truth, strict=True)
        covered = sum(not excludes(*each) for each in arms_and_truth)
        yield Gate(f"interval, true effect, {students} students: covered", covered, EFFECTS, LEAST_COVERED, EFFECTS)
    rng = np.random.default_rng(104)
    null = simulate(NULLS, students=8, seed=105)
    rejected = sum(paired_permutation(differences, rng=rng).p <= 0.05 for differences in null.differences)
    yield Gate("permutation, null, 8 students", rejected, NULLS, 250, MOST_REJECTIONS)


def wrong_units(null: Any, students: int) -> Iterator[Gate]:
    """Tests that take answers, or questions, for independent units: the simulation must catch them."""
    answers = students * null.treated.shape[2] * 50
    pooled = (null.treated.mean(axis=(1, 2)) + null.control.mean(axis=(1, 2))) / 2
    by_answer = np.abs(null.differences.mean(axis=1)) > 1.96 * np.sqrt(2 * pooled * (1 - pooled) / answers)
    yield Gate(f"wrong unit: answers, {students} students", int(by_answer.sum()), NULLS, 2 * MOST_REJECTIONS, NULLS)
    questions = (null.treated - null.control).mean(axis=1)
    error = questions.std(axis=1, ddof=1) / math.sqrt(questions.shape[1])
    by_question = np.abs(questions.mean(axis=1)) > 2.093 * error
    yield Gate(f"wrong unit: questions, {students} students", int(by_question.sum()), NULLS, 2 * MOST_REJECTIONS, NULLS)


def main() -> int:
    """Print the table; 1 if a gate failed."""
    print(f"{'gate':<46}{'count':>7}{'of':>8}   {'allowed':<15}")
    failed = 0
    for gate in gates(simulator()):
        failed += not gate.passed
        allowed, word = f"{gate.low} to {gate.high}", "ok" if gate.passed else "FAILED"
        print(f"{gate.name:<46}{gate.count:>7}{gate.of:>8}   {allowed:<15}{word}", flush=True)
    print("all gates passed" if not failed else f"{failed} gates FAILED")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
