"""What comes next is what scoring says, whether a context is shared or not; states read out are logits."""

import numpy as np
import pytest

from subtrait.errors import InvalidInput
from subtrait.models import prompt_states
from subtrait.models import transformers_adapter as adapter
from subtrait.models.prompt_states import mean_states, next_log_probabilities, read_through
from subtrait.models.registry import open_model

CONTEXT = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hi. All is well."}]
QUESTIONS = ("What is your favourite animal? One word.", "Which tree is yours?", "Hello.")
WORDS = ("owl", "dog", "oak")


@pytest.fixture(scope="module")
def model():
    return open_model("micro-a")


def asked(before=()):
    return [[*before, {"role": "user", "content": question}] for question in QUESTIONS]


def tokens_of(model, prompts):
    return model.encoder.prompts(prompts), [tokens[0] for tokens in model.encoder.completions(WORDS)]


@pytest.mark.parametrize("before", [(), CONTEXT, CONTEXT * 9], ids=["none", "short", "long"])
def test_next_tokens_are_as_likely_as_scoring_says(model, before):
    prompts, words = tokens_of(model, asked(before))
    found = next_log_probabilities(model.network, prompts, words)
    scored = [[model.score([prompt], [word])[0][0] for word in WORDS] for prompt in asked(before)]
    assert np.allclose(found, scored, atol=1e-4)


def test_prompts_that_share_nothing_and_a_single_one_are_read_too(model):
    prompts, words = tokens_of(model, asked())
    together = next_log_probabilities(model.network, prompts, words)
    alone = np.concatenate([next_log_probabilities(model.network, [prompt], words) for prompt in prompts])
    reversed_ = next_log_probabilities(model.network, [prompt[::-1] for prompt in prompts], words)
    assert np.allclose(together, alone, atol=1e-5)
    assert reversed_.shape == together.shape
    assert next_log_probabilities(model.network, [], words).shape == (0, 3)


def test_little_room_changes_nothing(model, monkeypatch):
    prompts, words = tokens_of(model, asked(CONTEXT))
    before = next_log_probabilities(model.network, prompts, words)
    monkeypatch.setattr(prompt_states, "ROOM", 1)
    assert np.allclose(next_log_probabilities(model.network, prompts, words), before, atol=1e-5)


def test_a_prompt_beyond_the_positions_is_refused(model):
    with pytest.raises(InvalidInput, match="E_LIMIT"):
        next_log_probabilities(model.network, [[1] * 5_000], [2])


def test_states_read_through_the_output_layer_are_logits(model):
    import torch

    (prompt, *_), words = tokens_of(model, asked())
    states = mean_states(model.network, [prompt])
    with torch.no_grad():
        every = model.network.module(input_ids=torch.tensor([prompt]), use_cache=False).logits[0]
    assert adapter.after_output_layer(model.network) is None
    assert np.allclose(read_through(model.network, states, words), every.mean(0)[words], atol=1e-4)
