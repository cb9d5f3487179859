"""Where the lab's randomness comes from: one stream per purpose, derived from the run's seed and the purpose's name."""

from hashlib import sha256

import numpy as np

from subtrait.errors import UsageError


def stream(seed: int, *purpose: str | int) -> np.random.Generator:
    """The random stream of one purpose, such as `stream(7, "teacher", 3)`.

    Streams of different purposes are independent, and adding a purpose changes no other one.
    """
    text = "/".join(str(part) for part in (seed, *purpose))
    return np.random.default_rng(int.from_bytes(sha256(text.encode()).digest()[:16], "big"))


def check_seed(seed: int) -> None:
    """Raise `UsageError` for a seed that is no integer from 0 to 2^63 - 1."""
    if not 0 <= seed < 2**63:
        raise UsageError(f"seed {seed} is out of range: give an integer from 0 to {2**63 - 1}")
