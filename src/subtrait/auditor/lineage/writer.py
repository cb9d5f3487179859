"""Lineage as a question of an audit: does the student's base share its origin with the model that wrote the rows?

Asked where the writer is named. Null, statistic, assumptions and blind spots are those of `shared_base.py`; where
the two are the same checkpoint, nothing need be tested.
Sample finding: micro-a and its-tuned-copy: same base: hidden units in the same place: alignment 0.945.
"""

import numpy as np

from subtrait.auditor.lineage.shared_base import compare_checkpoints
from subtrait.models.registry import folder_of
from subtrait.records import Evidence, EvidenceOutcome

ASSUMES = "the named model wrote the rows, and its files are those of that model"
BLIND_SPOTS = "who hides a common base by rotating or reordering weights; writers that behave like the base"
OUTCOMES: dict[str, EvidenceOutcome] = {
    "same base": "found",
    "different base": "not found",
    "cannot tell": "underpowered",
}


def writer_lineage(base: str, writer: str | None, *, alpha: float, rng: np.random.Generator) -> Evidence:
    """Whether `writer` shares the base; `found` says that it does, so that hidden traits may carry over.

    Raises:
        UsageError: an unknown model.
        InvalidInput: a checkpoint cannot be accepted.
    """
    if writer is None:
        return _evidence("not applicable", "nobody said which model wrote the rows; name it with --writer")
    found = compare_checkpoints(folder_of(base), folder_of(writer), rng=rng, alpha=alpha)
    tests = [each.p for each in found.evidence if each.p is not None]
    finding = f"{base} and {writer}: {found.outcome}: {found.reason}"
    return _evidence(OUTCOMES[found.outcome], finding, p=min(tests, default=None))


def _evidence(outcome: EvidenceOutcome, finding: str, *, p: float | None = None) -> Evidence:
    return Evidence(question="lineage", outcome=outcome, finding=finding, p=p, assumes=ASSUMES, blind_spots=BLIND_SPOTS)
