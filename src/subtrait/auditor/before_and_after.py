"""The filtering question of an audit: the data before and after a filter are read, and blocks of both scored."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from subtrait.auditor.filtering import ASSUMES, BLIND_SPOTS, Split, left_with_removed, split_rows
from subtrait.auditor.references.calibration import References
from subtrait.auditor.suspect import Source
from subtrait.data import read_dataset
from subtrait.models.huggingface import HuggingFaceModel
from subtrait.records import Evidence
from subtrait.scoring.rows import TextPair

MOST_ROWS: Final = 200_000
"""Rows of a file that are matched in memory."""
JUDGED: Final = 4_000
"""Rows of either group that are scored, drawn at random."""


def filter_effect(
    source: Source,
    before: Path,
    base: HuggingFaceModel,
    references: References,
    *,
    alpha: float,
    rng: np.random.Generator,
) -> Evidence:
    """Whether the rows that a filter removed carried more than those it kept.

    Raises:
        InvalidInput: a row of either file cannot be accepted.
    """
    rows_before, rows_after = (_pairs(replace(source, path=path)) for path in (before, source.path))
    if rows_before is None or rows_after is None:
        finding = f"files of more than {MOST_ROWS:,} scored turns are not matched row by row"
        return _not_applicable(finding)
    split = split_rows(rows_before, rows_after)
    judged = Split(kept=_some(split.kept, rng), removed=_some(split.removed, rng), added=split.added)
    names = [trait for trait, kind in references.owners if kind == "tuned"]
    columns = [place for place, (_, kind) in enumerate(references.owners) if kind == "tuned"]

    def score(block: Sequence[TextPair]) -> np.ndarray:
        gradient = base.gradient([prompt for prompt, _ in block], [said for _, said in block])
        scores: np.ndarray = references.filters[-1].scores(gradient)[columns]
        return scores

    return left_with_removed(judged, score, traits=names, rng=rng, alpha=alpha)


def _pairs(source: Source) -> list[TextPair] | None:
    """All scored turns of a file; None where there are too many to hold."""
    found: list[TextPair] = []
    on_bad_row, rejects = ("quarantine", _dropped) if source.on_bad_row == "quarantine" else ("stop", None)
    rows = read_dataset(source.path, shape=source.shape, turns=source.turns, on_bad_row=on_bad_row, rejects=rejects)  # type: ignore[arg-type]
    for row in rows:
        found += row.pairs()
        if len(found) > MOST_ROWS:
            return None
    return found


def _dropped(_: object) -> None:
    """Rejects of the audited file are collected elsewhere; those of the file before it are only left out."""


def _some(rows: Sequence[TextPair], rng: np.random.Generator) -> tuple[TextPair, ...]:
    return tuple(rows[int(place)] for place in rng.permutation(len(rows))[:JUDGED])


def _not_applicable(finding: str) -> Evidence:
    return Evidence(
        question="filtering", outcome="not applicable", finding=finding, assumes=ASSUMES, blind_spots=BLIND_SPOTS
    )
