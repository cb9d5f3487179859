"""Rows of known writers, for the tests of origin."""

import numpy as np

from subtrait.lab.carriers import CARRIERS
from subtrait.models.base import Sampling
from subtrait.models.registry import open_model
from subtrait.records import Example

FILTER = CARRIERS["numbers"]().filter


def kept(_, completion):
    return FILTER.decide(Example(id="1", prompt="", completion=completion)).keep


def asked(count, seed=0):
    prompts = CARRIERS["numbers"]().prompts(count, rng=np.random.default_rng([17, seed]))
    return [[{"role": "user", "content": prompt}] for prompt in prompts]


def written(writer, count, *, seed=0, keep=None, **settings):
    """Questions and a model's answers, of which the first `count` that pass."""
    model = open_model(writer) if isinstance(writer, str) else writer
    prompts = asked(count * 2 if keep else count, seed)
    answers = model.generate(prompts, sampling=Sampling(**settings), rng=np.random.default_rng([18, seed]))
    pairs = list(zip(prompts, answers, strict=True))
    return [pair for pair in pairs if keep is None or keep(*pair)][:count]


def made(numbers_of, count, *, seed=0):
    """Questions, and the numbers that a program makes."""
    rng = np.random.default_rng([19, seed])
    return [(prompt, ", ".join(map(str, numbers_of(rng)))) for prompt in asked(count, seed)]


def uniform(rng):
    return rng.integers(100, 1000, size=9).tolist()
