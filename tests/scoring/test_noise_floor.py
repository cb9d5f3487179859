"""Batches change scores by rounding only, and lower precision rounds more."""

import numpy as np
import pytest

from subtrait.errors import UsageError
from subtrait.lab.carriers import CARRIERS
from subtrait.models.registry import open_model
from subtrait.scoring.noise_floor import noise_floor

PROMPTS = CARRIERS["numbers"]().prompts(24, rng=np.random.default_rng(0))
PAIRS = [([{"role": "user", "content": prompt}], "1, 22, 333" * (1 + row % 3)) for row, prompt in enumerate(PROMPTS)]


def test_float32_is_below_a_ten_thousandth_and_bfloat16_is_not_nothing():
    floors = {dtype: noise_floor(open_model(f"micro-a+{dtype}"), PAIRS) for dtype in ("float32", "bfloat16", "float16")}
    assert floors["float32"].largest < 1e-4
    assert (
        0 < floors["float32"].mean < floors["float16"].mean < floors["bfloat16"].mean < floors["bfloat16"].largest < 1
    )
    assert {floor.rows for floor in floors.values()} == {24}


def test_it_is_the_difference_of_the_scores_themselves():
    class Counted:
        """Scores rows by how many come with them, and by their place."""

        def score(self, prompts, completions, *, token_budget=None):
            return [np.array([float(text), len(texts)]) for texts in [completions] for text in texts]

    found = noise_floor(Counted(), [([], "1"), ([], "2"), ([], "5")])
    # By hand: the first number is the same in both, the second is 3 together and 1 alone
    assert (found.largest, found.mean, found.rows, found.tokens) == (2.0, 1.0, 3, 6)


def test_no_rows_have_no_floor():
    with pytest.raises(UsageError, match="needs rows"):
        noise_floor(open_model("micro-a"), [])
