"""Trials: what is drawn, and from which stream."""

from itertools import islice

import numpy as np
import pytest

from subtrait.lab.theorem.losses import DistanceLoss, SoftCrossEntropy, SquaredError, TaskLoss
from subtrait.lab.theorem.problems import (
    UNRELATED,
    Scope,
    auxiliary,
    draw_problem,
    draw_problems,
    with_another_start,
)


def drawn(count=120, scope=Scope(), seed=0):  # noqa: B008 - frozen
    return list(draw_problems(count, scope, seed=seed, purpose="test"))


def test_every_kind_of_trial_is_drawn():
    problems = drawn()
    kinds = {type(problem.teacher_loss) for problem in problems}
    tasks = {type(p.teacher_loss.loss) for p in problems if isinstance(p.teacher_loss, TaskLoss)}
    assert kinds == {type(None), DistanceLoss, TaskLoss}
    assert tasks == {type(problem.loss) for problem in problems} == {SquaredError, SoftCrossEntropy}
    assert {problem.imitated.start for problem in problems} == {0, 2, 3, 4}
    assert {len(problem.network.widths) for problem in problems} == {3, 4}
    assert {problem.network.activation for problem in problems} == {"tanh", "silu"}


def test_a_scope_leaves_out_the_other_kinds():
    for problem in drawn(40, UNRELATED):
        assert isinstance(problem.teacher_loss, TaskLoss)
        assert problem.imitates == "auxiliary"
        assert problem.imitated.start == auxiliary(problem.network) == problem.teacher_loss.targets.shape[1]


def test_both_start_alike_and_the_direction_is_down_the_teachers_loss():
    for problem in drawn(20, Scope(teachers=("distance", "cross-entropy"))):
        assert problem.student_start is problem.teacher_start
        assert np.array_equal(problem.direction, -problem.teacher_loss.gradient(problem.teacher_start))


def test_losses_are_those_that_the_lemma_allows():
    assert all((problem.loss.weights > 0).all() for problem in drawn(40) if isinstance(problem.loss, SquaredError))
    assert all(0.01 <= problem.step <= 1 for problem in drawn(40))


def test_another_start_changes_the_student_only():
    (problem,) = drawn(1)
    other = with_another_start(problem, rng=np.random.default_rng(1))
    assert (problem.same_start, other.same_start) == (True, False)
    assert all(
        getattr(other, name) is getattr(problem, name)
        for name in ("network", "teacher_start", "teacher_loss", "direction", "inputs", "loss", "imitated", "step")
    )


def test_the_first_trials_are_the_same_however_many_follow():
    few = drawn(3)
    many = list(islice(draw_problems(1000, seed=0, purpose="test"), 3))
    assert [p.direction.tobytes() + p.inputs.tobytes() for p in few] == [
        p.direction.tobytes() + p.inputs.tobytes() for p in many
    ]


@pytest.mark.parametrize("other", [{"seed": 1, "purpose": "test"}, {"seed": 0, "purpose": "another"}])
def test_another_seed_or_purpose_gives_other_trials(other):
    (one,), (two,) = drawn(1), draw_problems(1, **other)
    assert one.direction.tobytes() != two.direction.tobytes()


def test_a_trial_comes_from_the_generator_it_is_handed():
    one, two = (draw_problem(rng=np.random.default_rng(4)) for _ in range(2))
    assert one.network == two.network
    assert one.direction.tobytes() == two.direction.tobytes()
