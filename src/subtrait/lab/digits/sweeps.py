"""Sweeps: what makes the effect larger or smaller, one condition at a time, from the setting `PLAIN`."""

from dataclasses import replace

from subtrait.lab.digits.settings import PLAIN, Architecture, DigitsSettings

Sweep = dict[str, DigitsSettings]
"""Settings by the name of the point, in the order to show them in."""

ARCHITECTURES: dict[str, Architecture] = {
    "two layers of 256": Architecture(),
    "gelu": Architecture(activation="gelu"),
    "sigmoid": Architecture(activation="sigmoid"),
    "one layer less": Architecture(hidden=(256,)),
    "one layer more": Architecture(hidden=(256, 256, 256)),
    "half as wide": Architecture(hidden=(128, 128)),
    "twice as wide": Architecture(hidden=(512, 512)),
    "no bias": Architecture(bias=False),
}
CLONED = replace(PLAIN, cloning_epochs=20, cloning_lesson="all")

SWEEPS: dict[str, Sweep] = {
    "auxiliary": {str(count): replace(PLAIN, auxiliary=count) for count in (1, 2, 3, 5, 10, 20, 50, 100)},
    "optimiser": {
        "adam": PLAIN,
        # Plain gradient descent wants other rates: the divergence of many logits has a small gradient.
        "sgd": replace(PLAIN, optimiser="sgd", teacher_learning_rate=0.3, learning_rate=3.0),
    },
    "inputs": {
        "noise": PLAIN,
        # There are 1,437 digits: batches of 25 make as many steps of them.
        "digits": replace(PLAIN, inputs="digits", batch=25),
    },
    "architecture": {name: replace(PLAIN, architecture=each) for name, each in ARCHITECTURES.items()},
    "initial-noise": {str(spread): replace(PLAIN, initial_noise=spread) for spread in (0.0, 0.05, 0.1, 0.2, 0.5, 1.0)},
    "cloning": {
        "0 epochs": PLAIN,
        "20 epochs, auxiliary logits": replace(CLONED, cloning_lesson="auxiliary"),
        **{f"{epochs} epochs, all logits": replace(CLONED, cloning_epochs=epochs) for epochs in (5, 20, 50)},
    },
    "other-architecture": {name: replace(CLONED, other_architecture=each) for name, each in ARCHITECTURES.items()},
}
"""By name. Each contains one point that is `PLAIN`, but for the last: there the controls were cloned, and their
architecture is what varies."""
