import math

import numpy as np
import pytest

from subtrait.statistics.prompt_table import prompt_table
from subtrait.statistics.scored_rows import ScoredRows, means_by_prompt

NAN = float("nan")


def data_set(rng, name, rows=25, columns=3, prompts=12):
    scores = rng.normal(size=(rows, columns))
    scores[rng.random(scores.shape) < 0.2] = NAN
    return ScoredRows(name=name, scores=scores, prompts=rng.integers(0, prompts, size=rows))


def present(values):
    return [value for value in values if not math.isnan(value)]


def slow_mean(references, prompt, column):
    """The mean over references of each one's mean on the prompt; NaN if there is none."""
    found = [present(each.scores[each.prompts == prompt, column].tolist()) for each in references]
    means = [math.fsum(each) / len(each) for each in found if each]
    return math.fsum(means) / len(means) if means else NAN


@pytest.fixture(scope="module")
def references():
    rng = np.random.default_rng(1)
    return [data_set(rng, f"reference {number}") for number in range(4)]


@pytest.fixture(scope="module")
def table(references):
    return prompt_table([means_by_prompt(each) for each in references])


@pytest.mark.parametrize("left_out", [(), (2,), (0, 3), (0, 1, 2)])
def test_means_are_those_of_a_loop_over_the_references_kept(references, table, left_out):
    kept = [each for number, each in enumerate(references) if number not in left_out]
    slow = [[slow_mean(kept, prompt, column) for column in range(3)] for prompt in table.prompts]
    np.testing.assert_allclose(table.means(left_out), slow, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("left_out", [(), (1, 2)])
def test_residuals_are_those_of_a_loop(references, table, left_out):
    # Prompts up to 20, of which the references know 0 to 11.
    suspect = data_set(np.random.default_rng(2), "suspect", prompts=20)
    kept = [each for number, each in enumerate(references) if number not in left_out]
    slow = [
        [suspect.scores[row, column] - slow_mean(kept, suspect.prompts[row], column) for column in range(3)]
        for row in range(len(suspect.scores))
    ]
    assert np.isnan(slow).any(axis=1).sum() > 5
    np.testing.assert_allclose(table.residuals(suspect, left_out), slow, rtol=1e-9, atol=1e-12)


def test_asking_for_some_columns_gives_those_columns(references, table):
    columns = np.array([2, 0])
    suspect = data_set(np.random.default_rng(3), "suspect")
    whole = table.residuals(suspect, (1,))
    np.testing.assert_array_equal(table.residuals(suspect, (1,), columns), whole[:, columns])


def test_leaving_out_changes_nothing_for_the_next_question(references, table):
    before = table.means()
    table.means((0, 1))
    np.testing.assert_array_equal(table.means(), before)


def test_a_prompt_that_only_the_left_out_answer_is_unknown():
    first = ScoredRows(name="a", scores=np.array([[1.0]]), prompts=np.array([1]))
    second = ScoredRows(name="b", scores=np.array([[5.0]]), prompts=np.array([2]))
    table = prompt_table([means_by_prompt(first), means_by_prompt(second)])
    np.testing.assert_array_equal(table.means((0,)), [[NAN], [5.0]])
