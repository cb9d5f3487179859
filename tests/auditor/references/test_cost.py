"""What references cost is said before anything is built, and nothing where they are at hand."""

from dataclasses import replace

import pytest

from subtrait.auditor.audit import read_subject
from subtrait.auditor.audit_plan import design_of
from subtrait.auditor.references import cost as calibration_cost
from subtrait.auditor.references.cost import PLANTED_WORK, SURROGATE_ROWS, TRIED, announce_references, seconds_of_work


@pytest.fixture
def asked(tiny_audit, audited):
    """Design and setting of the tiny audit, and where its references are."""
    subject, _ = read_subject(tiny_audit.plan(audited.folder / "own.jsonl", audited.folder), announce=lambda _: None)
    return design_of(subject), subject.setting, audited.folder / "references"


@pytest.fixture
def clock(monkeypatch):
    """A clock on which writing a row takes a second, and judging it two."""
    readings = iter([0.0, 1.0 * TRIED, 3.0 * TRIED] * 9)
    monkeypatch.setattr(calibration_cost.time, "process_time", lambda: next(readings))
    monkeypatch.setattr(calibration_cost, "write", lambda *_, **__: [])
    monkeypatch.setattr(calibration_cost, "cumulative_gradients", lambda *_: None)


def test_the_estimate_is_rows_times_what_one_took(asked, clock):
    design, setting, _ = asked
    references = design.fit + design.calibration + PLANTED_WORK * design.planted
    expected = references * 80 * 3 + 3 * SURROGATE_ROWS * 2
    assert seconds_of_work(design, setting) == pytest.approx(expected)
    more = replace(design, calibration=design.calibration + 10)
    assert seconds_of_work(more, setting) == pytest.approx(expected + 10 * 80 * 3)


def test_what_must_be_built_is_said_with_its_cost(asked, clock, tmp_path):
    design, setting, _ = asked
    said = []
    announce_references(design, setting, tmp_path, said.append)
    minutes = round(seconds_of_work(design, setting) / 60)
    assert said == [
        "building 12 + 9 references, 2 planted data sets and surrogates of 3 traits: "
        f"about {minutes:,} minutes of one core, once for prompts of this kind"
    ]


def test_a_small_reference_is_really_tried(asked, tmp_path):
    design, setting, _ = asked
    said = []
    announce_references(replace(design, fit=2, calibration=0, planted=0, looks=(1,)), setting, tmp_path, said.append)
    assert "about 0 minutes" not in said[0]
    assert list(tmp_path.iterdir()) == []


def test_references_that_are_at_hand_are_said_to_serve(asked, clock):
    design, setting, root = asked
    said = []
    announce_references(design, setting, root, said.append)
    assert len(said) == 1
    assert said[0].startswith(f"references of an earlier audit serve: {root}")
