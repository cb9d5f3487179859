"""What a network makes of a prompt before it writes anything: its states, and how likely each token is to come next."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from subtrait.errors import InvalidInput
from subtrait.models.transformers_adapter import Network

if TYPE_CHECKING:
    import torch

    from subtrait.models.shared_context import SharedContext

Floats = NDArray[np.float64]
Tokens = Sequence[int]
ROOM: Final = 2**16
"""Tokens whose keys and values are in memory together."""


def mean_states(network: Network, prompts: Sequence[Tokens]) -> Floats:
    """The states before the output layer, mean over the tokens of each prompt: float64 (prompts, width)."""
    import torch

    from subtrait.models import transformers_adapter as adapter

    found = []
    with torch.no_grad():
        for prompt in prompts:
            states = adapter.hidden_states(network, torch.tensor([list(prompt)], device=network.device))
            found.append(states[0].double().mean(0).cpu().numpy())
    return np.array(found)


def read_through(network: Network, states: Floats, tokens: Tokens) -> Floats:
    """What the output layer makes of states (rows, width), or of differences of them: logits (rows, tokens).

    A bias of the layer is left out: it is no part of a difference.
    """
    from subtrait.models import transformers_adapter as adapter

    weight = adapter.output_layer(network).weight.detach()[list(tokens)].double().cpu().numpy()
    read: Floats = states @ weight.T
    return read


def next_log_probabilities(network: Network, prompts: Sequence[Tokens], tokens: Tokens) -> Floats:
    """Log-probability in nats of each of `tokens` as the next one after each prompt: float64 (prompts, tokens).

    What all prompts begin with is read once, so that many questions after one long context cost little more than one.

    Raises:
        InvalidInput: E_LIMIT where a prompt does not fit the model.
    """
    import torch

    from subtrait.models.output_head import head_of
    from subtrait.models.shared_context import read_shared

    if not prompts:
        return np.empty((0, len(tokens)))
    _check_room(network, prompts)
    found = []
    with torch.no_grad():
        head = head_of(network, transform=network.after_output_layer).widened()
        context = read_shared(network, prompts)
        for together in _portions([prompt[context.length :] for prompt in prompts], context.length):
            logits = head.logits(_last_states(context, together)).double()
            found.append((logits[:, list(tokens)] - logits.logsumexp(-1, keepdim=True)).cpu().numpy())
    return np.concatenate(found)


def _check_room(network: Network, prompts: Sequence[Tokens]) -> None:
    longest = max(map(len, prompts))
    if network.positions is not None and longest > network.positions:
        what = f"a prompt takes {longest} tokens, the model has {network.positions} positions"
        raise InvalidInput("E_LIMIT", network.where, what, hint="give fewer rows before a question")


def _portions(rests: Sequence[Tokens], shared: int) -> Iterator[Sequence[Tokens]]:
    """As many at once as there is room for, each with a copy of the context."""
    step = max(1, ROOM // (shared + max(map(len, rests))))
    return (rests[start : start + step] for start in range(0, len(rests), step))


def _last_states(context: "SharedContext", rests: Sequence[Tokens]) -> "torch.Tensor":
    """The state at the end of each of `rests`, read after the context: (rests, width)."""
    import torch

    lengths = torch.tensor([len(rest) for rest in rests])
    tokens = torch.zeros(len(rests), int(lengths.max()), dtype=torch.long)
    for row, rest in enumerate(rests):
        tokens[row, : len(rest)] = torch.tensor(list(rest))  # what pads on the right is never looked at
    states = context.states_after(tokens.to(context.network.device))
    return states[torch.arange(len(rests)), lengths - 1]
