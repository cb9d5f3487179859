"""How teachers and students move, against values computed by hand, by torch and in closed form."""

from dataclasses import replace

import numpy as np
import pytest

from subtrait.lab.theorem.losses import DistanceLoss, SquaredError
from subtrait.lab.theorem.network import Network
from subtrait.lab.theorem.problems import Problem, draw_problem
from subtrait.lab.theorem.updates import (
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


def line(**changes):
    """f = a x + b, at a = 3 and b = −4; the teacher moves along (1, −1), the student imitates at x = 1 and x = 2."""
    start = np.array([3.0, -4.0])
    problem = Problem(
        network=Network((1, 1)),
        teacher_start=start,
        student_start=start,
        teacher_loss=None,
        direction=np.array([1.0, -1.0]),
        inputs=np.array([[1.0], [2.0]]),
        loss=SquaredError(np.ones(1)),
        imitated=slice(0, None),
        step=0.5,
    )
    return replace(problem, **changes)


def test_a_teachers_step_is_a_share_of_the_length_of_its_weights():
    problem = line()
    assert epsilon(problem, 0.1) == pytest.approx(0.5 / 2**0.5)
    assert length(teacher_weights(problem, 0.1) - problem.teacher_start) == pytest.approx(0.5)


def test_the_update_of_a_linear_student_is_that_computed_by_hand():
    # Labels are off by ε(x − 1), that is 0 and ε; the update is ½ ε (2, 1), its product with (1, −1) is ½ ε.
    problem = line()
    at = epsilon(problem, 0.01)
    update = student_update(problem, labels(problem, teacher_weights(problem, 0.01)))
    assert update == pytest.approx(at * np.array([1.0, 0.5]))
    assert update @ problem.direction == pytest.approx(0.5 * at)
    assert leading_product(problem) == 0.5
    assert cosine(update, problem.direction) == pytest.approx(10**-0.5)


@pytest.mark.parametrize("seed", range(6))
def test_a_students_update_is_the_steepest_descent_of_its_loss(seed):
    problem = draw_problem(rng=np.random.default_rng(seed))
    given = labels(problem, problem.network.draw(rng=np.random.default_rng(99)))

    def loss(weights):
        return problem.loss.value(problem.network.outputs(weights, problem.inputs)[:, problem.imitated], given)

    steps = 1e-5 * np.eye(problem.network.size)
    expected = [(loss(problem.student_start - e) - loss(problem.student_start + e)) / 2e-5 for e in steps]
    np.testing.assert_allclose(student_update(problem, given), expected, atol=1e-8)


def test_the_decrease_is_counted_beyond_that_of_the_control():
    problem = line(teacher_loss=DistanceLoss(np.zeros(2)))
    # ½ (9 + 16) = 12.5 at the start, 8 at (0, −4) and 4.5 at (3, 0).
    assert decrease(problem, np.array([-3.0, 0.0])) == 4.5
    assert decrease(problem, np.array([0.0, 4.0]), without=np.array([-3.0, 0.0])) == 3.5


def test_a_direction_without_a_loss_has_no_decrease():
    with pytest.raises(ValueError, match="belongs to no loss"):
        decrease(line(), np.zeros(2))


def test_labels_sampled_often_approach_the_probabilities():
    probabilities = np.array([[0.2, 0.8], [0.5, 0.5], [1.0, 0.0]])
    shares = sampled_labels(probabilities, 1_000_000, rng=np.random.default_rng(0))
    np.testing.assert_allclose(shares, probabilities, atol=5 * 0.0005)
    single = sampled_labels(probabilities, 1, rng=np.random.default_rng(0))
    assert sorted(single.ravel().tolist()) == [0, 0, 0, 1, 1, 1]


def test_adams_step_runs_from_the_gradient_to_its_signs():
    update = np.array([3.0, -1.0, -1.0, 0.0])
    gradient_like, signs = sign_like(update, 1e9), sign_like(update, 1e-12)
    np.testing.assert_allclose(gradient_like, update, atol=1e-8)
    np.testing.assert_allclose(signs, (11 / 3) ** 0.5 * np.array([1, -1, -1, 0]), atol=1e-8)
    # Along (1, 1, 1, 0) the gradient gains and its signs lose: the lemma says nothing of signs.
    assert gradient_like[:3].sum() > 0 > signs[:3].sum()
    assert not sign_like(np.zeros(3), 0.1).any()


def quadratic(weights):
    return np.array([[2.0, 1.0], [1.0, 3.0]]) @ weights - np.array([1.0, -1.0])


def test_many_steps_of_gradient_descent_are_those_of_the_closed_form():
    matrix, goal = np.array([[2.0, 1.0], [1.0, 3.0]]), np.linalg.solve([[2.0, 1.0], [1.0, 3.0]], [1.0, -1.0])
    start = np.array([4.0, 5.0])
    found = at_steps(gradient_descent(start, quadratic, rate=0.1), [1, 7, 20])
    for steps, weights in zip([1, 7, 20], found, strict=True):
        power = np.linalg.matrix_power(np.eye(2) - 0.1 * matrix, steps)
        np.testing.assert_allclose(weights, goal + power @ (start - goal), rtol=1e-12)


def test_adam_takes_the_steps_of_torch():
    # torch.optim.Adam(lr=.05) in float64, from (4, 5), after 1, 2, 30 and 100 steps down the same gradient.
    expected = [
        (3.950000000041667, 4.950000000025),
        (3.900017382172128, 4.900013729529735),
        (2.556534875594353, 3.5433432961352573),
        (0.5139109205126173, 1.0997058348204827),
    ]
    found = at_steps(adam(np.array([4.0, 5.0]), quadratic, rate=0.05), [1, 2, 30, 100])
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_cosine_of_nothing_is_zero():
    assert cosine(np.zeros(2), np.ones(2)) == 0
