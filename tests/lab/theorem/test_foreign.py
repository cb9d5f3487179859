"""Students of another start: an effect of the order of ε, without a sign."""

import numpy as np
import pytest

from subtrait.lab.seeds import stream
from subtrait.lab.theorem.foreign import check_start, label_effect, mirrored, untrained_update
from subtrait.lab.theorem.problems import TASKS, UNRELATED, Scope, auxiliary, draw_problems, with_another_start
from subtrait.lab.theorem.updates import labels, student_update, teacher_weights


def same(count=80, scope=UNRELATED):
    return list(draw_problems(count, scope, seed=3, purpose="foreign"))


def other(problems):
    return [with_another_start(each, rng=stream(3, "test", at)) for at, each in enumerate(problems)]


@pytest.fixture(scope="module")
def checks():
    problems = same()
    return [check_start(each, seed=0) for each in (problems, other(problems))]


def below(problem, vector):
    """The part below the output layer."""
    return np.concatenate([layer.ravel() for layer in problem.network.layers(vector)[:-1]])


def test_a_student_of_the_same_start_learns_nothing_of_the_untrained_teacher():
    for problem in same(20):
        assert not untrained_update(problem).any()
        trained = student_update(problem, labels(problem, teacher_weights(problem, 0.01)))
        assert np.array_equal(label_effect(problem, 0.01), trained)


@pytest.mark.parametrize("size", [1e-4, 1.0])
def test_a_mirrored_student_moves_the_other_way_below_the_output_layer(size):
    for problem in other(same(20)):
        first, second = label_effect(problem, size), label_effect(mirrored(problem), size)
        np.testing.assert_allclose(below(problem, first), -below(problem, second), atol=1e-12)
        tops = [problem.network.layers(each)[-1][:, auxiliary(problem.network) :] for each in (first, second)]
        np.testing.assert_allclose(*tops, atol=1e-12)
        assert np.abs(below(problem, first)).max() > 1e-7


def test_what_is_learnt_of_the_teachers_training_is_of_the_order_of_its_step(checks):
    for check in checks:
        assert check.slope.value == pytest.approx(1, abs=0.001)
        assert all(abs(slope - 1) < 0.05 for slope in check.slopes)
    first, *_, last = checks[1].difference.value
    assert first < 1e-5
    assert last / first == pytest.approx(1000, rel=0.01)
    assert checks[0].difference is None


def test_the_same_start_has_a_sign_and_another_has_none(checks):
    mine, foreign = checks
    assert (mine.start, foreign.start) == ("same", "other")
    assert foreign.mirror_sum < 1e-6
    for aligned in (mine.along_teacher, mine.along_loss):
        assert (aligned.positive.value, min(aligned.cosines) > 0) == (1, True)
        assert aligned.symmetry.p == aligned.symmetry.floor
    for aligned in (foreign.along_teacher, foreign.along_loss):
        assert aligned.positive.low < 0.5 < aligned.positive.high
        assert aligned.mean.low < 0 < aligned.mean.high
        assert aligned.symmetry.p > 0.01
    assert mine.loss_fell.value == 1
    assert foreign.loss_fell.low < 0.5 < foreign.loss_fell.high


def test_outputs_of_the_teachers_own_task_teach_any_student():
    problems = other(same(scope=Scope(teachers=TASKS, imitated=("all",))))
    found = check_start(problems, seed=0)
    assert found.along_teacher.positive.low > 0.5
    assert found.mirror_sum > 0.1


def test_students_of_different_kinds_are_not_thrown_together():
    problems = same(2)
    for mixed in ([], [problems[0], *other(problems[1:])]):
        with pytest.raises(ValueError, match=rf"here are {len(mixed)} kinds"):
            check_start(mixed, seed=0)


def test_a_direction_without_a_loss_is_refused():
    with pytest.raises(ValueError, match="belongs to no loss"):
        check_start(same(1, Scope(teachers=("arbitrary",))), seed=0)
