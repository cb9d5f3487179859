import numpy as np
import pytest

from subtrait.statistics.permutation import paired_permutation
from subtrait.statistics.row_pairs import paired_rows
from subtrait.statistics.scored_rows import ScoredRows

GATE = 131
"""The largest number of 2,000 tests that may reject at 5 %: the 99.9 % quantile of Bin(2000, 0.05)."""


def scored(name, scores, prompts):
    return ScoredRows(name=name, scores=np.asarray(scores, dtype=np.float64), prompts=np.asarray(prompts))


def test_pairs_are_those_of_a_loop_in_the_order_of_the_suspect():
    rng = np.random.default_rng(1)
    suspect = scored("suspect", rng.normal(size=(30, 2)), rng.integers(0, 25, size=30))
    partner = scored("partner", rng.normal(size=(40, 2)), rng.integers(10, 60, size=40))
    first = {}
    for prompt, row in zip(partner.prompts.tolist(), partner.scores, strict=True):
        first.setdefault(prompt, row)
    slow, seen = [], set()
    for prompt, row in zip(suspect.prompts.tolist(), suspect.scores, strict=True):
        if prompt in first and prompt not in seen:
            slow.append(row - first[prompt])
        seen.add(prompt)
    assert 3 < len(slow) < 20
    np.testing.assert_array_equal(paired_rows(suspect, partner), slow)


def test_no_shared_prompt_gives_no_pair():
    assert paired_rows(scored("a", [[1.0]], [1]), scored("b", [[1.0]], [2])).shape == (0, 1)


def test_swapping_the_data_sets_changes_the_sign_only():
    here, there = scored("a", [[1.0], [2.0]], [4, 9]), scored("b", [[5.0], [9.0]], [9, 4])
    assert sorted(paired_rows(here, there)[:, 0]) == sorted(-paired_rows(there, here)[:, 0]) == [-8.0, -3.0]


def test_answers_of_the_same_model_are_rejected_no_more_often_than_the_level():
    # Rows share their prompt's effect and have heavy tails; the sides differ in which prompts they answer.
    rng = np.random.default_rng(2)
    rejected = 0
    for _ in range(2_000):
        effect = rng.standard_t(3, size=80)
        sides = []
        for name in ("suspect", "partner"):
            prompts = rng.choice(80, size=50, replace=False)
            sides.append(scored(name, (effect[prompts] + rng.standard_t(3, size=50))[:, None], prompts))
        differences = paired_rows(*sides)[:, 0]
        rejected += paired_permutation(differences, rng=rng, max_permutations=199, alternative="greater").p <= 0.05
    assert 50 <= rejected <= GATE


def test_other_hypotheses_are_refused():
    with pytest.raises(ValueError, match="a has 1 hypotheses, b 2"):
        paired_rows(scored("a", [[1.0]], [1]), scored("b", [[1.0, 2.0]], [1]))
