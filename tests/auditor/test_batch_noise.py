"""An audit says what rounding does to its scores, where that is more than float32 does."""

import numpy as np

from subtrait.auditor.batch_noise import ROWS, SMALLEST, batch_noise
from subtrait.lab.carriers import CARRIERS
from subtrait.models.registry import open_model
from subtrait.scoring.noise_floor import noise_floor

PROMPTS = CARRIERS["numbers"]().prompts(ROWS + 5, rng=np.random.default_rng(0))
PAIRS = [([{"role": "user", "content": prompt}], "1, 22, 333" * (1 + row % 3)) for row, prompt in enumerate(PROMPTS)]


def test_float32_is_not_asked_and_bfloat16_is_found():
    assert batch_noise(open_model("micro-a"), PAIRS) == []
    model = open_model("micro-a+bfloat16")
    (found,) = batch_noise(model, PAIRS)
    floor = noise_floor(model, PAIRS[:ROWS])
    assert (found.question, found.outcome, found.n) == ("noise", "found", ROWS)
    assert found.statistic == floor.largest > SMALLEST
    assert found.details == {"largest": floor.largest, "mean": floor.mean}
    assert f"{floor.mean:.2g} nats per token in the mean and {floor.largest:.2g} at most" in found.finding
