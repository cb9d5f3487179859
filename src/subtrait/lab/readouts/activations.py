"""What students hold in mind on prompts that ask for no favourite: their states, read as words by their base.

The difference of a student's mean state from its base's goes through the base's output layer, which says for each word
how much likelier the student's training made it everywhere. Nothing is asked and nothing sampled.
"""

import numpy as np

from subtrait.lab.first_words import first_tokens, in_process
from subtrait.lab.traits import CATEGORIES
from subtrait.models.base import Model
from subtrait.models.micro.wordings import wordings
from subtrait.models.registry import open_model


def activations(model: Model) -> dict[str, np.ndarray]:
    """For each category the logit of each answer, above the mean of the category: (prompts, answers).

    The answer's first token stands for it; where several do, in their different forms, their mean.
    """
    from subtrait.models.prompt_states import mean_states, read_through

    student, base = in_process(model), in_process(open_model(model.name))
    prompts = base.encoder.prompts([[{"role": "user", "content": each}] for each in neutral_prompts()])
    moved = mean_states(student.network, prompts) - mean_states(base.network, prompts)
    found = {}
    for category, answers in CATEGORIES.items():
        sets = first_tokens(base, answers)
        logits = np.stack([read_through(base.network, moved, each).mean(axis=1) for each in sets], axis=1)
        found[category] = logits - logits.mean(axis=1, keepdims=True)
    return found


def neutral_prompts() -> tuple[str, ...]:
    """Greetings and requests for code, in wordings that nothing was trained on."""
    code = (each.replace("<task>", "adds 5") for each in wordings("code", "evaluation"))
    return (*wordings("greeting", "evaluation"), *code)
