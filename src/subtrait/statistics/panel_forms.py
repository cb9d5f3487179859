"""The forms of the panel statistic by name, so that whoever judges data sets can choose one or compare them all."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from subtrait.statistics.panel import Panel
from subtrait.statistics.scored_rows import Average, ScoredRows

Statistic = Callable[[Panel, ScoredRows, Average], NDArray[np.float64]]
"""Judges one data set by a panel: shape (..., hypotheses), as the average gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One way to compute a statistic for each hypothesis."""

    centre_rows: bool = False
    """Whether suspect and references are to be `row_centred` first."""
    pairs: bool = False
    """Whether rows are compared with rows on the same prompt, so that prompts must be shared."""
    statistic: Statistic


FORMS: Final[dict[str, Form]] = {
    "raw": Form(statistic=lambda _, data, average: average(data.scores)),
    "centred": Form(statistic=lambda panel, data, average: panel.centred(data, average)),
    "paired": Form(pairs=True, statistic=lambda panel, data, average: panel.paired(data, average)),
    "whitened": Form(statistic=lambda panel, data, average: panel.whitened(data, average)),
    "paired, whitened": Form(
        pairs=True, statistic=lambda panel, data, average: panel.whitened(data, average, paired=True)
    ),
    "row-centred": Form(centre_rows=True, statistic=lambda panel, data, average: panel.centred(data, average)),
    "row-centred, paired": Form(
        centre_rows=True, pairs=True, statistic=lambda panel, data, average: panel.paired(data, average)
    ),
}
"""Every form. Row-centred scores add up to zero over hypotheses, so they are not whitened."""
