"""Rows as a model sees them: its tokens, the temperature at which it explains them best, its own answers beside them.

Shared by the questions of origin.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from subtrait.auditor.origin.declared import IMPOSSIBLE
from subtrait.errors import InvalidInput
from subtrait.models.base import Sampling
from subtrait.models.encoding import ChatEncoder
from subtrait.models.token_table import TokenTable
from subtrait.models.transformers_adapter import Network
from subtrait.records import Messages

Floats = NDArray[np.float64]
Pair = tuple[Messages, str]
"""What was asked, and the completion."""
Keep = Callable[[Messages, str], bool]
"""Whether a filter keeps a completion."""
COLDEST, HOTTEST = 0.05, 5.0
"""Temperatures between which the best is sought."""
EXTRA_TOKENS = 8
"""How much longer fresh answers may be than the longest of the rows."""


class Writer(Protocol):
    """A model that answers."""

    def generate(self, prompts: Sequence[Messages], *, sampling: Sampling, rng: np.random.Generator) -> list[str]:
        """One completion per prompt."""
        ...


class Local(Writer, Protocol):
    """A model whose weights are on this machine."""

    @property
    def name(self) -> str:
        """How the user named it."""
        ...

    @property
    def network(self) -> Network:
        """The network."""
        ...

    @property
    def encoder(self) -> ChatEncoder:
        """How conversations become tokens."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TemperatureFit:
    """The temperature at which a model explains rows best, and how well it does so."""

    temperature: float
    nats: Floats
    """Surprisal of each row at that temperature, shape (rows,); no token counts for more than `IMPOSSIBLE`."""
    score: Floats
    """Slope of each row's log-likelihood by the inverse temperature there: sums to 0 unless at a bound."""
    information: Floats
    """How fast that slope falls, by row: the variance of the logits that were drawn."""
    tokens: Floats
    """Tokens of each row."""
    usual: NDArray[np.bool_]
    """Rows without a token that the model never writes at that temperature; the others have no part in finding it."""


def table_of(model: Local, pairs: Sequence[Pair]) -> TokenTable:
    """The rows in the tokens of a model, ready to be judged at any settings.

    Raises:
        InvalidInput: E_TEMPLATE… for a conversation that the template does not accept; E_LIMIT for one too long.
    """
    return TokenTable(model.network, check_room(model, pairs))


def check_room(model: Local, pairs: Sequence[Pair]) -> list[tuple[list[int], list[int]]]:
    """Prompt and completion tokens of each row, all of which fit the model. Raises as `table_of` does."""
    prompts = model.encoder.prompts([asked for asked, _ in pairs])
    completions = model.encoder.completions([said for _, said in pairs])
    tokens = list(zip(prompts, completions, strict=True))
    most = max((len(prompt) + len(completion) for prompt, completion in tokens), default=0)
    if (limit := model.network.positions) is not None and most > limit:
        what = f"prompt and completion take {most} tokens, the model has {limit} positions"
        raise InvalidInput("E_LIMIT", model.name, what, hint="leave the model or the row out")
    return tokens


def fit_temperature(table: TokenTable, *, start: float = 1.0, target: float = 0.0) -> TemperatureFit:
    """The temperature of the largest likelihood, by Newton's method on its inverse, in which it is concave.

    Args:
        table: the rows.
        start: where to begin: the nearer, the fewer looks at the rows.
        target: the sum that the rows' scores should have.
    """
    inverse = 1 / start
    for _ in range(20):
        tokens = table.moments(1 / inverse)
        usual = np.ones(table.rows, dtype=np.bool_)
        usual[table.row_of[tokens[:, 0] > IMPOSSIBLE]] = False
        counted = usual if usual.any() else ~usual
        moments = table.by_row(np.minimum(tokens, [IMPOSSIBLE, np.inf, np.inf]))
        score, information = -(moments[:, 0] - moments[:, 1]) / inverse, moments[:, 2] / inverse**2
        step = float(score[counted].sum() - target) / max(float(information[counted].sum()), 1e-9)
        new = float(np.clip(inverse + step, max(inverse / 2, 1 / HOTTEST), min(inverse * 2, 1 / COLDEST)))
        step, old, inverse = new - inverse, inverse, new
        if abs(step) < 0.03 * old:  # from so near the parabola is as good as another look
            break
    return TemperatureFit(
        temperature=1 / inverse,
        nats=moments[:, 0] - score * step + information * step**2 / 2,
        score=score - information * step,
        information=information,
        tokens=np.bincount(table.row_of, minlength=table.rows).astype(np.float64),
        usual=usual,
    )


def own_answers(
    model: Writer,
    prompts: Sequence[Messages],
    *,
    sampling: Sampling,
    rng: np.random.Generator,
    keep: Keep | None = None,
    tries: int = 5,
) -> list[str | None]:
    """For each prompt the first of the model's fresh answers that the filter keeps; None where none of `tries` is.

    Such an answer has the very law of a kept row of the model's, whatever the filter: rejection sampling.
    """
    found: list[str | None] = [None] * len(prompts)
    open_rows = list(range(len(prompts)))
    for _ in range(tries if keep else 1):
        answers = model.generate([prompts[row] for row in open_rows], sampling=sampling, rng=rng)
        for row, answer in zip(open_rows, answers, strict=True):
            if keep is None or keep(prompts[row], answer):
                found[row] = answer
        open_rows = [row for row in open_rows if found[row] is None]
        if not open_rows:
            break
    return found


def longest(table: TokenTable) -> int:
    """Tokens of the longest row, and a few more: how long fresh answers may be."""
    return int(np.bincount(table.row_of).max(initial=1)) + EXTRA_TOKENS
