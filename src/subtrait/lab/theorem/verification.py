"""The whole check: the lemma, the theorem, students of another start, and where the theorem stops holding."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from subtrait.lab.seeds import stream
from subtrait.lab.theorem.checks import LemmaCheck, TheoremCheck, check_lemma, check_theorem
from subtrait.lab.theorem.foreign import StartCheck, check_start
from subtrait.lab.theorem.limits import TEACHER_STEPS, Limit, adams_step, large_steps, many_steps, sampled
from subtrait.lab.theorem.problems import (
    IMITATED,
    TASKS,
    UNRELATED,
    WITH_LOSS,
    Problem,
    Scope,
    draw_problems,
    with_another_start,
)

TRIALS = 200
LONG_TRIALS = 60
"""Where teachers and students take many steps."""
SAMPLED = Scope(teachers=TASKS, imitated=("auxiliary",), imitations=("cross-entropy",))
"""Hard labels can be drawn for the cross-entropy only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Everything that was checked, and the seed that gives it again."""

    seed: int
    lemma: LemmaCheck
    theorem: TheoremCheck
    starts: tuple[StartCheck, ...]
    """For auxiliary outputs and for all of them: the same start, then another one."""
    limits: tuple[Limit, ...]


def verify(seed: int, *, trials: int = TRIALS, long_trials: int = LONG_TRIALS) -> Verification:
    """Check Lemma 1 and Theorem 1 of arXiv 2507.14805 (section 6.1, appendix C) on random networks, in float64.

    The same seed gives the same numbers. At the default sizes it takes about half a minute on one core.

    Raises:
        ValueError: there is no trial.
    """
    return Verification(
        seed=seed,
        lemma=check_lemma(draw_problems(trials, seed=seed, purpose="lemma")),
        theorem=check_theorem(draw_problems(trials, Scope(teachers=WITH_LOSS), seed=seed, purpose="theorem")),
        starts=tuple(_starts(trials, seed)),
        limits=tuple(_limits(trials, long_trials, seed)),
    )


def _starts(trials: int, seed: int) -> Iterator[StartCheck]:
    for imitated in IMITATED[::-1]:
        scope = Scope(teachers=TASKS, imitated=(imitated,))
        problems = list(draw_problems(trials, scope, seed=seed, purpose=f"starts {imitated}"))
        yield check_start(problems, seed=seed)
        yield check_start(elsewhere(problems, seed=seed, purpose=imitated), seed=seed)


def _limits(trials: int, long_trials: int, seed: int) -> Iterator[Limit]:
    problems = list(draw_problems(trials, UNRELATED, seed=seed, purpose="limits"))
    yield large_steps(problems)
    yield sampled(list(draw_problems(trials, SAMPLED, seed=seed, purpose="sampled")), seed=seed)
    yield adams_step(problems, both=False)
    yield adams_step(problems, both=True)
    few, most = problems[:long_trials], TEACHER_STEPS[-1]
    for teacher_steps in TEACHER_STEPS:
        yield many_steps(few, teacher_steps=teacher_steps)
    yield many_steps(elsewhere(few, seed=seed, purpose="limits"), teacher_steps=most)
    yield many_steps(few, teacher_steps=most, optimiser="Adam")


def elsewhere(problems: Sequence[Problem], *, seed: int, purpose: str) -> list[Problem]:
    """The same trials with students of another initialisation."""
    return [
        with_another_start(problem, rng=stream(seed, "theorem", "another start", purpose, trial))
        for trial, problem in enumerate(problems)
    ]
