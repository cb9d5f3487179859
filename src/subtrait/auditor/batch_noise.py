"""What rounding does to the scores of an audit: of more rows where the base is not computed in float32."""

from collections.abc import Sequence
from typing import Final

from subtrait.models.huggingface import HuggingFaceModel
from subtrait.records import Evidence
from subtrait.scoring.noise_floor import noise_floor
from subtrait.scoring.rows import TextPair

ROWS: Final = 64
FEW: Final = 16
"""Rows of a base in float32, of which little is expected."""
SMALLEST: Final = 1e-4
"""Nats per token: what float32 keeps to."""


def batch_noise(base: HuggingFaceModel, pairs: Sequence[TextPair]) -> list[Evidence]:
    """How far scores of the same rows lie apart in other batches; nothing where there are no rows."""
    dtype = base.network.dtype
    rows = pairs[: FEW if dtype == "float32" else ROWS]
    if not rows:
        return []
    floor = noise_floor(base, rows)
    apart = f"by {floor.mean:.2g} nats per token in the mean and {floor.largest:.2g} at most"
    return [
        Evidence(
            question="noise",
            outcome="found" if floor.largest > SMALLEST else "not found",
            finding=f"in {dtype}, scores of the same rows in other batches differ {apart}",
            statistic=floor.largest,
            n=floor.rows,
            details={"largest": floor.largest, "mean": floor.mean},
            assumes="that rounding does to other rows what it does to these",
            blind_spots="differences between machines and versions of libraries, which are larger",
        )
    ]
