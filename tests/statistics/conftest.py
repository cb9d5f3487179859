"""Simulated experiments for the statistical laws: students are chains, questions are shared, answers are clustered."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

QUESTIONS = 20
ANSWERS = 50


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """Many experiments: question rates of both arms, shape (experiments, students, questions), and the true effects."""

    treated: NDArray[np.float64]
    control: NDArray[np.float64]
    truth: NDArray[np.float64]

    @property
    def differences(self) -> NDArray[np.float64]:
        """Treated minus control of each student, shape (experiments, students)."""
        return (self.treated - self.control).mean(axis=2)


def _simulate(experiments: int, *, students: int, seed: int, icc: float = 0.1, effect: bool = False) -> Simulated:
    """Draw experiments whose students differ honestly, with or without an effect of treatment.

    The rate of question q in student s of an arm is mu_q (1 + chain_s + draw_arm,s): questions differ, the chain index
    is shared by both arms, and every student of every arm has a data draw of its own. Answers to one question are
    beta-binomial with intraclass correlation `icc`. All terms are additive with mean 0, so without an effect both arms
    have the same true mean. An effect is strength_s * weight_q: it differs between students, who are right-skewed
    about their mean of 0.1, and between questions. Its truth is conditional on the questions asked.
    """
    rng = np.random.default_rng(seed)
    question = rng.uniform(0.1, 0.4, size=(experiments, 1, 1, QUESTIONS))
    chain = rng.uniform(-0.25, 0.25, size=(experiments, 1, students, 1))
    draw = rng.uniform(-0.3, 0.3, size=(experiments, 2, students, 1))
    rates = question * (1 + chain + draw)
    truth = np.zeros(experiments)
    if effect:
        weight = rng.uniform(0.4, 1.2, size=(experiments, 1, QUESTIONS))
        strength = 0.3 * rng.beta(2, 4, size=(experiments, students, 1))
        rates[:, 0] += strength * weight
        truth = 0.1 * weight.mean(axis=(1, 2))
    within = rng.beta(rates * (1 - icc) / icc, (1 - rates) * (1 - icc) / icc) if icc else rates
    shares = rng.binomial(ANSWERS, within) / ANSWERS
    return Simulated(treated=shares[:, 0], control=shares[:, 1], truth=truth)


@pytest.fixture(scope="session")
def simulate() -> Callable[..., Simulated]:
    """The simulator of experiments; see `_simulate`."""
    return _simulate
