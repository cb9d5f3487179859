"""Rows that cannot be accepted, set aside where the user asked for that, and listed when all is read."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from subtrait.auditor.suspect import Source
from subtrait.data import Reject
from subtrait.errors import InvalidInput
from subtrait.runs.folder import RunFolder

REJECTS: Final = "rejects.jsonl"
MOST_REJECTS: Final = 100_000
"""Rows that are quarantined before data count as something else altogether."""


class Quarantine:
    """The rows that were set aside so far."""

    def __init__(self, path: Path) -> None:
        """`path` of the data, for the error."""
        self.path = path
        self.rows: list[dict[str, Any]] = []

    def take(self, reject: Reject) -> None:
        """Set a row aside.

        Raises:
            InvalidInput: E_REJECTS, there are `MOST_REJECTS` already.
        """
        if len(self.rows) >= MOST_REJECTS:
            what = f"more than {MOST_REJECTS:,} rows cannot be accepted: these are data of another shape"
            raise InvalidInput("E_REJECTS", self.path, what, hint="name the shape with --shape")
        self.rows.append(reject.as_row())


def set_aside(source: Source) -> Source:
    """The source as it is read where nothing is written: rows that cannot be accepted are set aside and not listed."""
    return replace(source, rejects=Quarantine(source.path).take)


@contextmanager
def quarantined(source: Source, store: RunFolder) -> Iterator[Source]:
    """The source as it is to be read inside; rows that were set aside are listed in the store at the end."""
    if source.on_bad_row != "quarantine":
        yield source
        return
    aside = Quarantine(source.path)
    yield replace(source, rejects=aside.take)
    store.publish(REJECTS, "".join(json.dumps(each) + "\n" for each in aside.rows))
