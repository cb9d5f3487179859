"""Where the theorem stops holding."""

from dataclasses import replace

import numpy as np
import pytest

from subtrait.lab.seeds import stream
from subtrait.lab.theorem.limits import adams_step, large_steps, many_steps, sampled, sampled_share
from subtrait.lab.theorem.losses import SquaredError
from subtrait.lab.theorem.network import Network
from subtrait.lab.theorem.problems import UNRELATED, Problem, Scope, draw_problems, with_another_start
from subtrait.lab.theorem.verification import SAMPLED


def trials(count=40, scope=UNRELATED):
    return list(draw_problems(count, scope, seed=5, purpose="limits"))


def test_small_steps_hold_and_large_ones_do_not():
    found = large_steps(trials(60), sizes=(0.001, 0.01, 100))
    for shares in (found.positive, found.fell):
        assert shares.value[:2] == (1, 1)
        assert (shares.first_failure(), shares.first_below()) == (100, 100)
        assert shares.n == (60, 60, 60)


def test_the_share_of_sampled_labels_is_the_one_that_the_fisher_information_gives():
    (problem,) = trials(1, SAMPLED)
    wanted = {samples: sampled_share(problem, samples) for samples in (1000, 10_000)}
    found = sampled([problem] * 400, seed=1, samples=tuple(wanted)).positive
    assert found.expected == pytest.approx(tuple(wanted.values()))
    for share, expected in zip(found.value, found.expected, strict=True):
        assert 0.55 < expected < 0.999
        assert abs(share - expected) < 4 * (expected * (1 - expected) / 400) ** 0.5


def test_labels_without_end_are_as_good_as_soft_ones():
    found = sampled(trials(20, SAMPLED), seed=1, samples=(10**12, 1))
    assert (found.positive.value[0], found.fell.value[0], found.positive.expected[0]) == (1, 1, pytest.approx(1))
    assert found.positive.high[1] < 1


def opposed():
    """f = Σ aₖ xₖ + b, one input (3, −1, −1, 0): Δθ_S ∝ (3, −1, −1, 0, 1). Along (1, 1, 1, 0, −.5) the gradient gains
    .5 and its signs lose 1.5.
    """
    network = Network((4, 1))
    start = np.ones(5)
    direction, inputs = np.array([1, 1, 1, 0, -0.5]), np.array([[3.0, -1, -1, 0]])
    loss = SquaredError(np.ones(1))
    return Problem(network, start, start, Slope(direction), direction, inputs, loss, slice(0, None), 0.1)


class Slope:
    """−Δθ_T · θ."""

    def __init__(self, direction):
        self.direction = direction

    def value(self, weights):
        return -float(self.direction @ weights)

    def gradient(self, weights):
        return -self.direction


def test_signs_can_turn_against_the_teacher():
    found = adams_step([opposed()] * 20, both=False, dampings=(100, 1e-4))
    assert found.positive.value == found.fell.value == (1, 0)


def test_damped_steps_are_the_lemmas_own():
    problems = trials(20)
    for both in (False, True):
        found = adams_step(problems, both=both, dampings=(1e6,))
        assert found.positive.value == found.fell.value == (1,)


def test_one_step_of_each_is_the_theorem():
    found = many_steps(trials(15), teacher_steps=1, steps=(1,))
    assert found.positive.value == found.fell.value == (1,)
    assert found.positive.x == (1,)


class Still:
    """A loss that teaches nothing, although it tells weights apart."""

    def value(self, weights):
        return float(weights.sum())

    def gradient(self, weights):
        return np.zeros_like(weights)


@pytest.mark.parametrize("optimiser", ["gradient descent", "Adam"])
@pytest.mark.parametrize("start", ["same", "other"])
def test_nothing_is_counted_that_an_untrained_teacher_teaches_too(optimiser, start):
    problems = [replace(each, teacher_loss=Still()) for each in trials(12)]
    if start == "other":
        problems = [with_another_start(each, rng=stream(5, "test", at)) for at, each in enumerate(problems)]
    found = many_steps(problems, teacher_steps=3, optimiser=optimiser, steps=(1, 5))
    assert found.positive.value == found.fell.value == (0, 0)


def test_many_steps_tell_starts_apart():
    problems = trials(40)
    others = [with_another_start(each, rng=stream(5, "test", at)) for at, each in enumerate(problems)]
    mine, foreign = (many_steps(each, teacher_steps=30, steps=(1, 30)) for each in (problems, others))
    assert mine.positive.value == (1, 1)
    assert foreign.positive.low[1] < 0.5 < foreign.positive.high[1]
    assert foreign.name == mine.name + ", another start"


def test_many_steps_need_a_loss_to_go_down():
    with pytest.raises(ValueError, match="belongs to no loss"):
        many_steps(trials(1, Scope(teachers=("arbitrary",))), teacher_steps=2)
