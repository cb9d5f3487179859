"""A step of an optimiser on one vector of weights, without the housekeeping of PyTorch's optimiser classes.

For vectors as small as a stack of these networks that housekeeping takes about as long as the step.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from subtrait.lab.digits.settings import Optimiser

if TYPE_CHECKING:
    import torch

Step = Callable[[], None]
BETAS, EPSILON = (0.9, 0.999), 1e-8
"""Adam's usual ones, which PyTorch takes by default."""


def new_step(name: Optimiser, learning_rate: float, *, weights: "torch.Tensor", gradient: "torch.Tensor") -> Step:
    """What changes `weights` in place by one step, each time that it is called with a new `gradient` in place."""
    if name == "adam":
        return _adam(learning_rate, weights, gradient)
    return lambda: weights.sub_(gradient, alpha=learning_rate)


def _adam(learning_rate: float, weights: "torch.Tensor", gradient: "torch.Tensor") -> Step:
    """Adam (Kingma and Ba 2015, algorithm 1), by the kernel that `torch.optim.Adam(fused=True)` calls too.

    The kernel has no public name. Its tests compare with the class.
    """
    import torch

    kernel, steps = torch._fused_adam_, torch.zeros(())
    mean, square = torch.zeros_like(weights), torch.zeros_like(weights)
    fixed = {"lr": learning_rate, "beta1": BETAS[0], "beta2": BETAS[1], "eps": EPSILON, "weight_decay": 0.0}

    def step() -> None:
        steps.add_(1)
        kernel([weights], [gradient], [mean], [square], [], [steps], **fixed, amsgrad=False, maximize=False)

    return step
