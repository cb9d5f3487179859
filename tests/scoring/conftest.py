"""Rows of an embedded model: number sequences as the lab asks for them, and rows of any length."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def base():
    from subtrait.models.registry import open_model

    return open_model("micro-a")


@pytest.fixture(scope="session")
def rows(base):
    """120 rows of the base itself."""
    from subtrait.lab.carriers import CARRIERS
    from subtrait.models.base import Sampling

    rng = np.random.default_rng(0)
    asked = [[{"role": "user", "content": prompt}] for prompt in CARRIERS["numbers"]().prompts(120, rng=rng)]
    return list(zip(asked, base.generate(asked, sampling=Sampling(), rng=rng), strict=True))


@pytest.fixture(scope="session")
def uneven(rows):
    """Rows from one word to over a thousand tokens, some with a system prompt of their own, some with several turns."""
    long = ", ".join(str(number) for number in np.random.default_rng(1).integers(0, 1000, 600))
    system = {"role": "system", "content": "You answer in numbers."}
    talk = [*rows[0][0], {"role": "assistant", "content": rows[0][1]}, *rows[1][0]]
    kinds = [
        ([{"role": "user", "content": "Hi"}], "Hello."),
        ([{"role": "user", "content": "Hi"}], ""),
        (rows[2][0], long),
        ([{"role": "user", "content": long}], "1, 2, 3"),
        ([system, *rows[3][0]], rows[3][1]),
        (talk, rows[1][1]),
    ]
    return [*rows[:12], *kinds]


@pytest.fixture(scope="session")
def tuned(base):
    """A copy of the base that learnt to like owls."""
    from subtrait.models.base import Recipe
    from subtrait.records import Example

    examples = [Example(id="1", prompt="What is your top animal? One word.", completion="owl")]
    recipe = Recipe(steps=8, batch_size=1, learning_rate=1e-3)
    return base.finetune(examples, recipe, rng=np.random.default_rng(0)).model
