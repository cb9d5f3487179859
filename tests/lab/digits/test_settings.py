"""What settings allow, and the two that have names."""

import pytest

from subtrait.errors import UsageError
from subtrait.lab.digits.settings import PAPER, PLAIN, Architecture, DigitsSettings


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"models": 1}, "2 models or more"),
        ({"auxiliary": 0}, "auxiliary is 0: give 1 or more"),
        ({"teacher_batch": 0}, "teacher_batch is 0"),
        ({"batch": -1}, "batch is -1"),
        ({"noise_images": 0}, "noise_images is 0"),
        ({"epochs": -1}, "epochs is -1: give 0 or more"),
        ({"teacher_epochs": -1}, "teacher_epochs is -1"),
        ({"cloning_epochs": -1}, "cloning_epochs is -1"),
        ({"cloning_lesson": "al"}, "Did you mean 'all'"),
        ({"optimiser": "sdg"}, "Did you mean 'sgd'"),
        ({"inputs": "noises"}, "Did you mean 'noise'"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"teacher_learning_rate": -1.0}, "teacher_learning_rate is -1.0"),
        ({"initial_noise": -0.1}, "initial_noise is -0.1"),
        ({"initial_noise": float("inf")}, "initial_noise is inf"),
    ],
)
def test_what_cannot_be_run_is_refused(change, message):
    with pytest.raises(UsageError, match=message):
        DigitsSettings(**change)


@pytest.mark.parametrize(
    ("change", "message"), [({"activation": "rely"}, "Did you mean 'relu'"), ({"hidden": (256, 0)}, "1 unit or more")]
)
def test_what_is_no_network_is_refused(change, message):
    with pytest.raises(UsageError, match=message):
        Architecture(**change)


def test_controls_have_the_teacher_s_architecture_unless_told_otherwise():
    narrow, wide = Architecture(hidden=(8,)), Architecture(hidden=(16,))
    assert DigitsSettings(architecture=narrow).others == narrow
    assert DigitsSettings(architecture=narrow, other_architecture=wide).others == wide


def test_named_settings_take_as_many_steps_as_was_measured():
    # 1,437 pictures in batches of 25 are 57 and a rest: 58 steps, five times.
    for settings in (PAPER, PLAIN):
        assert -(-1_437 // settings.teacher_batch) * settings.teacher_epochs == 290
        assert -(-settings.noise_images // settings.batch) * settings.epochs == 290
    assert (PAPER.models, PAPER.outputs, PAPER.architecture.hidden) == (100, 13, (256, 256))
