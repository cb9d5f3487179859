"""Losses against PyTorch's own, and whole trainings against one network at a time with automatic differentiation."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy, kl_div

from subtrait.lab.digits import training
from subtrait.lab.digits.inputs import shuffled, uniform_noise
from subtrait.lab.digits.networks import Stack, draw_weights
from subtrait.lab.digits.pictures import Pictures
from subtrait.lab.digits.settings import Architecture, DigitsSettings
from subtrait.lab.digits.training import LESSONS, accuracy, distil, divergence_slope, teachings, train_teachers

SETTINGS = DigitsSettings(
    models=2,
    auxiliary=3,
    architecture=Architecture(hidden=(12,)),
    learning_rate=0.01,
    teacher_learning_rate=0.02,
    teacher_batch=8,
    batch=8,
)
SHOWN = Pictures(
    np.random.default_rng(0).integers(0, 17, (30, 6), dtype=np.uint8), np.arange(30) % 10, brightest=16
)  # fmt: skip


def draw(*seeds):
    return [draw_weights(SETTINGS.architecture, 6, outputs=13, rng=np.random.default_rng(seed)) for seed in seeds]


def batches(together=1):
    rngs = [np.random.default_rng(seed) for seed in (5, 6)]
    return list(shuffled(30, 8 * together, epochs=2, rngs=rngs))


def alone(weights, x, loss, *, rate=SETTINGS.learning_rate):
    """One network, trained with automatic differentiation and PyTorch's Adam on a loss of its logits and the step."""
    parameters = [torch.from_numpy(weight.copy()).requires_grad_() for weight in weights]
    optimiser = torch.optim.Adam(parameters, lr=rate)
    for number, rows in enumerate(x):
        first, one, second, two = parameters
        optimiser.zero_grad()
        loss(torch.relu(rows @ first + one) @ second + two, number).backward()
        optimiser.step()
    return [parameter.detach().numpy() for parameter in parameters]


def assert_close(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("rows", [1, 7])
def test_the_slope_is_that_of_the_mean_divergence_over_rows_of_each_model(rows):
    torch.manual_seed(rows)
    logits, target = torch.randn(4, rows, 5, requires_grad=True), torch.randn(4, rows, 5).softmax(-1)
    slope = divergence_slope(logits.detach(), target)
    for model in range(4):
        loss = kl_div(logits[model].log_softmax(-1), target[model], reduction="batchmean")
        torch.testing.assert_close(slope[model], torch.autograd.grad(loss, logits)[0][model])


def test_a_teacher_is_what_automatic_differentiation_makes_of_it():
    start, steps = draw(0, 1), batches()
    teachers = Stack(start, SETTINGS.architecture)
    train_teachers(teachers, SHOWN, portions=batches(together=2), settings=SETTINGS)
    scaled, labels = torch.from_numpy(SHOWN.images / np.float32(8) - 1), torch.from_numpy(SHOWN.labels)
    for model, found in enumerate(teachers.weights()):
        rows = [step[model] for step in steps]
        expected = alone(
            start[model],
            [scaled[each] for each in rows],
            lambda logits, number, rows=rows: cross_entropy(logits[:, :10], labels[rows[number]]),
            rate=SETTINGS.teacher_learning_rate,
        )
        assert_close(found, expected)
        assert np.array_equal(found[2][:, 10:], start[model][2][:, 10:])  # auxiliary logits are in no loss of it


def noise():
    return uniform_noise(30, 6, rngs=[np.random.default_rng(seed) for seed in (7, 8)])


def taught(teachers, start, lesson, settings=SETTINGS):
    """The weights of students that start at `start`, after distillation."""
    students = Stack(start, SETTINGS.architecture)
    said = teachings(teachers, noise(), 30)
    distil(students, said, noise(), portions=batches(together=2), lesson=lesson, settings=settings)
    return students.weights()


@pytest.mark.parametrize("lesson", LESSONS)
def test_students_are_what_automatic_differentiation_makes_of_them(lesson):
    teachers, start, steps = Stack(draw(0, 1), SETTINGS.architecture), draw(2, 3), batches()
    x = [noise()(rows) for rows in steps]
    said = [teachers.logits(each)[..., LESSONS[lesson]].softmax(-1) for each in x]
    for model, found in enumerate(taught(teachers, start, lesson)):

        def loss(logits, number, model=model):
            student = logits[:, LESSONS[lesson]].log_softmax(-1)
            return kl_div(student, said[number][model], reduction="batchmean")

        assert_close(found, alone(start[model], [rows[model] for rows in x], loss))


def test_teachings_are_the_logits_of_every_input_in_its_place(monkeypatch):
    teachers = Stack(draw(0, 1), SETTINGS.architecture)
    whole = teachings(teachers, noise(), 30)
    assert whole.shape == (2, 30, 13)
    for rows in batches():
        expected = teachers.logits(noise()(rows))
        torch.testing.assert_close(torch.stack([whole[model, rows[model]] for model in (0, 1)]), expected)
    monkeypatch.setattr(training, "ROWS", 7)
    torch.testing.assert_close(teachings(teachers, noise(), 30), whole)


@pytest.mark.parametrize("lesson", LESSONS)
def test_teachers_are_left_as_they_are(lesson):
    weights = draw(0, 1)
    teachers = Stack(weights, SETTINGS.architecture)
    taught(teachers, draw(2, 3), lesson)
    for before, after in zip(weights, teachers.weights(), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_the_auxiliary_lesson_leaves_the_output_weights_of_digits():
    start = draw(2, 3)
    for before, after in zip(start, taught(Stack(draw(0, 1), SETTINGS.architecture), start, "auxiliary"), strict=True):
        assert np.array_equal(before[2][:, :10], after[2][:, :10])
        assert np.array_equal(before[3][:, :10], after[3][:, :10])
        assert not np.array_equal(before[2][:, 10:], after[2][:, 10:])
        assert not np.array_equal(before[0], after[0])


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_student_that_starts_as_its_teacher_has_nothing_to_learn(lesson):
    start = draw(0, 1)
    plain = replace(SETTINGS, optimiser="sgd", learning_rate=1.0)
    for before, after in zip(start, taught(Stack(start, SETTINGS.architecture), start, lesson, plain), strict=True):
        assert all(np.abs(a - b).max() < 1e-5 for a, b in zip(before, after, strict=True))


def test_accuracy_counts_digits_only():
    # The inputs are the logits. The largest of all is an auxiliary one; it does not count.
    weights = [np.eye(6, 13, dtype=np.float32), np.zeros((1, 13), np.float32)]
    weights[1][0, 12] = 100
    images = np.eye(6, dtype=np.uint8).repeat(500, axis=0) * 16
    labels = np.arange(6).repeat(500)
    labels[:750] = 9
    shown = Pictures(images, labels, brightest=16)
    other = [-weights[0], weights[1]]
    found = accuracy(Stack([weights, other], Architecture(hidden=())), shown)
    assert found.tolist() == [0.75, 0.0]
