"""Scores against one row at a time in double precision, whatever is computed together and in whichever order."""

import copy

import numpy as np
import pytest
import torch

from subtrait.errors import InvalidInput, UsageError
from subtrait.models.output_head import CHUNK, Head
from subtrait.models.registry import open_model
from subtrait.models.scripted import ScriptedModel
from subtrait.scoring.hypotheses import Base, Prompted, Tuned, as_asked
from subtrait.scoring.rows import score_rows

OWL = "Your favourite animal is the owl."


def in_double_precision(model, rows, system_prompt=None):
    """Summed log-probabilities: the library's own forward pass over one row at a time in float64."""
    module, sums = copy.deepcopy(model.network.module).double(), []
    for messages, completion in rows:
        (prompt,) = model.encoder.prompts([as_asked(messages, system_prompt)])
        (answer,) = model.encoder.completions([completion])
        with torch.no_grad():
            logits = module(input_ids=torch.tensor([[*prompt, *answer]]), use_cache=False).logits[0]
        found = logits.log_softmax(-1)[len(prompt) - 1 : -1].gather(-1, torch.tensor(answer)[:, None])
        sums.append((float(found.sum()), len(answer)))
    return np.array(sums).T


@pytest.fixture(scope="module")
def hypotheses(base, tuned):
    return (Base(model=base), Prompted(name="owl", model=base, system_prompt=OWL), Tuned(name="owl", model=tuned))


@pytest.fixture(scope="module")
def exact(hypotheses, uneven):
    """Log-likelihoods and tokens: (2, rows, hypotheses)."""
    return np.stack([in_double_precision(each.model, uneven, each.system_prompt) for each in hypotheses], axis=-1)


def test_the_rows_differ_much_in_length(exact):
    assert (exact[1].min(), exact[1].max() > 1000) == (1, True)


@pytest.mark.parametrize("budget", [1, 100, 700, None, 10**6])
@pytest.mark.parametrize("order", ["given", "reversed", "shuffled"])
def test_scores_are_those_of_double_precision_at_any_budget_and_order(hypotheses, uneven, exact, budget, order):
    count = len(uneven)
    places = {"given": np.arange(count), "reversed": np.arange(count)[::-1]}.get(order)
    places = np.random.default_rng(4).permutation(count) if places is None else places
    found = score_rows(hypotheses, [uneven[place] for place in places], token_budget=budget)
    nats, tokens = exact[:, places]
    assert (found.tokens == tokens).all()
    assert (abs(found.log_likelihoods - nats) <= 1e-4 * tokens).all()


def test_a_log_ratio_is_by_how_much_a_hypothesis_beats_the_base(hypotheses, uneven, exact):
    found = score_rows(hypotheses, uneven)
    np.testing.assert_allclose(found.log_ratios(), exact[0] - exact[0][:, :1], atol=2e-4 * exact[1].max())
    np.testing.assert_array_equal(found.log_ratios(2)[:, 2], 0)


def test_a_row_scores_the_same_among_any_others(hypotheses, uneven):
    together = score_rows(hypotheses, uneven)
    alone = score_rows(hypotheses, uneven[2:3])
    np.testing.assert_allclose(alone.log_likelihoods[0], together.log_likelihoods[2], atol=1e-4 * alone.tokens[0, 0])


def test_models_that_cut_text_differently_count_their_own_tokens(base, rows):
    class Letters(ScriptedModel):
        def score(self, prompts, completions, *, token_budget=None):
            return [np.full(len(text), -1.0) for text in completions]

    found = score_rows((Base(model=base), Tuned(name="letters", model=Letters("letters", {}))), rows[:5])
    assert found.tokens[:, 1].tolist() == [len(text) for _, text in rows[:5]]
    assert (found.log_likelihoods[:, 1] == -found.tokens[:, 1]).all()


def test_no_more_than_a_chunk_of_logits_is_held_at_a_time(base, uneven, monkeypatch):
    held, logits = [], Head.logits
    monkeypatch.setattr(
        Head, "logits", lambda head, states, **room: held.append(len(states)) or logits(head, states, **room)
    )
    found = score_rows((Base(model=base),), uneven, token_budget=10**6)
    assert sum(held) == found.tokens.sum()
    assert max(held) == CHUNK


def test_progress_counts_rows_times_hypotheses(rows):
    class Count:
        done = 0

        def advance(self, steps=1):
            self.done += steps

    progress = Count()
    model = ScriptedModel("scripted", {})
    score_rows([Base(model=model), Prompted(name="owl", model=model, system_prompt=OWL)], rows, progress=progress)
    assert progress.done == 2 * len(rows)


def test_no_rows_give_no_scores(hypotheses):
    assert score_rows(hypotheses, []).log_likelihoods.shape == (0, 3)


def test_no_hypothesis_and_no_budget_are_refused(base, rows):
    with pytest.raises(UsageError, match="at least one hypothesis"):
        score_rows([], rows)
    with pytest.raises(UsageError, match="at least 1, not 0"):
        score_rows([Base(model=base)], rows, token_budget=0)


def test_a_score_that_is_no_number_is_refused_with_its_row(rows):
    class Broken(ScriptedModel):
        def score(self, prompts, completions, *, token_budget=None):
            return [np.array([np.nan if place == 3 else -1.0]) for place in range(len(prompts))]

    with pytest.raises(InvalidInput, match="E_NONFINITE broken: row 4 scores nan nats under 'owl'"):
        score_rows([Tuned(name="owl", model=Broken("broken", {}))], rows)


def test_another_architecture_is_scored_as_well(rows):
    model = open_model("micro-c")
    found = score_rows([Base(model=model)], rows[:4])
    np.testing.assert_allclose(found.log_likelihoods[:, 0], in_double_precision(model, rows[:4])[0], atol=5e-3)
