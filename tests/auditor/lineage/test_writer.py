"""Lineage is asked where the writer is named, and says what the comparison of the two checkpoints says."""

import numpy as np
import pytest

from subtrait.auditor.lineage.shared_base import compare_checkpoints
from subtrait.auditor.lineage.writer import writer_lineage
from subtrait.errors import UsageError
from subtrait.models.registry import folder_of


def asked(writer, base="micro-a"):
    return writer_lineage(base, writer, alpha=0.01, rng=np.random.default_rng(0))


def test_without_a_writer_the_question_is_not_asked():
    found = asked(None)
    assert (found.question, found.outcome, found.p) == ("lineage", "not applicable", None)
    assert "--writer" in found.finding


@pytest.mark.parametrize(("writer", "outcome"), [("micro-a", "found"), ("micro-b", "not found")])
def test_the_answer_is_that_of_the_two_checkpoints_and_p_the_smallest_of_their_tests(writer, outcome):
    found = asked(writer)
    rng = np.random.default_rng(0)
    compared = compare_checkpoints(folder_of("micro-a"), folder_of(writer), rng=rng, alpha=0.01)
    assert found.outcome == outcome
    assert found.finding == f"micro-a and {writer}: {compared.outcome}: {compared.reason}"
    assert found.p == min((each.p for each in compared.evidence if each.p is not None), default=None)


def test_an_unknown_writer_is_a_slip_of_the_call():
    with pytest.raises(UsageError, match="unknown model 'micro-x'"):
        asked("micro-x")
