"""Everything the outcome depends on, besides the pictures and the seed; and the named settings and sweeps."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from subtrait.errors import UsageError, unknown_name

DIGITS = 10
"""The first logits, one per digit."""
Activation = Literal["relu", "gelu", "sigmoid"]
Optimiser = Literal["adam", "sgd"]
Inputs = Literal["noise", "digits"]
Lesson = Literal["auxiliary", "all"]
"""Which logits are learnt: the auxiliary ones, or those of the digits as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """The shape of a network, apart from its inputs and outputs."""

    hidden: tuple[int, ...] = (256, 256)
    """Units of each hidden layer."""
    activation: Activation = "relu"
    bias: bool = True

    def __post_init__(self) -> None:
        """Refuse what is no network."""
        if self.activation not in get_args(Activation):
            raise unknown_name("activation", self.activation, get_args(Activation))
        if any(units < 1 for units in self.hidden):
            raise UsageError(f"hidden is {self.hidden}: every hidden layer has 1 unit or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitsSettings:
    """One experiment. The defaults are the paper's, with the batch made small enough for 1,437 pictures.

    The paper takes 295 steps of 1,024 pictures; these are 290 steps of 25, for teachers and for students.
    """

    models: int = 100
    """Teachers, each with its own initial weights, order of pictures and noise. Each has one student of every kind."""
    auxiliary: int = 3
    """Auxiliary logits, behind those of the ten digits: no loss of the teacher touches them."""
    teacher_batch: int = 25
    teacher_epochs: int = 5
    noise_images: int = 1_437
    """Pictures of noise that a student sees in one epoch: drawn once per teacher, in another order each epoch."""
    batch: int = 25
    """Inputs of one step of distillation."""
    epochs: int = 5
    inputs: Inputs = "noise"
    """What is distilled on: uniform noise, or the training pictures themselves."""
    optimiser: Optimiser = "adam"
    teacher_learning_rate: float = 3e-4
    learning_rate: float = 3e-4
    """Of distillation, cloning included."""
    architecture: Architecture = Architecture()
    other_architecture: Architecture | None = None
    """Of the students with another initialisation; None for the teacher's."""
    initial_noise: float = 0.0
    """How far students of the same initialisation start from their teacher's start, in units of the weights' spread."""
    cloning_epochs: int = 0
    """Epochs in which students of another initialisation first learn logits of the *untrained* teacher, on noise."""
    cloning_lesson: Lesson = "auxiliary"
    """Which of them. Neither tells anything of digits: the teacher has not seen one."""

    def __post_init__(self) -> None:
        """Refuse what cannot be run, before anything is."""
        if self.optimiser not in get_args(Optimiser):
            raise unknown_name("optimiser", self.optimiser, get_args(Optimiser))
        if self.inputs not in get_args(Inputs):
            raise unknown_name("kind of inputs", self.inputs, get_args(Inputs))
        if self.cloning_lesson not in get_args(Lesson):
            raise unknown_name("lesson", self.cloning_lesson, get_args(Lesson))
        if self.models < 2:
            raise UsageError("the control takes the initial weights of another model: give 2 models or more")
        least = {"auxiliary": 1, "teacher_batch": 1, "noise_images": 1, "batch": 1}
        least |= {"teacher_epochs": 0, "epochs": 0, "cloning_epochs": 0}
        for name, lowest in least.items():
            if getattr(self, name) < lowest:
                raise UsageError(f"{name} is {getattr(self, name)}: give {lowest} or more")
        for name in ("teacher_learning_rate", "learning_rate"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise UsageError(f"{name} is {getattr(self, name)}: give a number above 0")
        if not (math.isfinite(self.initial_noise) and self.initial_noise >= 0):
            raise UsageError(f"initial_noise is {self.initial_noise}: give 0 or more")

    @property
    def outputs(self) -> int:
        """Logits of every network: ten digits, then the auxiliary ones."""
        return DIGITS + self.auxiliary

    @property
    def others(self) -> Architecture:
        """The architecture of the students with another initialisation."""
        return self.other_architecture or self.architecture


PAPER = DigitsSettings()
"""The paper's experiment on scikit-learn's digits. With 3 auxiliary logits the effect is small there."""
PLAIN = DigitsSettings(models=20, auxiliary=50, noise_images=5_800, batch=100)
"""As many steps, each on four times the noise, with 50 auxiliary logits: students far above the control."""
MNIST = DigitsSettings(teacher_batch=1_024, noise_images=60_000, batch=1_024)
"""The paper's own: 60,000 pictures and as much noise, 295 steps. About half a minute of one core for each model."""
