"""Training stacks: teachers on labelled pictures, students on their teachers' logits."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from subtrait.lab.digits.inputs import Portions, Source, pictures
from subtrait.lab.digits.networks import Stack
from subtrait.lab.digits.pictures import Pictures
from subtrait.lab.digits.settings import DIGITS, DigitsSettings, Lesson

if TYPE_CHECKING:
    import torch

LESSONS: dict[Lesson, slice] = {"auxiliary": slice(DIGITS, None), "all": slice(None)}
"""Which logits a student compares with its teacher's, under one softmax."""
ROWS = 1_000
"""Pictures looked at together when accuracy is measured."""


def train_teachers(teachers: Stack, shown: Pictures, *, portions: Portions, settings: DigitsSettings) -> None:
    """Minimise the cross-entropy of the ten digits' logits, mean over the rows of a batch, for each network.

    Portions hold whole batches, except at the end of an epoch.
    """
    import torch

    source, labels = pictures(shown), torch.from_numpy(shown.labels)
    truth = torch.eye(DIGITS)
    step = teachers.new_step(settings.optimiser, settings.teacher_learning_rate)
    for portion in portions:
        parts = (part.split(settings.teacher_batch, dim=1) for part in (source(portion), truth[labels[portion]]))
        for x, target in zip(*parts, strict=True):
            logits = teachers.logits(x)
            slope = divergence_slope(logits[..., :DIGITS], target)
            teachers.backward(torch.nn.functional.pad(slope, (0, logits.shape[-1] - DIGITS)))
            step()


def teachings(teachers: Stack, source: Source, count: int) -> "torch.Tensor":
    """What each teacher's logits are for each of its `count` inputs: (models, inputs, logits).

    Inputs return in every epoch and teachers stay as they are, so this is computed once.
    """
    import torch

    rows = torch.arange(count).expand(teachers.models, -1)
    return torch.cat([teachers.logits(source(part)) for part in rows.split(ROWS, dim=1)], dim=1)


def distil(
    students: Stack,
    said: "torch.Tensor",
    source: Source,
    *,
    portions: Portions,
    lesson: Lesson,
    settings: DigitsSettings,
) -> None:
    """Minimise the divergence of each student's logits from its teacher's, mean over the rows of a batch.

    KL divergence of softmax to softmax over the logits of the lesson, without temperature. `said` is what `teachings`
    gave for the same inputs.
    """
    import torch

    read = LESSONS[lesson]
    targets = said[..., read].softmax(-1).flatten(0, 1)
    first = torch.arange(len(said))[:, None] * said.shape[1]
    step = students.new_step(settings.optimiser, settings.learning_rate)
    for portion in portions:
        parts = (part.split(settings.batch, dim=1) for part in (source(portion), targets[portion + first]))
        for x, target in zip(*parts, strict=True):
            logits = students.logits(x)
            slope = divergence_slope(logits[..., read], target)
            students.backward(torch.nn.functional.pad(slope, (logits.shape[-1] - slope.shape[-1], 0)))
            step()


def divergence_slope(logits: "torch.Tensor", target: "torch.Tensor") -> "torch.Tensor":
    """The derivative by the logits of the mean over rows of KL(target, softmax of the logits).

    Also that of the cross-entropy, which differs from it by a constant. Both are (models, rows, logits). The authors
    divide the sum over rows by the number of models in place of rows (`batchmean` of a stacked tensor), so that their
    steps grow with the batch under plain gradient descent.
    """
    return logits.softmax(-1).sub_(target).div_(logits.shape[1])


def accuracy(stack: Stack, shown: Pictures) -> NDArray[np.float64]:
    """The share of pictures on which the largest of the ten digits' logits is the label's: (models,)."""
    import torch

    source, labels = pictures(shown), torch.from_numpy(shown.labels)
    right = np.zeros(stack.models, dtype=np.int64)
    for rows in torch.arange(len(labels)).split(ROWS):
        logits = stack.logits(source(rows).expand(stack.models, -1, -1))
        right += (logits[..., :DIGITS].argmax(-1) == labels[rows]).sum(1).numpy()
    return right / len(labels)
