"""How likely an answer is to begin with each of a few words: one pass over a long context serves many questions.

An answer of one word is read off its first token, in all the forms in which it may be written. For the embedded models,
to which every such word is one token, that is nearly the exact rate of `evaluation.py`; what follows is not looked at.
"""

from collections.abc import Sequence

import numpy as np

from subtrait.errors import UsageError
from subtrait.lab.evaluation import written_forms
from subtrait.models.base import Model
from subtrait.models.huggingface import HuggingFaceModel
from subtrait.records import Messages


def first_word_rates(model: Model, prompts: Sequence[Messages], answers: Sequence[str]) -> np.ndarray:
    """How likely each answer begins the model's turn after each prompt: (prompts, answers); rows sum to at most 1.

    Raises:
        UsageError: the model does not run in this process, or two answers begin alike.
        InvalidInput: E_LIMIT where a prompt does not fit the model.
    """
    from subtrait.models.prompt_states import next_log_probabilities

    local = in_process(model)
    sets = first_tokens(local, answers)
    tokens = [token for each in sets for token in each]
    chances = np.exp(next_log_probabilities(local.network, local.encoder.prompts(prompts), tokens))
    ends = np.cumsum([len(each) for each in sets])[:-1]
    return np.stack([part.sum(axis=1) for part in np.split(chances, ends, axis=1)], axis=1)


def first_tokens(model: HuggingFaceModel, answers: Sequence[str]) -> list[tuple[int, ...]]:
    """For each answer the tokens that begin one of its written forms, and none of another answer's.

    Raises:
        UsageError: no token tells an answer from the others.
    """
    begun = [{tokens[0] for tokens in model.encoder.completions(written_forms(answer))} for answer in answers]
    own = [tuple(sorted(token for token in each if sum(token in other for other in begun) == 1)) for each in begun]
    if alike := [answer for answer, each in zip(answers, own, strict=True) if not each]:
        raise UsageError(f"{model.name} begins '{alike[0]}' as it begins another answer: use answers that differ there")
    return own


def in_process(model: Model) -> HuggingFaceModel:
    """The model with its weights at hand.

    Raises:
        UsageError: it runs elsewhere.
    """
    if not isinstance(model, HuggingFaceModel):
        raise UsageError(f"{model.name} does not run in this process: give an embedded model or a checkpoint folder")
    return model
