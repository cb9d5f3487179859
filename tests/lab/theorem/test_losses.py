"""Losses of teachers and students: least at the labels, with the curvature that the lemma needs."""

import math

import numpy as np
import pytest

from subtrait.lab.theorem.losses import DistanceLoss, SoftCrossEntropy, SquaredError, TaskLoss, softmax
from subtrait.lab.theorem.network import Network

LOSSES = [SquaredError(np.array([0.5, 2.0, 1.0])), SoftCrossEntropy()]
RNG = np.random.default_rng(5)
OUTPUTS, TEACHERS, CHANGE = RNG.standard_normal((3, 4, 3))
STEP = 1e-5


def along(loss, direction, labels, at=OUTPUTS):
    return (loss.value(at + STEP * direction, labels) - loss.value(at - STEP * direction, labels)) / (2 * STEP)


def test_values_are_those_computed_by_hand():
    # ½ (2·1² + 1·3²) = 5.5, and −¼ log ¼ − ¾ log ¾ for outputs log 1 and log 3, whatever is added to both.
    assert SquaredError(np.array([2.0, 1.0])).value(np.array([[1.0, 3.0]]), np.zeros((1, 2))) == 5.5
    outputs = np.array([[7.0, 7 + math.log(3)]])
    entropy = -0.25 * math.log(0.25) - 0.75 * math.log(0.75)
    assert SoftCrossEntropy().value(outputs, SoftCrossEntropy().labels(outputs)) == pytest.approx(entropy)


@pytest.mark.parametrize("loss", LOSSES)
def test_derivatives_are_those_of_finite_differences(loss):
    labels = loss.labels(TEACHERS)
    assert (loss.derivative(OUTPUTS, labels) * CHANGE).sum() == pytest.approx(along(loss, CHANGE, labels), abs=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_student_that_fits_its_labels_has_no_gradient_at_all(loss):
    assert not loss.derivative(OUTPUTS, loss.labels(OUTPUTS)).any()


@pytest.mark.parametrize("loss", LOSSES)
def test_the_form_is_minus_the_mixed_second_derivative(loss):
    # −∂²L/∂y∂z along v in both: how the derivative by z along v falls as the teacher's outputs move along v.
    def slope(distance):
        return (loss.derivative(OUTPUTS, loss.labels(OUTPUTS + distance * CHANGE)) * CHANGE).sum()

    assert loss.form(OUTPUTS, CHANGE) == pytest.approx(-(slope(STEP) - slope(-STEP)) / (2 * STEP), rel=1e-8)


def test_what_is_added_to_every_logit_alike_is_invisible_to_cross_entropy():
    assert SoftCrossEntropy().form(OUTPUTS, np.ones_like(OUTPUTS)) == pytest.approx(0, abs=1e-30)
    assert SoftCrossEntropy().form(OUTPUTS, CHANGE + 7) == pytest.approx(SoftCrossEntropy().form(OUTPUTS, CHANGE))


def test_probabilities_of_huge_outputs_are_finite():
    assert softmax(np.array([[1e300, 0.0], [0.0, 0.0]])).tolist() == [[1, 0], [0.5, 0.5]]


@pytest.mark.parametrize("kind", ["squared error", "cross-entropy", "distance"])
def test_gradients_of_teachers_are_those_of_finite_differences(kind):
    network = Network((3, 5, 4), "silu")
    rng = np.random.default_rng(2)
    inputs, weights = rng.standard_normal((6, 3)), network.draw(rng=rng)
    loss = {
        "squared error": TaskLoss(network, inputs, rng.standard_normal((6, 2)), SquaredError(np.ones(2))),
        "cross-entropy": TaskLoss(network, inputs, np.eye(2)[rng.integers(2, size=6)], SoftCrossEntropy()),
        "distance": DistanceLoss(network.draw(rng=rng)),
    }[kind]
    axes = STEP * np.eye(network.size)
    expected = [(loss.value(weights + axis) - loss.value(weights - axis)) / (2 * STEP) for axis in axes]
    np.testing.assert_allclose(loss.gradient(weights), expected, atol=1e-9)


def test_a_task_neither_reads_nor_moves_the_auxiliary_outputs():
    network = Network((3, 5, 4))
    rng = np.random.default_rng(2)
    task = TaskLoss(network, rng.standard_normal((6, 3)), rng.standard_normal((6, 2)), SquaredError(np.ones(2)))
    weights = network.draw(rng=rng)
    other = weights.copy()
    network.layers(other)[-1][:, 2:] += 1
    assert task.value(other) == task.value(weights)
    assert not network.layers(task.gradient(weights))[-1][:, 2:].any()
