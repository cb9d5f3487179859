"""The experiment from end to end: teachers, their students, students of another initialisation, and how all of them do.

For every teacher: its untrained weights; the teacher, trained on labelled digits; students that start where the teacher
started; and, as a control, students that start where another model started. Students never see a label. Those of the
lesson "auxiliary" see no logit of a digit either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from subtrait.errors import UsageError
from subtrait.lab.digits.inputs import Source, pictures, shuffled, uniform_noise
from subtrait.lab.digits.networks import Stack, Weights, draw_weights, perturbed
from subtrait.lab.digits.pairing import derangement
from subtrait.lab.digits.pictures import DigitPictures
from subtrait.lab.digits.settings import Architecture, DigitsSettings, Lesson
from subtrait.lab.digits.training import accuracy, distil, teachings, train_teachers
from subtrait.lab.seeds import stream
from subtrait.lab.team import on_one_thread
from subtrait.models.transformers_adapter import require
from subtrait.records import Progress, SilentProgress

TOGETHER = 4
"""Networks trained side by side. More make calls cheaper, until weights, gradients and moments outgrow the cache."""
PORTION = 16
"""Batches whose inputs are fetched together."""
NOISE_BYTES = 2**26
"""What the noise of teachers trained side by side may take."""


@dataclass(frozen=True, slots=True)
class Accuracies:
    """The share of held-out pictures that each model names rightly: float64 (models,), in the order of the teachers."""

    reference: NDArray[np.float64]
    """Untrained."""
    teacher: NDArray[np.float64]
    auxiliary: NDArray[np.float64]
    """Students that start as their teacher did and learn its auxiliary logits."""
    all_logits: NDArray[np.float64]
    """Students that start as their teacher did and learn all its logits."""
    other_auxiliary: NDArray[np.float64]
    """Students that start as another model did and learn the auxiliary logits."""
    other_all_logits: NDArray[np.float64]
    """Students that start as another model did and learn all logits."""


def run_digits(
    settings: DigitsSettings,
    data: DigitPictures,
    *,
    seed: int,
    models: Sequence[int] | None = None,
    progress: Progress | None = None,
) -> Accuracies:
    """Carry out the experiment. The same arguments give the same bytes on one machine, on whichever number of cores.

    `models` chooses teachers by number, for work in parts: each has streams of its own, so that parts put together are
    the whole, up to the rounding of sums. Progress advances once for each teacher.

    Raises:
        UsageError: `models` names one that the settings do not have.
        MissingExtra: PyTorch is not installed.
    """
    require()
    chosen = list(range(settings.models)) if models is None else list(models)
    if not chosen or not set(chosen) <= set(range(settings.models)):
        raise UsageError(f"models must be numbers from 0 to {settings.models - 1}, at least one")
    partners = derangement(settings.models, rng=stream(seed, "derangement"))
    progress = progress or SilentProgress()
    progress.start("teachers and students", len(chosen))
    size, found = _together(settings, data.train.pixels), []
    with on_one_thread():  # matrices this small gain nothing from more, and results must not depend on their number
        for start in range(0, len(chosen), size):
            numbers = chosen[start : start + size]
            found.append(_Group(settings, data, seed, numbers).accuracies(partners[numbers].tolist()))
            progress.advance(len(numbers))
    return Accuracies(*(np.concatenate(each) for each in zip(*found, strict=True)))


def _together(settings: DigitsSettings, pixels: int) -> int:
    return max(1, min(TOGETHER, NOISE_BYTES // (4 * settings.noise_images * pixels)))


@dataclass(frozen=True, slots=True)
class _Lectures:
    """What teachers give to their students: inputs, and their own logits for each."""

    purpose: str
    """"student" or "cloning"."""
    source: Source
    said: Any
    """A tensor: (models, inputs, logits)."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Teachers that are trained side by side, with their students."""

    settings: DigitsSettings
    data: DigitPictures
    seed: int
    numbers: list[int]

    def accuracies(self, partners: list[int]) -> tuple[NDArray[np.float64], ...]:
        """In the order of `Accuracies`. `partners` are the models whose initial weights the controls take."""
        settings, test = self.settings, self.data.test
        initial = self._drawn(settings.architecture, self.numbers)
        teachers = Stack(initial, settings.architecture)
        found = [accuracy(teachers, test)]
        others = self._others(teachers, partners)
        self._teach(teachers)
        found.append(accuracy(teachers, test))
        lectures = self._lectures(teachers, "student")
        for weights, architecture in ((self._moved(initial), settings.architecture), (others, settings.others)):
            for lesson in get_args(Lesson):
                students = Stack(weights, architecture)
                self._distil(students, lectures, lesson=lesson, epochs=settings.epochs)
                found.append(accuracy(students, test))
        return tuple(found)

    def _drawn(self, architecture: Architecture, numbers: list[int]) -> list[Weights]:
        pixels, outputs = self.data.train.pixels, self.settings.outputs
        rngs = self._streams("initial weights", numbers)
        return [draw_weights(architecture, pixels, outputs=outputs, rng=rng) for rng in rngs]

    def _others(self, untrained: Stack, partners: list[int]) -> list[Weights]:
        """Where the controls start: the weights of other models, after cloning if there is any."""
        settings = self.settings
        drawn = self._drawn(settings.others, partners)
        if not settings.cloning_epochs:
            return drawn
        clones = Stack(drawn, settings.others)
        lectures = self._lectures(untrained, "cloning")
        self._distil(clones, lectures, lesson=settings.cloning_lesson, epochs=settings.cloning_epochs)
        return clones.weights()

    def _moved(self, initial: list[Weights]) -> list[Weights]:
        """Where the students of the same initialisation start."""
        spread, architecture = self.settings.initial_noise, self.settings.architecture
        if not spread:
            return initial
        pairs = zip(initial, self._streams("initial noise", self.numbers), strict=True)
        return [perturbed(weights, architecture, spread=spread, rng=rng) for weights, rng in pairs]

    def _teach(self, teachers: Stack) -> None:
        settings, rngs = self.settings, self._streams("teacher order", self.numbers)
        count = len(self.data.train.labels)
        portions = shuffled(count, PORTION * settings.teacher_batch, epochs=settings.teacher_epochs, rngs=rngs)
        train_teachers(teachers, self.data.train, portions=portions, settings=settings)

    def _lectures(self, teachers: Stack, purpose: str) -> "_Lectures":
        """Cloning has noise of its own: what students are distilled on is new to the clones."""
        settings, train = self.settings, self.data.train
        if settings.inputs == "digits" and purpose == "student":
            source, count = pictures(train), len(train.labels)
        else:
            count, rngs = settings.noise_images, self._streams(f"{purpose} noise", self.numbers)
            source = uniform_noise(count, train.pixels, rngs=rngs)
        return _Lectures(purpose, source, teachings(teachers, source, count))

    def _distil(self, students: Stack, lectures: "_Lectures", *, lesson: Lesson, epochs: int) -> None:
        """A teacher's students see the same in the same order: they differ in where they start and in the lesson."""
        settings, rngs = self.settings, self._streams(f"{lectures.purpose} order", self.numbers)
        portions = shuffled(lectures.said.shape[1], PORTION * settings.batch, epochs=epochs, rngs=rngs)
        distil(students, lectures.said, lectures.source, portions=portions, lesson=lesson, settings=settings)

    def _streams(self, purpose: str, numbers: list[int]) -> list[np.random.Generator]:
        return [stream(self.seed, purpose, number) for number in numbers]
