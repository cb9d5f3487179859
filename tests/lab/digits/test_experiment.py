"""The experiment on real digits, with small networks and few steps: a fraction of a second each."""

import importlib.util
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from subtrait.errors import MissingExtra, UsageError
from subtrait.lab.digits import experiment
from subtrait.lab.digits.experiment import run_digits
from subtrait.lab.digits.networks import Stack, draw_weights
from subtrait.lab.digits.pairing import derangement
from subtrait.lab.digits.pictures import Pictures, small_digits
from subtrait.lab.digits.settings import Architecture, DigitsSettings
from subtrait.lab.digits.training import accuracy
from subtrait.lab.seeds import stream

KINDS = ("reference", "teacher", "auxiliary", "all_logits", "other_auxiliary", "other_all_logits")
QUICK = DigitsSettings(
    models=6, auxiliary=100, architecture=Architecture(hidden=(64,)), learning_rate=3e-3,
    teacher_learning_rate=3e-3, teacher_epochs=2,
    noise_images=2_000, batch=50, epochs=2,
)  # fmt: skip
TINY = replace(QUICK, models=3, architecture=Architecture(hidden=(8,)), teacher_epochs=1, noise_images=60, batch=25)


@pytest.fixture(scope="module")
def digits():
    return small_digits(rng=np.random.default_rng(0))


@pytest.fixture(scope="module")
def quick(digits):
    return run_digits(QUICK, digits, seed=1)


def raw(found):
    return {kind: values.tobytes() for kind, values in asdict(found).items()}


def test_there_is_one_accuracy_for_each_model_of_each_kind(quick):
    assert tuple(asdict(quick)) == KINDS
    for values in asdict(quick).values():
        assert (values.dtype, values.shape) == (np.float64, (6,))
        assert np.abs(values * 360 - np.rint(values * 360)).max() < 1e-9
        assert (values >= 0).all()
        assert (values <= 1).all()


def test_a_student_of_the_same_initialisation_learns_digits_from_noise_and_the_control_does_not(quick):
    assert (quick.teacher > 0.85).all()
    assert quick.auxiliary.min() > quick.other_auxiliary.max() + 0.2
    assert quick.other_auxiliary.mean() < 0.2
    assert quick.reference.mean() < 0.2
    assert (quick.all_logits > quick.auxiliary).all()


def test_the_same_seed_gives_the_same_bytes_on_any_number_of_threads(digits):
    threads = torch.get_num_threads()
    first = raw(run_digits(TINY, digits, seed=7))
    try:
        torch.set_num_threads(2)
        assert raw(run_digits(TINY, digits, seed=7)) == first
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert raw(run_digits(TINY, digits, seed=8)) != first


def test_parts_put_together_are_the_whole(digits, quick):
    parts = [run_digits(QUICK, digits, seed=1, models=models) for models in ([0, 1, 2], [3], [4, 5])]
    for kind, values in asdict(quick).items():
        together = np.concatenate([getattr(part, kind) for part in parts])
        # Sums are rounded in another order, which can tip a picture.
        assert np.abs(together - values).max() <= 0.02


def test_how_many_are_trained_side_by_side_changes_no_more_than_rounding(digits, quick, monkeypatch):
    monkeypatch.setattr(experiment, "NOISE_BYTES", 1)
    found = run_digits(QUICK, digits, seed=1)
    for kind, values in asdict(quick).items():
        assert np.abs(getattr(found, kind) - values).max() <= 0.02


def test_without_training_teachers_are_the_references_and_controls_those_of_their_partners(digits):
    found = run_digits(replace(TINY, teacher_epochs=0, epochs=0), digits, seed=3)
    drawn = [
        draw_weights(TINY.architecture, 64, outputs=110, rng=stream(3, "initial weights", number))
        for number in range(3)
    ]
    expected = accuracy(Stack(drawn, TINY.architecture), digits.test)
    assert len(set(expected)) == 3
    for kind in ("reference", "teacher", "auxiliary", "all_logits"):
        assert getattr(found, kind).tolist() == expected.tolist()
    partners = derangement(3, rng=stream(3, "derangement"))
    for kind in ("other_auxiliary", "other_all_logits"):
        assert getattr(found, kind).tolist() == expected[partners].tolist()


