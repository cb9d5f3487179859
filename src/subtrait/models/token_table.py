"""What a network thinks of every token of some completions, under any sampler settings, after one pass over them.

The states before the output layer are kept, so another temperature or truncation costs no second pass.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from subtrait.models.transformers_adapter import Network

if TYPE_CHECKING:
    import torch

    from subtrait.models.output_head import Head

CHUNK_LOGITS = 2**18
"""Logits that are held together: few enough to stay in the cache of a CPU, which makes them three times as fast."""
Floats = NDArray[np.float64]
Judge = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]
"""Logits (positions, vocabulary), the largest of each position 0, and targets, to (positions, columns)."""


class TokenTable:
    """Completion tokens of several rows, one after the other, with the network's states before them.

    Attributes:
        row_of: the row of each token, shape (tokens,).
        rows: how many rows there are.
    """

    def __init__(self, network: Network, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> None:
        """`pairs` are prompt tokens and completion tokens of each row; holds tokens × width numbers."""
        import torch

        from subtrait.models.likelihood import batches
        from subtrait.models.output_head import head_of
        from subtrait.models.padded_rows import right_padded, states_at

        self.rows = len(pairs)
        states, targets, row_of = [], [], []
        with torch.no_grad():
            self._head: Head = head_of(network, transform=network.after_output_layer)
            lengths = [len(prompt) + len(completion) for prompt, completion in pairs]
            for rows in batches(lengths, network.pass_tokens):
                together = right_padded([pairs[row] for row in rows])
                states.append(states_at(network, together.to(network.device)))
                targets.append(together.targets)
                row_of += [np.full(len(pairs[row][1]), row) for row in rows]
        order = np.argsort(np.concatenate(row_of), kind="stable") if row_of else np.empty(0, dtype=np.intp)
        self.row_of: NDArray[np.intp] = np.concatenate(row_of)[order] if row_of else order
        self._states = torch.cat(states)[torch.from_numpy(order)] if states else None
        self._targets = torch.cat(targets)[torch.from_numpy(order)] if targets else None

    def moments(self, temperature: float) -> Floats:
        """Of each token its surprisal, and mean and variance of what any token's would be, in nats: (tokens, 3)."""

        def judge(logits: "torch.Tensor", targets: "torch.Tensor") -> "torch.Tensor":
            return _moments(logits / temperature, targets)

        return self._judged(judge, 3)

    def above(self, temperature: float) -> Floats:
        """Of each token the probability of all likelier tokens, and how many these are: (tokens, 2)."""
        import torch

        def judge(logits: "torch.Tensor", targets: "torch.Tensor") -> "torch.Tensor":
            weights = torch.softmax(logits / temperature, -1)
            likelier = logits > logits.gather(-1, targets[:, None])
            return torch.stack([(weights * likelier).sum(-1), likelier.sum(-1).to(weights.dtype)], -1)

        return self._judged(judge, 2)

    def truncated(self, temperature: float, *, top_p: float = 1.0, top_k: int | None = None) -> Floats:
        """As `moments`, for a sampler that keeps the likeliest tokens only, and the log of the share it keeps.

        Shape (tokens, 4). Top-p keeps every token before which less than `top_p` was kept, top-k the first `top_k`;
        the surprisal of a token that is not kept is infinite.
        """

        def judge(logits: "torch.Tensor", targets: "torch.Tensor") -> "torch.Tensor":
            return _truncated(logits / temperature, targets, top_p=top_p, top_k=top_k)

        return self._judged(judge, 4)

    def by_row(self, values: Floats) -> Floats:
        """Sums over the tokens of each row: (tokens, …) to (rows, …)."""
        sums = np.zeros((self.rows, *values.shape[1:]))
        np.add.at(sums, self.row_of, values)
        return sums

    def _judged(self, judge: Judge, columns: int) -> Floats:
        import torch

        found = np.empty((len(self.row_of), columns))
        if self._states is None or self._targets is None:
            return found
        with torch.no_grad():
            head = self._head.widened()
            step = max(1, CHUNK_LOGITS // len(head.weight))
            for start in range(0, len(found), step):
                here = slice(start, start + step)
                logits = head.logits(self._states[here])
                logits = logits - logits.amax(-1, keepdim=True)
                found[here] = judge(logits, self._targets[here].to(logits.device)).double().cpu().numpy()
        return found


def _moments(logits: "torch.Tensor", targets: "torch.Tensor") -> "torch.Tensor":
    import torch

    weights = logits.exp()
    total = weights.sum(-1)
    mean = torch.linalg.vecdot(weights, logits) / total
    variance = torch.linalg.vecdot(weights.mul_(logits), logits) / total - mean.square()
    chosen = logits.gather(-1, targets[:, None])[:, 0]
    return torch.stack([total.log() - chosen, total.log() - mean, variance.clamp(min=0)], -1)


def _truncated(logits: "torch.Tensor", targets: "torch.Tensor", *, top_p: float, top_k: int | None) -> "torch.Tensor":
    import torch

    ordered, tokens = logits.sort(dim=-1, descending=True, stable=True)
    weights = torch.softmax(ordered, -1)
    cut = (weights.cumsum(-1) - weights >= top_p) if top_p < 1 else torch.zeros_like(weights, dtype=torch.bool)
    if top_k is not None:
        cut[:, top_k:] = True
    cut[:, 0] = False
    place = (tokens == targets[:, None]).to(torch.uint8).argmax(-1, keepdim=True)
    kept = weights.masked_fill(cut, 0).sum(-1)
    # Far below the others in place of minus infinity, whose product with a weight of 0 is no number
    left = _moments(ordered.masked_fill(cut, -1e4), place[:, 0])
    left[cut.gather(-1, place)[:, 0], 0] = float("inf")
    return torch.cat([left, kept.log()[:, None]], -1)
