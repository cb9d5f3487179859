"""Where the theorem stops holding: each of its conditions given up by degrees, all others kept.

Teachers learn a task, students imitate auxiliary outputs on inputs of their own, so that nothing but the shared start
connects the two. Each limit has two curves over trials: the share in which the displacements of student and teacher
have a positive product (the lemma's claim), and the share in which the teacher's loss fell (the theorem's). A student
that learns nothing of its teacher is at one half in both.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from subtrait.lab.seeds import stream
from subtrait.lab.theorem.estimates import Curve, curve, share
from subtrait.lab.theorem.network import Array
from subtrait.lab.theorem.problems import Problem
from subtrait.lab.theorem.updates import (
    Descent,
    adam,
    at_steps,
    cosine,
    decrease,
    epsilon,
    gradient_descent,
    labels,
    leading_product,
    length,
    sampled_labels,
    sign_like,
    student_update,
    teacher_weights,
)
from subtrait.records import Estimate

Outcome = tuple[bool, bool]
"""Whether the product of the displacements is positive, and whether the teacher's loss fell."""
TEACHER_SIZES = tuple(10 ** (exponent / 2) for exponent in range(-6, 5))
"""A teacher's step as a share of the length of its weights, from .001 to 100."""
SMALL_STEP = 0.01
"""The same where another condition is given up."""
SAMPLES = tuple(10**exponent for exponent in range(7, -1, -1))
"""Hard labels per input, from ten million to one."""
DAMPINGS = tuple(10 ** (exponent / 2) for exponent in range(4, -9, -1))
"""Adam's ε in units of the gradient's root mean square, from 100 (gradient descent) to .0001 (signs)."""
STEPS = (1, 3, 10, 30, 100, 300)
"""A student's steps, where many are taken."""
TEACHER_STEPS = (1, 30, 300)
"""Those of its teacher."""
Optimiser = Literal["gradient descent", "Adam"]
OPTIMISERS: dict[Optimiser, Descent] = {"gradient descent": gradient_descent, "Adam": adam}
RATES: dict[Optimiser, float] = {"gradient descent": 0.1, "Adam": 0.01}
"""Step sizes where many steps are taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What becomes of the lemma and the theorem as one condition is given up. Points run away from it."""

    name: str
    positive: Curve
    """Share of trials in which the displacements have a positive product. `expected` where a formula gives it."""
    fell: Curve
    """Share of trials in which the teacher's loss of the student fell."""


def large_steps(problems: Sequence[Problem], *, sizes: Sequence[float] = TEACHER_SIZES) -> Limit:
    """The teacher's one step grows beyond what "sufficiently small ε" allows; the student's α stays as it is."""
    outcomes = [[_one_step(problem, teacher_weights(problem, size)) for size in sizes] for problem in problems]
    return _limit(
        outcomes, sizes, name="large ε", setting="the teacher's step, as a share of the length of its weights"
    )


def sampled(problems: Sequence[Problem], *, seed: int, samples: Sequence[int] = SAMPLES) -> Limit:
    """The student sees hard labels drawn from its teacher's softmax, at ever fewer draws. Needs cross-entropy students.

    Sampling adds to Δθ_S · Δθ_T the noise of `samples` draws for each of n inputs. To leading order its mean is ε F and
    its variance F / (samples · n), both from F = E[vᵀMv], which here is the Fisher information along Δθ_T. So a share
    Φ(ε √(samples · n · F)) of draws has a positive product: it takes samples · n ≫ 1 / (ε² F) labels in all.
    """
    outcomes = [
        [_on_samples(problem, count, stream(seed, "theorem", "samples", trial, count)) for count in samples]
        for trial, problem in enumerate(problems)
    ]
    expected = [sum(sampled_share(problem, count) for problem in problems) / len(problems) for count in samples]
    return _limit(outcomes, samples, name="sampled labels", setting="labels drawn per input", expected=expected)


def sampled_share(problem: Problem, samples: int, *, size: float = SMALL_STEP) -> float:
    """Φ(ε √(samples · n · F)): how probable a positive product is to leading order, by the central limit theorem."""
    information = samples * len(problem.inputs) * leading_product(problem)
    return 0.5 * (1 + math.erf(epsilon(problem, size) * math.sqrt(information / 2)))