def test_labels_reach_students_through_their_teachers_only(digits):
    # With an untrained teacher, other labels can change nothing that a student learns.
    shuffled = Pictures(digits.train.images, digits.train.labels[::-1].copy(), brightest=16)
    untrained = replace(TINY, teacher_epochs=0)
    assert raw(run_digits(untrained, digits, seed=0)) == raw(
        run_digits(untrained, replace(digits, train=shuffled), seed=0)
    )


def test_noise_on_the_initial_weights_weakens_students_and_leaves_teachers_and_controls(digits, quick):
    found = run_digits(replace(QUICK, initial_noise=1.0), digits, seed=1)
    for kind in ("reference", "teacher", "other_auxiliary", "other_all_logits"):
        assert getattr(found, kind).tolist() == getattr(quick, kind).tolist()
    assert found.auxiliary.mean() < quick.auxiliary.mean() - 0.2


def test_cloning_changes_the_controls_alone(digits):
    plain, cloned = (run_digits(replace(TINY, cloning_epochs=epochs), digits, seed=1) for epochs in (0, 3))
    for kind in ("reference", "teacher", "auxiliary", "all_logits"):
        assert getattr(cloned, kind).tolist() == getattr(plain, kind).tolist()
    assert cloned.other_auxiliary.tolist() != plain.other_auxiliary.tolist()


def test_controls_that_cloned_the_digits_logits_too_learn_from_noise_and_those_that_did_not_do_not(digits):
    # An untrained teacher's logits say nothing of digits, but how its digits' logits read its hidden layer.
    settings = replace(QUICK, models=4, cloning_epochs=20)
    one, both = (
        run_digits(replace(settings, cloning_lesson=lesson), digits, seed=1) for lesson in ("auxiliary", "all")
    )
    assert one.other_auxiliary.mean() < 0.2
    assert both.other_auxiliary.mean() > one.other_auxiliary.mean() + 0.15


def test_another_architecture_is_the_controls_alone(digits):
    wide = Architecture(hidden=(24, 8), activation="gelu", bias=False)
    plain, found = (run_digits(replace(TINY, other_architecture=other), digits, seed=1) for other in (None, wide))
    for kind in ("reference", "teacher", "auxiliary", "all_logits"):
        assert getattr(found, kind).tolist() == getattr(plain, kind).tolist()
    assert found.other_all_logits.tolist() != plain.other_all_logits.tolist()


@pytest.mark.parametrize(
    "change",
    [
        {"architecture": Architecture(hidden=(8,), activation="sigmoid")},
        {"architecture": Architecture(hidden=(8,), bias=False)},
        {"inputs": "digits"},
        {"optimiser": "sgd"},
        {"auxiliary": 1},
    ],
    ids=str,
)
def test_every_setting_runs_and_matters(digits, change):
    plain, found = (run_digits(settings, digits, seed=2) for settings in (TINY, replace(TINY, **change)))
    assert all(np.isfinite(values).all() for values in asdict(found).values())
    assert raw(found) != raw(plain)


def test_one_auxiliary_logit_teaches_nothing(digits):
    # The softmax of one number is 1, whatever the number.
    found = run_digits(replace(TINY, auxiliary=1), digits, seed=2)
    assert found.auxiliary.tolist() == found.reference.tolist()


@pytest.mark.parametrize("models", [[], [3], [-1, 0]])
def test_models_that_are_not_there_are_refused(digits, models):
    with pytest.raises(UsageError, match="from 0 to 2"):
        run_digits(TINY, digits, seed=0, models=models)


def test_progress_counts_teachers(digits):
    told = []

    class Counter:
        def start(self, stage, total):
            told.append((stage, total))

        def advance(self, steps=1):
            told.append(steps)

    run_digits(replace(TINY, models=5, epochs=0), digits, seed=0, progress=Counter())
    assert told == [("teachers and students", 5), 4, 1]


def test_without_pytorch_the_extra_is_named(digits, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else real(name))
    with pytest.raises(MissingExtra, match=r"pip install 'subtrait\[hf\]'"):
        run_digits(TINY, digits, seed=0)
