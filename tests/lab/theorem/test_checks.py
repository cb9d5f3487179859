"""The lemma and the theorem: where they are known to hold, where they are known to fail."""

import math
from dataclasses import replace

import numpy as np
import pytest

from subtrait.lab.seeds import stream
from subtrait.lab.theorem.checks import SIZES, check_lemma, check_theorem, decreases
from subtrait.lab.theorem.losses import SquaredError, TaskLoss
from subtrait.lab.theorem.network import Network
from subtrait.lab.theorem.problems import UNRELATED, WITH_LOSS, Problem, Scope, draw_problems, with_another_start

START = np.array([3.0, -4.0])
ONE = SquaredError(np.ones(1))


def parabola(step=0.5):
    """f = a x + b at (3, −4). The teacher wants f(1) = 1 and has −1: Δθ_T = (2, 2). The student imitates at x = 2.

    There the labels move by 6 ε, so Δθ_S = 6 ε (2, 1), f(1) rises by 18 α ε, and with L_T = ½ (f(1) − 1)² the decrease
    is 36 α ε − 162 α² ε². With |θ| = 5 and |Δθ_T| = √8, ε = 5 size / √8.
    """
    network = Network((1, 1))
    task = TaskLoss(network, np.array([[1.0]]), np.array([[1.0]]), ONE)
    direction, inputs = -task.gradient(START), np.array([[2.0]])
    return Problem(network, START, START, task, direction, inputs, ONE, slice(0, None), step)


def closed_form(size, step=0.5):
    moved = step * 5 * size / math.sqrt(8)
    return 36 * moved - 162 * moved**2


def trials(count, scope=Scope(), purpose="checks"):  # noqa: B008 - frozen
    return list(draw_problems(count, scope, seed=7, purpose=purpose))


def wrong_sign(problem):
    """A student that is rewarded for being far from its labels: weights that the lemma excludes."""
    weights = -np.ones(problem.network.widths[-1] - problem.imitated.start)
    return replace(problem, loss=SquaredError(weights))


def test_the_lemma_gives_what_a_linear_case_computed_by_hand_gives():
    # Δθ_S ∝ (2, 1) and Δθ_T ∝ (1, 1): cosine 3 / √10. The product is ε · 6 · (2·2 + 1·2) = 36 ε, exactly linear in ε.
    found = check_lemma([parabola()])
    assert found.smallest == found.median == found.cosines[0] == pytest.approx(3 / math.sqrt(10))
    assert found.error == pytest.approx(0, abs=1e-8)


def test_updates_agree_in_every_random_trial():
    found = check_lemma(trials(60))
    assert found.smallest > 0
    assert (found.positive.value, found.positive.n) == (1, 60)
    assert found.positive.low == pytest.approx(0.025 ** (1 / 60))
    assert found.smallest < found.median < max(found.cosines)


def test_the_error_of_the_leading_term_shrinks_with_the_step():
    problems = trials(30)
    coarse, fine = (check_lemma(problems, size=size).error for size in (1e-3, 1e-5))
    assert coarse / fine == pytest.approx(100, rel=0.1)
    assert fine < 1e-3


def test_the_lemma_fails_for_students_of_another_start():
    problems = trials(60, UNRELATED)
    others = [with_another_start(each, rng=stream(7, "test", at)) for at, each in enumerate(problems)]
    assert check_lemma(others).positive.high < 0.8
    assert check_lemma(problems).positive.value == 1


def test_the_lemma_fails_for_a_loss_with_the_wrong_sign():
    found = check_lemma(wrong_sign(problem) for problem in trials(20))
    assert (found.positive.value, max(found.cosines) < 0) == (0, True)


def test_the_decrease_of_a_quadratic_case_is_its_closed_form():
    sizes = (1e-6, 1e-3, 0.1, 0.3)
    assert decreases(parabola(), sizes) == pytest.approx([closed_form(size) for size in sizes], rel=1e-8)


def test_the_slope_of_a_quadratic_case_is_that_of_its_closed_form():
    sizes = (0.001, 0.01, 0.1)
    expected = np.polyfit(np.log(sizes), np.log([closed_form(size) for size in sizes]), 1)[0]
    found = check_theorem([parabola()], sizes=sizes)
    assert found.slopes[0] == pytest.approx(expected, rel=1e-8)
    assert found.slope.value == found.slopes[0]
    assert found.fall.value[0] == pytest.approx(closed_form(0.001) / closed_form(0.1))
    assert found.fall.x == pytest.approx((0.01, 0.1, 1))


def test_the_teachers_loss_falls_with_slope_one():
    found = check_theorem(trials(40, Scope(teachers=WITH_LOSS)))
    assert (found.within.value, found.decreased.value, found.within.n) == (1, 1, 40)
    assert found.slope.value == pytest.approx(1, abs=0.005)
    assert found.fall.value == pytest.approx(found.fall.expected, rel=0.05)
    assert len(found.fall.x) == len(SIZES)


def test_steps_that_are_too_large_leave_the_line():
    # 36 m − 162 m² with m = .88 size is negative from size .25 on, and bent before.
    bent = check_theorem([parabola()], sizes=(0.05, 0.1, 0.2))
    assert (bent.within.value, bent.decreased.value) == (0, 1)
    risen = check_theorem([parabola()], sizes=(0.1, 0.3))
    assert (risen.slopes, risen.slope, risen.fall, risen.decreased.value) == ((None,), None, None, 0)


def test_the_theorem_fails_for_a_loss_with_the_wrong_sign():
    found = check_theorem([wrong_sign(problem) for problem in trials(10, Scope(teachers=WITH_LOSS))])
    assert (found.decreased.value, found.within.value, found.slope) == (0, 0, None)


def test_the_theorem_says_nothing_of_a_direction_without_a_loss():
    with pytest.raises(ValueError, match="belongs to no loss"):
        check_theorem(trials(1, Scope(teachers=("arbitrary",))))


def test_nothing_is_said_of_no_trials():
    for check in (check_lemma, check_theorem):
        with pytest.raises(ValueError, match=r"at least (1 trial|one)"):
            check([])