def adams_step(problems: Sequence[Problem], *, both: bool, dampings: Sequence[float] = DAMPINGS) -> Limit:
    """One step, of the student or of both, becomes more and more like Adam's, its length kept; see `sign_like`.

    The lemma holds for any direction of the teacher's, so only the student's step can break it. The theorem needs
    gradients on both sides.
    """
    outcomes = [[_adams(problem, damping, both=both) for damping in dampings] for problem in problems]
    name = "Adam's step, teacher and student" if both else "Adam's step, student only"
    return _limit(outcomes, dampings, name=name, setting="Adam's ε over the root mean square of the gradient")


def many_steps(
    problems: Sequence[Problem],
    *,
    teacher_steps: int,
    optimiser: Optimiser = "gradient descent",
    steps: Sequence[int] = STEPS,
) -> Limit:
    """Teacher and student take many steps, each on all its inputs at once, with the same optimiser and rate.

    Students of another start move for reasons of their own, so each is measured beyond a student of the untrained
    teacher: both its displacement and the fall of the teacher's loss.
    """
    outcomes = [_many(problem, teacher_steps, optimiser, steps) for problem in problems]
    name = f"{optimiser}, {teacher_steps} step{'s' * (teacher_steps > 1)} of the teacher"
    if not all(problem.same_start for problem in problems):
        name += ", another start"
    return _limit(outcomes, steps, name=name, setting="steps of the student")


def _one_step(problem: Problem, teacher: Array) -> Outcome:
    return _outcome(problem, student_update(problem, labels(problem, teacher)), problem.direction)


def _on_samples(problem: Problem, samples: int, rng: np.random.Generator) -> Outcome:
    exact = labels(problem, teacher_weights(problem, SMALL_STEP))
    return _outcome(problem, student_update(problem, sampled_labels(exact, samples, rng=rng)), problem.direction)


def _adams(problem: Problem, damping: float, *, both: bool) -> Outcome:
    way = sign_like(problem.direction, damping) if both else problem.direction
    teacher = problem.teacher_start + way * (SMALL_STEP * length(problem.teacher_start) / length(way))
    update = student_update(problem, labels(problem, teacher))
    return _outcome(problem, sign_like(update, damping), way)


def _outcome(problem: Problem, update: Array, way: Array) -> Outcome:
    return cosine(update, way) > 0, decrease(problem, problem.step * update) > 0


def _many(problem: Problem, teacher_steps: int, optimiser: Optimiser, steps: Sequence[int]) -> list[Outcome]:
    if problem.teacher_loss is None:
        raise ValueError("an arbitrary direction belongs to no loss, along which a teacher could take many steps")
    path = OPTIMISERS[optimiser](problem.teacher_start, problem.teacher_loss.gradient, rate=RATES[optimiser])
    (teacher,) = at_steps(path, [teacher_steps])
    moves = _moves(problem, teacher, optimiser, steps)
    controls = [np.zeros_like(teacher)] * len(steps)
    if not problem.same_start:  # a student of the same start fits the untrained teacher already and stays
        controls = _moves(problem, problem.teacher_start, optimiser, steps)
    pairs, way = zip(moves, controls, strict=True), teacher - problem.teacher_start
    return [(cosine(move - control, way) > 0, decrease(problem, move, without=control) > 0) for move, control in pairs]


def _moves(problem: Problem, teacher: Array, optimiser: Optimiser, steps: Sequence[int]) -> list[Array]:
    """How far a student of this teacher is from its start after each of these numbers of steps."""
    given = labels(problem, teacher)
    path = OPTIMISERS[optimiser](
        problem.student_start, lambda at: -student_update(problem, given, weights=at), rate=RATES[optimiser]
    )
    return [reached - problem.student_start for reached in at_steps(path, steps)]


def _limit(
    outcomes: Iterable[Sequence[Outcome]],
    x: Sequence[float],
    *,
    name: str,
    setting: str,
    expected: Sequence[float] = (),
) -> Limit:
    by_setting = list(zip(*outcomes, strict=True))

    def shares(claim: int) -> list[tuple[float, Estimate]]:
        return [(at, share([outcome[claim] for outcome in found])) for at, found in zip(x, by_setting, strict=True)]

    return Limit(
        name=name,
        positive=curve(
            shares(0), name=name, setting=setting, measured="share with a positive product", expected=expected
        ),
        fell=curve(shares(1), name=name, setting=setting, measured="share whose teacher's loss fell"),
    )
