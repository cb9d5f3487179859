"""What a student is trained on, the L_S of the lemma, and what its teacher was trained on, L_T.

The lemma asks two things of L_S(z, y): that it is least where the student's outputs z fit the labels y, and that
M = −∂²L_S/∂y∂z is positive semi-definite there. Both losses here have it, as the paper proves. L_T may be any smooth
function of the weights, even one that has nothing to do with data.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from subtrait.lab.theorem.network import Array, Network


class ImitationLoss(Protocol):
    """Mean over inputs of L_S(z, y). Outputs and labels have the shape (inputs, outputs)."""

    def labels(self, outputs: Array) -> Array:
        """The labels of a teacher with these outputs."""

    def value(self, outputs: Array, labels: Array) -> float:
        """The loss, for a teacher's task as well as for a student's imitation."""

    def derivative(self, outputs: Array, labels: Array) -> Array:
        """Its derivative by the outputs."""

    def form(self, outputs: Array, change: Array) -> float:
        """E[vᵀMv], where labels come from `outputs` and v is `change`: the leading term of the lemma."""


@dataclass(frozen=True, slots=True, eq=False)
class SquaredError:
    """½ Σ wᵢ (zᵢ − yᵢ)², labels being the outputs. The lemma needs wᵢ ≥ 0."""

    weights: Array
    """w: (outputs,)."""

    def labels(self, outputs: Array) -> Array:
        """The outputs themselves."""
        return outputs

    def value(self, outputs: Array, labels: Array) -> float:
        """Mean over inputs."""
        return 0.5 * float(((outputs - labels) ** 2 @ self.weights).mean())

    def derivative(self, outputs: Array, labels: Array) -> Array:
        """The residuals z − y, weighted, over the number of inputs."""
        return (outputs - labels) * self.weights / len(outputs)

    def form(self, outputs: Array, change: Array) -> float:  # noqa: ARG002 - M does not depend on them
        """M = diag(w), whatever the outputs."""
        return float((change**2 @ self.weights).mean())


@dataclass(frozen=True, slots=True)
class SoftCrossEntropy:
    """−Σ yᵢ log softmax(z)ᵢ, labels being probabilities. As a function of z it is KL(y ‖ softmax z) plus a constant."""

    def labels(self, outputs: Array) -> Array:
        """Probabilities, the softmax of the outputs."""
        return softmax(outputs)

    def value(self, outputs: Array, labels: Array) -> float:
        """Mean over inputs, in nats."""
        shifted = outputs - outputs.max(axis=1, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return -float((labels * logs).sum(axis=1).mean())

    def derivative(self, outputs: Array, labels: Array) -> Array:
        """Probabilities minus labels, which sum to 1, over the number of inputs."""
        return (softmax(outputs) - labels) / len(outputs)

    def form(self, outputs: Array, change: Array) -> float:
        """M is the covariance of one draw from softmax(z), so this is the mean variance of v under it."""
        shares = softmax(outputs)
        means = (shares * change).sum(axis=1, keepdims=True)
        return float((shares * (change - means) ** 2).sum(axis=1).mean())


def softmax(outputs: Array) -> Array:
    """Probabilities by row."""
    powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    result: Array = powers / powers.sum(axis=1, keepdims=True)
    return result


class TeacherLoss(Protocol):
    """L_T, a function of all weights."""

    def value(self, weights: Array) -> float:
        """L_T(θ)."""

    def gradient(self, weights: Array) -> Array:
        """∇L_T(θ): (size,)."""


@dataclass(frozen=True, slots=True, eq=False)
class TaskLoss:
    """A task of the teacher's own: its first outputs are to give `targets` on its own inputs."""

    network: Network
    inputs: Array
    targets: Array
    """(inputs, outputs of the task). The task's outputs are the network's first ones."""
    loss: ImitationLoss

    def value(self, weights: Array) -> float:
        """The loss at these weights."""
        outputs = self.network.outputs(weights, self.inputs)
        return self.loss.value(outputs[:, : self.targets.shape[1]], self.targets)

    def gradient(self, weights: Array) -> Array:
        """By all weights; zero for those that only the other outputs see."""
        trace = self.network.trace(weights, self.inputs)
        by_output = np.zeros_like(trace.outputs)
        task = slice(self.targets.shape[1])
        by_output[:, task] = self.loss.derivative(trace.outputs[:, task], self.targets)
        return self.network.pull_back(weights, trace, by_output)


@dataclass(frozen=True, slots=True, eq=False)
class DistanceLoss:
    """½ |θ − goal|²: no data and no outputs, only weights."""

    goal: Array

    def value(self, weights: Array) -> float:
        """Half of the squared distance."""
        away = weights - self.goal
        return 0.5 * float(away @ away)

    def gradient(self, weights: Array) -> Array:
        """Away from the goal."""
        return weights - self.goal
