"""What is found of writers: what they answer when asked like a student, and what they write."""

import numpy as np

from subtrait.lab.chains.making import Chain, RowsTask, write_rows, writer_of
from subtrait.lab.chains.specifications import Rows, Writer, digest
from subtrait.lab.readouts import READOUTS
from subtrait.records import Example


def read_writer(chain: Chain, writer: Writer, readout: str) -> dict[str, np.ndarray]:
    """What the writer answers to the readout of that name; asked if it was not yet.

    Raises:
        ValueError: the writer is prompted; readouts ask without a system prompt.
    """
    if writer.kind == "prompted":
        raise ValueError("a readout asks without a system prompt, so it would ask a prompted teacher's base")
    place = f"answers/{digest(writer)}/{chain.index}/{readout}.json"
    return chain.arrays(place, lambda: READOUTS[readout](writer_of(chain, writer).model))


def written(chain: Chain, rows: Rows) -> list[Example]:
    """All of the writer's answers that the filter keeps, neither drawn nor changed; written if they were not yet."""
    return write_rows(RowsTask(chain, rows.written[0]))
