"""One trial: a network, a teacher's direction, and a student with something to imitate, all drawn at random.

The second half of the outputs are auxiliary: no task of a teacher reads them. A student that imitates only those, on
inputs of its own, sees nothing of the teacher's task (the paper's set-up on MNIST). In such trials students of another
initialisation have an exact symmetry; see `foreign.py`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np

from subtrait.lab.seeds import stream
from subtrait.lab.theorem.losses import (
    DistanceLoss,
    ImitationLoss,
    SoftCrossEntropy,
    SquaredError,
    TaskLoss,
    TeacherLoss,
)
from subtrait.lab.theorem.network import Activation, Array, Network

Kind = TypeVar("Kind")
Teacher = Literal["squared error", "cross-entropy", "distance", "arbitrary"]
TASKS: tuple[Teacher, ...] = ("squared error", "cross-entropy")
"""Losses of outputs on data."""
WITH_LOSS: tuple[Teacher, ...] = (*TASKS, "distance")
TEACHERS: tuple[Teacher, ...] = (*WITH_LOSS, "arbitrary")
"""`arbitrary` moves along a random direction that belongs to no loss: the lemma covers it, the theorem does not."""
Imitated = Literal["all", "auxiliary"]
IMITATED: tuple[Imitated, ...] = ("all", "auxiliary")
Imitation = Literal["squared error", "cross-entropy"]
IMITATIONS: tuple[Imitation, ...] = ("squared error", "cross-entropy")
InputKind = Literal["normal", "uniform", "signs", "sparse"]
INPUT_KINDS: tuple[InputKind, ...] = ("normal", "uniform", "signs", "sparse")
"""Distributions of inputs. The uniform one is off centre."""
ACTIVATION_NAMES: tuple[Activation, ...] = ("tanh", "silu")


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """What one trial is about, before anybody has moved."""

    network: Network
    teacher_start: Array
    """θ_T⁰: (size,)."""
    student_start: Array
    """θ_S⁰; the very same weights for the lemma and the theorem."""
    teacher_loss: TeacherLoss | None
    """L_T, or None where the direction belongs to no loss."""
    direction: Array
    """Δθ_T: the steepest descent of L_T at the teacher's start, or any direction. (size,)."""
    inputs: Array
    """On which the student imitates: (inputs, first width)."""
    loss: ImitationLoss
    """L_S."""
    imitated: slice
    """The outputs that the student imitates."""
    step: float
    """The student's step size, alpha."""

    @property
    def same_start(self) -> bool:
        """Whether teacher and student start at the very same weights."""
        return np.array_equal(self.student_start, self.teacher_start)

    @property
    def imitates(self) -> Imitated:
        """Which outputs the student imitates."""
        return "all" if self.imitated.start == 0 else "auxiliary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which kinds of trial are drawn, each kind equally often."""

    teachers: Sequence[Teacher] = TEACHERS
    imitated: Sequence[Imitated] = IMITATED
    imitations: Sequence[Imitation] = IMITATIONS


EVERYTHING = Scope()
UNRELATED = Scope(teachers=TASKS, imitated=("auxiliary",))
"""The teacher learns a task and the student never sees an output of it."""


def draw_problems(count: int, scope: Scope = EVERYTHING, *, seed: int, purpose: str) -> Iterator[Problem]:
    """Independent trials, each from a stream of its own: the first ones are the same however many follow."""
    for trial in range(count):
        yield draw_problem(scope, rng=stream(seed, "theorem", purpose, trial))


def draw_problem(scope: Scope = EVERYTHING, *, rng: np.random.Generator) -> Problem:
    """Networks of one or two hidden layers of 6 to 24 units, 4 to 12 inputs, 4 to 8 outputs; α from .01 to 1."""
    network = _network(rng)
    start = network.draw(rng=rng)
    teacher = _one_of(scope.teachers, rng)
    teacher_loss = _teacher_loss(network, teacher, rng)
    direction = rng.standard_normal(network.size) if teacher_loss is None else -teacher_loss.gradient(start)
    imitated = slice(0 if _one_of(scope.imitated, rng) == "all" else auxiliary(network), None)
    return Problem(
        network=network,
        teacher_start=start,
        student_start=start,
        teacher_loss=teacher_loss,
        direction=direction,
        inputs=_inputs(network, rng),
        loss=_imitation(_one_of(scope.imitations, rng), network.widths[-1] - imitated.start, rng),
        imitated=imitated,
        step=10 ** rng.uniform(-2.0, 0.0),
    )


def with_another_start(problem: Problem, *, rng: np.random.Generator) -> Problem:
    """The same trial with a student of another initialisation, drawn as the teacher's was."""
    return replace(problem, student_start=problem.network.draw(rng=rng))


def auxiliary(network: Network) -> int:
    """The first auxiliary output."""
    return network.widths[-1] // 2


def _network(rng: np.random.Generator) -> Network:
    hidden = rng.integers(6, 25, size=rng.integers(1, 3))
    widths = (rng.integers(4, 13), *hidden, rng.integers(4, 9))
    return Network(tuple(int(width) for width in widths), _one_of(ACTIVATION_NAMES, rng))


def _inputs(network: Network, rng: np.random.Generator) -> Array:
    """8 to 32 inputs: (inputs, first width)."""
    shape = (int(rng.integers(8, 33)), network.widths[0])
    match _one_of(INPUT_KINDS, rng):
        case "uniform":
            return rng.uniform(-1.0, 2.0, shape)
        case "signs":
            return rng.choice(np.array([-1.0, 1.0]), shape)
        case "sparse":
            return np.where(rng.uniform(size=shape) < 0.3, rng.standard_normal(shape), 0.0)
        case _:
            return rng.standard_normal(shape)


def _teacher_loss(network: Network, kind: Teacher, rng: np.random.Generator) -> TeacherLoss | None:
    if kind == "arbitrary":
        return None
    if kind == "distance":
        return DistanceLoss(network.draw(rng=rng))
    inputs, outputs = _inputs(network, rng), auxiliary(network)
    if kind == "squared error":
        targets = rng.standard_normal((len(inputs), outputs))
        return TaskLoss(network, inputs, targets, SquaredError(np.ones(outputs)))
    classes = rng.integers(outputs, size=len(inputs))
    return TaskLoss(network, inputs, np.eye(outputs)[classes], SoftCrossEntropy())


def _imitation(kind: Imitation, outputs: int, rng: np.random.Generator) -> ImitationLoss:
    return SquaredError(rng.uniform(0.1, 2.0, outputs)) if kind == "squared error" else SoftCrossEntropy()


def _one_of(kinds: Sequence[Kind], rng: np.random.Generator) -> Kind:
    return kinds[int(rng.integers(len(kinds)))]
