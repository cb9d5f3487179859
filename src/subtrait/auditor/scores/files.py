"""Scores that were computed elsewhere, from a file of any of the formats that are read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from subtrait.auditor.scores.archive import CODE, Scores, read_archive
from subtrait.auditor.scores.table import read_table
from subtrait.data.limits import Limits
from subtrait.data.opening import DataFile, OpenFile, open_file
from subtrait.data.readers import READERS, suffix_of
from subtrait.errors import InvalidInput
from subtrait.statistics.scored_rows import ScoredRows

ARCHIVE: Final = ".npz"
MOST_BYTES: Final = 2**30
"""Of an archive, which is read as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoreFile:
    """Data sets, each row scored under every hypothesis."""

    path: str
    """As the user wrote it."""
    digest: str
    """SHA-256 of the bytes that were parsed."""
    hypotheses: tuple[str, ...]
    data: tuple[ScoredRows, ...]


def read_scores(path: Path, limits: Limits = Limits()) -> ScoreFile:  # noqa: B008 - frozen
    """The scores in a file: `.npz` as `archive` describes it, else a table as `table` does.

    Raises:
        InvalidInput: `E_SCORES` with array, or row and field, as the two say, and where a hypothesis has no score in a
            data set or fewer than two of its rows have all scores; E_FORMAT for another ending; E_LIMIT, E_BOMB, E_PATH
            and what else a file can be.
        MissingExtra: Parquet, without the package that reads it.
        StorageError: the disk cannot be read.
    """
    if suffix_of(path.name) is None and path.suffix.lower() != ARCHIVE:
        hint = f"name it by what it is: {', '.join((ARCHIVE, *READERS))}"
        raise InvalidInput("E_FORMAT", path, "the ending of the name says no known format", hint=hint)
    with open_file(DataFile(path.parent, path.name), limits) as opened:
        hypotheses, data = (
            _from_archive(opened, limits) if path.suffix.lower() == ARCHIVE else read_table(opened, limits)
        )
        digest = opened.sha256
    for each in data:
        _check_scores(each, hypotheses, path)
    return ScoreFile(path=str(path), digest=digest, hypotheses=hypotheses, data=tuple(data))


def _from_archive(opened: OpenFile, limits: Limits) -> Scores:
    if opened.size > MOST_BYTES:
        what = f"{opened.size:,} bytes, at most {MOST_BYTES:,} are read"
        raise InvalidInput("E_LIMIT", opened.file.shown, what, hint="leave out rows or hypotheses")
    return read_archive(b"".join(opened.chunks()), opened.file.shown, limits)


def _check_scores(data: ScoredRows, hypotheses: tuple[str, ...], path: Path) -> None:
    missing = np.isnan(data.scores)
    where = f"{path} dataset={data.name:.200}"
    if missing.all(axis=0).any():
        name = hypotheses[int(np.flatnonzero(missing.all(axis=0))[0])]
        raise InvalidInput(
            CODE, f"{where} hypothesis={name:.200}", "no row has a score", hint="leave the hypothesis out"
        )
    whole = int((~missing.any(axis=1)).sum())
    if whole < 2:
        what = f"{whole} of {len(missing)} rows have every score; at least 2 are needed"
        raise InvalidInput(CODE, where, what, hint="leave the data set out, or score its rows")
