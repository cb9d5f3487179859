import math

import numpy as np
import pytest

from subtrait.statistics.scored_rows import (
    ScoredRows,
    column_means,
    divided,
    means_by_prompt,
    row_centred,
    sample_means,
)

NAN = float("nan")


def scored(scores, prompts=None, name="suspect"):
    scores = np.asarray(scores, dtype=np.float64)
    return ScoredRows(name=name, scores=scores, prompts=np.arange(len(scores)) if prompts is None else prompts)


def holed(rng, rows, columns, share=0.2):
    scores = rng.normal(size=(rows, columns))
    scores[rng.random(scores.shape) < share] = NAN
    return scores


def mean_of_present(values):
    present = [value for value in values if not math.isnan(value)]
    return math.fsum(present) / len(present) if present else NAN


def test_means_count_what_is_there():
    assert column_means(np.array([[1.0, NAN, NAN], [3.0, 4.0, NAN]])).tolist()[:2] == [2.0, 4.0]
    assert np.isnan(column_means(np.array([[1.0, NAN]]))[1])


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_means_over_samples_are_those_of_a_loop(share):
    rng = np.random.default_rng(1)
    rows = holed(rng, 40, 3, share)
    samples = np.array([rng.choice(40, size=7, replace=False) for _ in range(5)])
    slow = [[mean_of_present(rows[sample, column]) for column in range(3)] for sample in samples]
    np.testing.assert_allclose(sample_means(samples)(rows), slow, rtol=1e-12)


def test_a_row_drawn_twice_counts_twice():
    assert sample_means(np.array([[0, 0, 1]]))(np.array([[1.0], [4.0]])).tolist() == [[2.0]]


def test_centred_rows_have_mean_zero_and_keep_their_contrasts():
    data = scored(np.random.default_rng(2).normal(3, 1, size=(6, 4)))
    centred = row_centred(data).scores
    np.testing.assert_allclose(centred.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(np.diff(centred, axis=1), np.diff(data.scores, axis=1), rtol=1e-9)


def test_an_incomplete_row_cannot_be_centred():
    centred = row_centred(scored([[1.0, NAN], [1.0, 3.0]])).scores
    assert np.isnan(centred[0]).all()
    assert centred[1].tolist() == [-1.0, 1.0]


def test_means_by_prompt_are_those_of_a_loop():
    rng = np.random.default_rng(3)
    data = scored(holed(rng, 30, 2, 0.4), prompts=rng.integers(-3, 6, size=30))
    prompts, means = means_by_prompt(data)
    assert prompts.tolist() == sorted(set(data.prompts.tolist()))
    slow = [[mean_of_present(data.scores[data.prompts == prompt, column]) for column in range(2)] for prompt in prompts]
    np.testing.assert_allclose(means, slow, rtol=1e-12)


def test_distinct_prompts_are_only_put_in_order():
    data = scored([[1.0], [NAN], [3.0]], prompts=np.array([7, 2, 5]))
    prompts, means = means_by_prompt(data)
    assert prompts.tolist() == [2, 5, 7]
    np.testing.assert_array_equal(means, [[NAN], [3.0], [1.0]])


def test_nothing_divided_by_nothing_is_missing():
    np.testing.assert_array_equal(divided(np.array([6.0, 0.0]), np.array([3.0, 0.0])), [2.0, NAN])


@pytest.mark.parametrize(
    ("scores", "prompts", "message"),
    [
        ([1.0, 2.0], [1, 2], r"suspect: scores have shape \(2,\)"),
        (np.empty((0, 3)), [], r"shape \(0, 3\)"),
        ([[1.0], [2.0]], [1], "1 prompt ids for 2 rows"),
        ([[1.0, 2.0], [3.0, -math.inf]], [1, 2], r"scores\[1, 1\] is -inf; use NaN"),
    ],
)
def test_rows_that_cannot_be_read_are_refused(scores, prompts, message):
    with pytest.raises(ValueError, match=message):
        scored(scores, prompts=np.array(prompts, dtype=np.int64))
