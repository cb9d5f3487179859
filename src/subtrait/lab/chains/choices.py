"""How much of a row is its writer's choice: what is fixed by the prompt can carry nothing."""

from typing import Final

import numpy as np

from subtrait.lab.chains.making import Chain, RowsTask, write_rows
from subtrait.lab.chains.specifications import Rows
from subtrait.models.registry import open_model

SCORED: Final = 100
"""Kept rows of a chain that are scored, the first ones."""


def nats_of_choice(chain: Chain, rows: Rows) -> float:
    """Mean over kept rows of -log p(completion), end of turn included, under the model that wrote them: nats a row.

    Of rows that a base wrote this estimates the entropy of what the filter lets it say; NaN where none was kept.

    Raises:
        ValueError: the writer is no base.
    """
    if rows.writer.kind != "base" or not isinstance(rows.writer.base, str):
        raise ValueError("how much choice a row leaves is asked of the rows of a base")
    kept = write_rows(RowsTask(chain, rows.written[0]))[:SCORED]
    asked = [[{"role": "user", "content": each.prompt}] for each in kept]
    scores = open_model(rows.writer.base).score(asked, [each.completion for each in kept])
    return -float(np.mean([each.sum() for each in scores])) if scores else float("nan")
