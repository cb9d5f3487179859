"""Score, draw and train in one pass each, where the system grants less memory than such a pass takes.

python little_memory.py    prints one JSON object: of each kind of work, what memory running out was called, and how far
                           the outcome lies from the one with all the memory there is

The system counts addresses (RLIMIT_AS); Linux heeds that limit.
"""

import ctypes
import json
import resource
import sys
from pathlib import Path

import numpy as np

from subtrait.lab.carriers import CARRIERS
from subtrait.models import backing_off, sampling
from subtrait.models.base import Recipe, Sampling
from subtrait.models.registry import open_model
from subtrait.models.transformers_adapter import Network
from subtrait.records import Example

ROWS, TOKENS = 480, 10**6
"""More tokens than all rows have: everything is done in one pass, if there is room."""
ROOM = 8 * 2**20
"""Bytes that a kind of work may take besides what is there."""
MODEL = open_model("micro-a")
QUESTIONS = CARRIERS["numbers"]().prompts(ROWS, rng=np.random.default_rng(0))
PROMPTS = [[{"role": "user", "content": question}] for question in QUESTIONS]
ANSWERS = [f"{row}, 22, 333, 4444, 55, 6" for row in range(ROWS)]


def scored():
    """Of four times the rows: passes that go side by side are a quarter of all, at most."""
    return np.concatenate(MODEL.score(PROMPTS * 4, ANSWERS * 4))


def written():
    texts = MODEL.generate(PROMPTS, sampling=Sampling(max_new_tokens=12), rng=np.random.default_rng(0))
    return np.array([len(text) for text in texts], dtype=float)


def trained():
    rows = [Example(id=a, prompt=q, completion=a) for q, a in zip(QUESTIONS, ANSWERS, strict=True)]
    recipe = Recipe(steps=1, batch_size=ROWS, learning_rate=1e-3, method="layers")
    return np.array(MODEL.finetune(rows, recipe, rng=np.random.default_rng(0)).losses)


def slope():
    return MODEL.gradient(PROMPTS, ANSWERS)


def taken():
    """Bytes of addresses of this process."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def main():
    said, ran_out = [], backing_off.is_out_of_memory
    backing_off.is_out_of_memory = lambda problem: said.append(type(problem).__name__) or ran_out(problem)
    works = (scored, slope, trained, written)
    sampling.MAX_ROWS = 8
    usual = [work() for work in works]
    Network.pass_tokens, sampling.MAX_ROWS = TOKENS, ROWS
    found = {}
    for work, expected in zip(works, usual, strict=True):
        getattr(ctypes.CDLL(None), "malloc_trim", int)(0)  # what earlier work left is given back
        resource.setrlimit(resource.RLIMIT_AS, (taken() + ROOM, resource.RLIM_INFINITY))
        said.clear()
        outcome = work()
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        found[work.__name__] = {"said": list(said), "apart": float(np.abs(outcome - expected).max())}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
