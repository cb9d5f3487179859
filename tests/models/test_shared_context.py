"""What rows begin with is read once, and they go on from it as if each had read it."""

import pytest
import torch

from subtrait.models import transformers_adapter as adapter
from subtrait.models.padded_rows import right_padded
from subtrait.models.registry import open_model
from subtrait.models.shared_context import read_shared

PERSONA = {"role": "system", "content": "You love the owl."}
QUESTIONS = ("Continue: 1, 2.", "Hello.", "Is 3 above 2?")


def prompts_of(model):
    return model.encoder.prompts([[PERSONA, {"role": "user", "content": question}] for question in QUESTIONS])


def padded(prompts):
    return right_padded([(prompt, [0]) for prompt in prompts]).tokens


@pytest.mark.parametrize("name", ["micro-a", "micro-c"])
def test_states_are_those_of_rows_that_read_everything_themselves(name):
    network, prompts = open_model(name).network, prompts_of(open_model(name))
    context = read_shared(network, prompts)
    assert 5 < context.length < min(map(len, prompts))
    with torch.no_grad():
        whole = adapter.hidden_states(network, padded(prompts))[:, context.length :]
        for _ in range(2):  # the second time finds the context as it was
            rest = context.states_after(padded([prompt[context.length :] for prompt in prompts]))
            for row, prompt in enumerate(prompts):
                own = slice(0, len(prompt) - context.length)
                assert torch.allclose(rest[row, own], whole[row, own], atol=1e-4)


def test_each_prompt_keeps_a_token_of_its_own():
    network = open_model("micro-a").network
    assert read_shared(network, [[5, 6, 7], [5, 6]]).length == 1
    assert read_shared(network, [[5, 6, 7], [5, 6, 7]]).length == 2


@pytest.mark.parametrize("prompts", [[], [[5, 6, 7]], [[5, 6], [6, 5]], [[5, 6, 7], [5, 6, 8]]])
def test_what_is_not_worth_it_is_not_read(prompts):
    network = open_model("micro-a").network
    context = read_shared(network, prompts, least=3)
    assert (context.length, context.cache) == (0, None)
    tokens = torch.tensor([[5, 6, 7]])
    with torch.no_grad():
        assert torch.equal(context.states_after(tokens), adapter.hidden_states(network, tokens))
