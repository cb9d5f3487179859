"""Untrusted bytes into examples: formats, shapes, limits. Nothing that is read is ever executed."""

from subtrait.data.chat_rows import ChatRow, DatasetSummary, Pair, Tally
from subtrait.data.dataset import Reading, read_dataset
from subtrait.data.flaws import Reject
from subtrait.data.limits import Limits
from subtrait.data.sampling import sample_rows
from subtrait.data.shapes import SHAPES

__all__ = [
    "SHAPES",
    "ChatRow",
    "DatasetSummary",
    "Limits",
    "Pair",
    "Reading",
    "Reject",
    "Tally",
    "read_dataset",
    "sample_rows",
]
