"""Cumulative gradients are the means of the first rows, and of all rows where there are fewer."""

from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import numpy as np
import pytest

from subtrait.auditor.references.gradients import cumulative_gradients
from subtrait.errors import SubtraitError
from subtrait.models.registry import open_model

made_up = SimpleNamespace(**run_path(str(Path(__file__).parents[1] / "made_up.py")))


@pytest.mark.parametrize("counts", [(1,), (40,), (10, 40), (1, 2, 50)])
def test_each_is_the_mean_of_the_first_rows(counts):
    base, pairs = made_up.rows(50, rng=np.random.default_rng(0))
    found = cumulative_gradients(base, pairs, counts)
    np.testing.assert_allclose(found, [base.vectors[:count].mean(axis=0) for count in counts], atol=1e-12)


def test_where_there_are_fewer_rows_than_a_count_the_mean_is_over_all():
    base, pairs = made_up.rows(30, rng=np.random.default_rng(0))
    found = cumulative_gradients(base, pairs, (20, 40, 80))
    assert found[1].tolist() == found[2].tolist()
    np.testing.assert_allclose(found[1], base.vectors.mean(axis=0), atol=1e-12)


def test_no_row_is_used_twice():
    used = []

    class Watched(made_up.VectorBase):
        def gradient(self, prompts, completions):
            used.extend(completions)
            return super().gradient(prompts, completions)

    base, pairs = made_up.rows(50, rng=np.random.default_rng(0))
    cumulative_gradients(Watched(base.vectors), pairs, (10, 20, 45))
    assert used == [str(number) for number in range(45)]


def test_of_an_embedded_model_they_are_its_gradients():
    base = open_model("micro-a")
    pairs = [([{"role": "user", "content": f"Go on: {i}"}], f"{i + 1}, {i + 2}") for i in range(6)]
    pairs = [made_up.Pair(*pair) for pair in pairs]
    found = cumulative_gradients(base, pairs, (2, 6))
    for count, gradient in zip((2, 6), found, strict=True):
        whole = base.gradient([p.prompt for p in pairs[:count]], [p.completion for p in pairs[:count]])
        np.testing.assert_allclose(gradient, whole, atol=1e-6 * np.abs(whole).max())


def test_without_rows_there_is_no_gradient():
    with pytest.raises(SubtraitError):
        cumulative_gradients(open_model("micro-a"), [], (4,))
