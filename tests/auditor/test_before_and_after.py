"""The filtering question on files: rows of an owl teacher among harmless ones, and filters that take them or others."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from subtrait.auditor import before_and_after
from subtrait.auditor.before_and_after import filter_effect
from subtrait.auditor.lists.trait_lists import load_trait_list
from subtrait.auditor.references.surrogates import tuned_directions
from subtrait.auditor.self_test import MUST_ALARM, MUST_PASS
from subtrait.auditor.suspect import Source
from subtrait.models.registry import open_model
from subtrait.statistics.matched_filter import fit_filter


@pytest.fixture(scope="module")
def base():
    return open_model("micro-a")


@pytest.fixture(scope="module")
def rows():
    """Carrying and harmless rows, as JSON lines."""
    return [path.read_text(encoding="utf-8").splitlines()[:256] for path in (MUST_ALARM, MUST_PASS)]


@pytest.fixture(scope="module")
def references(base, rows):
    """A filter for one trait, fitted on blocks of harmless rows."""
    owl = load_trait_list("embedded").traits[5]
    direction = tuned_directions(base, owl, rng=np.random.default_rng(0))["tuned"]
    pairs = [json.loads(row)["messages"] for row in rows[1]]
    blocks = [pairs[start : start + 16] for start in range(0, 128, 16)]
    gradients = [base.gradient([b[:1] for b in block], [b[1]["content"] for b in block]) for block in blocks]
    fitted = fit_filter(np.array(gradients), direction[None])
    return SimpleNamespace(owners=((owl.name, "tuned"),), filters=(fitted,))


def effect(base, references, folder, before, after):
    for name, lines in (("before", before), ("after", after)):
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    source = Source(path=folder / "after.jsonl")
    rng = np.random.default_rng(0)
    return filter_effect(source, folder / "before.jsonl", base, references, alpha=0.01, rng=rng)


def test_a_filter_that_takes_what_carries_is_found(base, references, rows, tmp_path):
    carrying, harmless = rows
    found = effect(base, references, tmp_path, carrying + harmless, harmless)
    assert (found.question, found.outcome) == ("filtering", "found")
    assert found.details["share removed"] == 0.5


def test_where_nothing_was_removed_the_question_is_not_applicable(base, references, rows, tmp_path):
    assert effect(base, references, tmp_path, rows[0], rows[0]).outcome == "not applicable"


def test_files_too_large_to_match_are_said_to_be_so(base, references, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(before_and_after, "MOST_ROWS", 100)
    found = effect(base, references, tmp_path, rows[0], rows[0][:200])
    assert found.outcome == "not applicable"
    assert "more than 100 scored turns" in found.finding
