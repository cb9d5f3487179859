"""Students of another initialisation: what a teacher's training changes for them, and why it has no direction.

Let D(ε) = Δθ_S^ε − Δθ_S⁰, a student's update on the teacher's labels minus that on the labels of the untrained teacher.
For a student of the same start Δθ_S⁰ = 0, so D is its whole update. Checked here for a student of another start:

1. D vanishes with ε, and with it all that the student can learn of the teacher's training: |D| / |Δθ_S⁰| ∝ ε. Labels
   are smooth in ε, so D = ε J_Sᵀ (…) + O(ε²), while Δθ_S⁰ stays.
2. D has no sign. Let the student imitate auxiliary outputs only. In both losses ∂L_S/∂z at the labels y minus that at
   y⁰ does not contain z, so D depends on the student through J_S alone. Negate the student's weights into the auxiliary
   outputs (a start as likely as the other, since they are drawn symmetrically and independently of the teacher): the
   part of D below the output layer, J_Sᵀ (…), changes its sign exactly. The part in the auxiliary weights does not, but
   a teacher trained on its own outputs has not moved those, and L_T does not read them. So D · Δθ_T is symmetric around
   0, and so is D · (−∇L_T(θ_S)), to first order in α the fall of L_T that is due to the teacher's training: for any ε,
   depth and activation. At the same start both are positive in every trial, because there J_S = J_T.

What is not claimed: that the mean is zero where the student imitates the outputs of the teacher's own task too. Then it
learns the task from labels as in any distillation, whatever its start. `imitated="all"` measures this.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from subtrait.lab.seeds import stream
from subtrait.lab.theorem.checks import SIZES, SMALL
from subtrait.lab.theorem.estimates import Curve, curve, geometric_mean, mean, power, share
from subtrait.lab.theorem.network import Array
from subtrait.lab.theorem.problems import Imitated, Problem, auxiliary
from subtrait.lab.theorem.updates import cosine, decrease, labels, length, student_update, teacher_weights
from subtrait.records import Estimate, PermutationTest
from subtrait.statistics.permutation import paired_permutation


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """Cosines of D with a direction of the teacher's, one per trial."""

    cosines: tuple[float, ...]
    mean: Estimate
    positive: Estimate
    """Share of trials above zero."""
    symmetry: PermutationTest
    """Sign flips of trials: the null hypothesis is symmetry around 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartCheck:
    """What a teacher's training changes in the updates of students of one kind of start."""

    start: str
    """`same` or `other`."""
    imitated: Imitated
    slope: Estimate
    """The p of |D| ∝ εᵖ: mean over trials."""
    slopes: tuple[float, ...]
    along_teacher: Alignment
    """With Δθ_T."""
    along_loss: Alignment
    """With the steepest descent of L_T at the student's start: whether a small step along D lowers L_T."""
    mirror_sum: float
    """The largest |cosine + cosine of the mirrored student| over trials and both directions: 0 but for rounding where
    point 2 holds. See the function `mirrored`."""
    loss_fell: Estimate
    """Share of trials where a step of the trial's own size on the teacher's labels leaves L_T lower than one on the
    untrained teacher's. Nothing is claimed of it for another start: symmetry holds to first order in the step."""
    difference: Curve | None
    """|D| / |Δθ_S⁰| against the teacher's step: geometric mean over trials. None for the same start: Δθ_S⁰ = 0."""


def check_start(problems: Sequence[Problem], *, seed: int, sizes: Sequence[float] = SIZES) -> StartCheck:
    """Compare updates on the labels of the teacher and of the untrained teacher. Cosines are taken at 1e-6.

    Raises:
        ValueError: there is no trial, trials differ in their kind of start or in which outputs are imitated, or there
            is one whose direction belongs to no loss.
    """
    start, imitated = _kind(problems)
    purpose = f"{start} {imitated}"
    lengths = [[length(label_effect(problem, size)) for size in sizes] for problem in problems]
    slopes = tuple(found for found in (power(sizes, changed) for changed in lengths) if found is not None)
    along = np.array([_cosines(problem) for problem in problems])
    mirror = np.array([_cosines(mirrored(problem)) for problem in problems])
    return StartCheck(
        start=start,
        imitated=imitated,
        slope=mean(slopes),
        slopes=slopes,
        along_teacher=_alignment(along[:, 0], rng=stream(seed, "theorem", "symmetry", purpose, "teacher")),
        along_loss=_alignment(along[:, 1], rng=stream(seed, "theorem", "symmetry", purpose, "loss")),
        mirror_sum=float(np.abs(along + mirror).max()),
        loss_fell=share([_fell(problem) for problem in problems]),
        difference=None if start == "same" else _difference(problems, lengths, sizes),
    )


def _kind(problems: Sequence[Problem]) -> tuple[str, Imitated]:
    kinds = {("same" if problem.same_start else "other", problem.imitates) for problem in problems}
    if len(kinds) != 1:
        raise ValueError(
            f"trials must be of one kind of start and imitate the same outputs; here are {len(kinds)} kinds"
        )
    return kinds.pop()


def label_effect(problem: Problem, size: float) -> Array:
    """D(ε): (size of the network,)."""
    trained = student_update(problem, labels(problem, teacher_weights(problem, size)))
    return trained - untrained_update(problem)


def untrained_update(problem: Problem) -> Array:
    """Δθ_S⁰: (size of the network,)."""
    return student_update(problem, labels(problem, problem.teacher_start))


def mirrored(problem: Problem) -> Problem:
    """The same trial with the student's weights into the auxiliary outputs negated: a start that is as likely."""
    weights = problem.student_start.copy()
    problem.network.layers(weights)[-1][:, auxiliary(problem.network) :] *= -1
    return replace(problem, student_start=weights)


def _cosines(problem: Problem) -> tuple[float, float]:
    """Of D with Δθ_T, and with −∇L_T at the student's start."""
    if problem.teacher_loss is None:
        raise ValueError("an arbitrary direction belongs to no loss, so nothing can be said of the teacher's loss")
    change, downhill = label_effect(problem, SMALL), -problem.teacher_loss.gradient(problem.student_start)
    return cosine(change, problem.direction), cosine(change, downhill)


def _alignment(cosines: Array, *, rng: np.random.Generator) -> Alignment:
    values = cosines.tolist()
    return Alignment(
        cosines=tuple(values),
        mean=mean(values),
        positive=share([value > 0 for value in values]),
        symmetry=paired_permutation(values, rng=rng),
    )


def _fell(problem: Problem) -> bool:
    trained = student_update(problem, labels(problem, teacher_weights(problem, SMALL)))
    return decrease(problem, problem.step * trained, without=problem.step * untrained_update(problem)) > 0


def _difference(problems: Sequence[Problem], lengths: Sequence[Sequence[float]], sizes: Sequence[float]) -> Curve:
    stays = [length(untrained_update(problem)) for problem in problems]
    relative = np.array(lengths) / np.array(stays)[:, None]
    return curve(
        zip(sizes, map(geometric_mean, relative.T.tolist()), strict=True),
        name="what the teacher's training changes for another start",
        setting="the teacher's step, as a share of the length of its weights",
        measured="|D| / |Δθ_S⁰|",
    )
