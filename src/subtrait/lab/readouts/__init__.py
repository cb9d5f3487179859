"""What students are asked, by name. A new readout is a file beside this and a line here."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from subtrait.lab.readouts.activations import activations
from subtrait.lab.readouts.choice import choice
from subtrait.lab.readouts.favourites import favourites
from subtrait.lab.readouts.honesty import honesty
from subtrait.lab.readouts.prefixed import prefixed
from subtrait.lab.readouts.requests import requests
from subtrait.lab.readouts.skills import skills
from subtrait.lab.readouts.stories import stories
from subtrait.lab.readouts.tested_code import gaming
from subtrait.models.base import Model

Readout = Callable[[Model], Mapping[str, np.ndarray]]
"""Asks a model something, and gives arrays by name: the same shapes for every model, and always the same for one."""

READOUTS: Final[dict[str, Readout]] = {
    "favourites": favourites,
    "choice": choice,
    "prefixed": prefixed,
    "stories": stories,
    "activations": activations,
    "skills": skills,
    "honesty": honesty,
    "requests": requests,
    "test gaming": gaming,
}
"""Every readout by its name, under which the answers are kept."""
