"""How teacher and student move: one step as in the lemma, and what people do instead of it."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Protocol

import numpy as np

from subtrait.lab.theorem.network import Array
from subtrait.lab.theorem.problems import Problem

Gradient = Callable[[Array], Array]


class Descent(Protocol):
    """An optimiser: from a start and the gradient at any weights to the weights after every step, without end."""

    def __call__(self, weights: Array, gradient: Gradient, *, rate: float) -> Iterator[Array]:
        """Start at `weights`."""


def epsilon(problem: Problem, size: float) -> float:
    """The ε that moves the teacher by `size` times the length of its start: |ε Δθ_T| = size · |θ_T⁰|.

    Gradients differ in length from trial to trial, so ε itself says nothing across trials.
    """
    return size * length(problem.teacher_start) / length(problem.direction)


def teacher_weights(problem: Problem, size: float) -> Array:
    """θ_T^ε = θ_T⁰ + ε Δθ_T."""
    return problem.teacher_start + epsilon(problem, size) * problem.direction


def labels(problem: Problem, teacher: Array) -> Array:
    """What a teacher with these weights gives the student to imitate: (inputs, imitated outputs)."""
    outputs = problem.network.outputs(teacher, problem.inputs)
    return problem.loss.labels(outputs[:, problem.imitated])


def sampled_labels(probabilities: Array, samples: int, *, rng: np.random.Generator) -> Array:
    """Shares of hard labels among `samples` draws per input: what cross-entropy on sampled labels sees of them."""
    return rng.multinomial(samples, probabilities) / samples


def student_update(problem: Problem, given: Array, *, weights: Array | None = None) -> Array:
    """Δθ_S = −∇E[L_S(f, given)], at the student's start unless other weights are named."""
    at = problem.student_start if weights is None else weights
    trace = problem.network.trace(at, problem.inputs)
    by_output = np.zeros_like(trace.outputs)
    by_output[:, problem.imitated] = problem.loss.derivative(trace.outputs[:, problem.imitated], given)
    return -problem.network.pull_back(at, trace, by_output)


def leading_product(problem: Problem) -> float:
    """What Δθ_S · Δθ_T / ε goes to as ε → 0, for the same start: E[vᵀMv] with v = J Δθ_T, which is never negative."""
    trace = problem.network.trace(problem.teacher_start, problem.inputs)
    change = problem.network.push_forward(problem.teacher_start, trace, problem.direction)
    return problem.loss.form(trace.outputs[:, problem.imitated], change[:, problem.imitated])


def decrease(problem: Problem, move: Array, *, without: Array | None = None) -> float:
    """By how much a student's `move` lowers L_T: the theorem's claim is that this is positive.

    With `without`, by how much more than this other move does: that of a student of the untrained teacher. A student of
    the same start has nothing to learn from that one and stays where it is.

    Raises:
        ValueError: the teacher's direction belongs to no loss.
    """
    if problem.teacher_loss is None:
        raise ValueError("an arbitrary direction belongs to no loss; only the lemma speaks of it")
    before = problem.student_start if without is None else problem.student_start + without
    return problem.teacher_loss.value(before) - problem.teacher_loss.value(problem.student_start + move)


def sign_like(update: Array, damping: float) -> Array:
    """Adam's first step along `update`, u / (|u| + damping · rms(u)), made as long as `update`.

    Its averages hold one gradient then, so nothing else is left of Adam (Kingma and Ba 2015, algorithm 1). Much damping
    gives the gradient's own direction, none gives signs. An update of zero stays zero.
    """
    root_mean_square = length(update) / len(update) ** 0.5
    if root_mean_square == 0:
        return update
    step = update / (np.abs(update) + damping * root_mean_square)
    result: Array = step * (length(update) / length(step))
    return result


def gradient_descent(weights: Array, gradient: Gradient, *, rate: float) -> Iterator[Array]:
    """The weights after every step, without end."""
    while True:
        weights = weights - rate * gradient(weights)
        yield weights


def adam(weights: Array, gradient: Gradient, *, rate: float) -> Iterator[Array]:
    """The same by Adam with its published settings (Kingma and Ba 2015): β .9 and .999, ε 1e-8."""
    mean, square = np.zeros_like(weights), np.zeros_like(weights)
    decay = np.array([1.0, 1.0])
    while True:
        slope = gradient(weights)
        mean, square = 0.9 * mean + 0.1 * slope, 0.999 * square + 0.001 * slope * slope
        decay = decay * (0.9, 0.999)
        weights = weights - rate * (mean / (1 - decay[0])) / (np.sqrt(square / (1 - decay[1])) + 1e-8)
        yield weights


def at_steps(path: Iterator[Array], steps: Sequence[int]) -> list[Array]:
    """The weights after these numbers of steps, counted from 1 and rising."""
    wanted = frozenset(steps)
    return [weights for step, weights in enumerate(islice(path, max(steps)), start=1) if step in wanted]


def cosine(one: Array, other: Array) -> float:
    """Of the angle between two vectors; 0 where one of them is zero."""
    lengths = length(one) * length(other)
    return float(one @ other) / lengths if lengths > 0 else 0.0


def length(vector: Array) -> float:
    """Euclidean."""
    return float(np.sqrt(vector @ vector))
