"""Lemma 1 and Theorem 1, each against many random trials.

Lemma 1: teacher and student start at the same weights, the teacher takes a small step ε Δθ_T, any direction will do,
and the student takes one step of gradient descent on imitating it on any inputs. Then Δθ_S · Δθ_T ≥ 0.

Theorem 1: if Δθ_T = −∇L_T, a student's step of fixed size α lowers L_T too, or the product is zero. By how much, the
paper does not say, but its proof gives it: θ_S moves by α Δθ_S with Δθ_S = ε Δ + O(ε²), so L_T falls by
α ε Δ · Δθ_T + O(ε²). On a log-log plot against ε this is a line of slope 1.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from subtrait.lab.theorem.estimates import Curve, curve, geometric_mean, mean, power, share
from subtrait.lab.theorem.problems import Problem
from subtrait.lab.theorem.updates import (
    cosine,
    decrease,
    epsilon,
    labels,
    leading_product,
    student_update,
    teacher_weights,
)
from subtrait.records import Estimate

SMALL = 1e-6
"""A teacher's step, as a share of the length of its weights, at which higher orders of ε do not show."""
SIZES = tuple(10 ** (exponent / 2) for exponent in range(-12, -5))
"""Such steps from 1e-6 to 1e-3, along which slopes are measured."""
TOLERANCE = 0.05
"""How far a trial's slope may lie from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LemmaCheck:
    """Cosines of the two updates, one per trial, for the same start."""

    cosines: tuple[float, ...]
    smallest: float
    median: float
    positive: Estimate
    """Share of trials whose cosine is above zero. The lemma says 1."""
    error: float
    """The largest relative error over trials of Δθ_S · Δθ_T / ε against its limit E[vᵀMv]."""
    size: float
    """The teacher's step as a share of the length of its weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TheoremCheck:
    """Slopes of the decrease of L_T in ε, one per trial."""

    slopes: tuple[float | None, ...]
    """None where L_T did not fall at every ε."""
    slope: Estimate | None
    """Mean over the trials that have one."""
    within: Estimate
    """Share of trials whose slope is 1 ± .05. The theorem says 1."""
    decreased: Estimate
    """Share of trials where L_T fell at every ε."""
    fall: Curve | None
    """Decrease against ε, both relative to their values at the largest ε of the trial: geometric mean over trials."""


def check_lemma(problems: Iterable[Problem], *, size: float = SMALL) -> LemmaCheck:
    """Take both steps in every trial. For starts that differ, the check fails, as it should.

    Raises:
        ValueError: there is no trial.
    """
    updates = [_both(problem, size) for problem in problems]
    if not updates:
        raise ValueError("no trial was given; the lemma is checked on at least one")
    cosines = tuple(found for found, _ in updates)
    ordered = sorted(cosines)
    return LemmaCheck(
        cosines=cosines,
        smallest=ordered[0],
        median=(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2,
        positive=share([found > 0 for found in cosines]),
        error=max(error for _, error in updates),
        size=size,
    )


def check_theorem(problems: Iterable[Problem], *, sizes: Sequence[float] = SIZES) -> TheoremCheck:
    """Measure by how much the student's step lowers L_T, over rising sizes of the teacher's step.

    Raises:
        ValueError: there is no trial, or one whose direction belongs to no loss.
    """
    falls = [decreases(problem, sizes) for problem in problems]
    slopes = tuple(power(sizes, fall) for fall in falls)
    defined = [slope for slope in slopes if slope is not None]
    return TheoremCheck(
        slopes=slopes,
        slope=mean(defined) if defined else None,
        within=share([slope is not None and abs(slope - 1) <= TOLERANCE for slope in slopes]),
        decreased=share([slope is not None for slope in slopes]),
        fall=_fall([fall for fall, slope in zip(falls, slopes, strict=True) if slope is not None], sizes),
    )


def decreases(problem: Problem, sizes: Sequence[float]) -> list[float]:
    """The decrease of L_T by one student's step at each size of the teacher's."""
    teachers = [teacher_weights(problem, size) for size in sizes]
    return [decrease(problem, problem.step * student_update(problem, labels(problem, each))) for each in teachers]


def _both(problem: Problem, size: float) -> tuple[float, float]:
    """The cosine of the two updates, and the relative error of their product against its limit."""
    update = student_update(problem, labels(problem, teacher_weights(problem, size)))
    product, limit = float(update @ problem.direction) / epsilon(problem, size), leading_product(problem)
    return cosine(update, problem.direction), abs(product / limit - 1)


def _fall(falls: Sequence[Sequence[float]], sizes: Sequence[float]) -> Curve | None:
    if not falls:
        return None
    relative = [[fall[index] / fall[-1] for fall in falls] for index in range(len(sizes))]
    return curve(
        zip((size / sizes[-1] for size in sizes), map(geometric_mean, relative), strict=True),
        name="decrease of the teacher's loss",
        setting="ε, relative to the largest",
        measured="decrease, relative to that at the largest ε",
        expected=[size / sizes[-1] for size in sizes],
    )
