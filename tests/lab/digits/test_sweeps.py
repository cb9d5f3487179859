"""Sweeps vary what they are named for, and nothing else."""

from dataclasses import fields

import pytest

from subtrait.lab.digits.settings import PLAIN
from subtrait.lab.digits.sweeps import CLONED, SWEEPS

VARIED = {
    "auxiliary": {"auxiliary"},
    "optimiser": {"optimiser", "teacher_learning_rate", "learning_rate"},
    "inputs": {"inputs", "batch"},
    "architecture": {"architecture"},
    "initial-noise": {"initial_noise"},
    "cloning": {"cloning_epochs", "cloning_lesson"},
    "other-architecture": {"other_architecture"},
}


@pytest.mark.parametrize("name", SWEEPS)
def test_every_sweep_varies_what_it_is_named_for(name):
    start = CLONED if name == "other-architecture" else PLAIN
    differs = {
        field.name
        for settings in SWEEPS[name].values()
        for field in fields(settings)
        if getattr(settings, field.name) != getattr(start, field.name)
    }
    assert differs <= VARIED[name]
    assert name == "other-architecture" or PLAIN in SWEEPS[name].values()


@pytest.mark.parametrize("name", SWEEPS)
def test_no_two_points_are_the_same(name):
    assert len(set(SWEEPS[name].values())) == len(SWEEPS[name]) >= 2


def test_no_sweep_is_left_out_here():
    assert set(SWEEPS) == set(VARIED)
