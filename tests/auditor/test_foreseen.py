"""An audit is foreseen in the lines in which it announces itself, with the same costs, and nothing is written."""

import shutil
from dataclasses import replace

import pytest

from subtrait import audits
from subtrait.auditor import foreseen
from subtrait.auditor.audit import read_subject
from subtrait.auditor.audit_plan import design_of
from subtrait.auditor.foreseen import foresee
from subtrait.auditor.references import cost
from subtrait.auditor.references.cost import SURROGATE_ROWS, Rates, announce_references
from subtrait.auditor.references.reckoning import reckoned_rates
from subtrait.auditor.traits import EXACT_ROWS, FINALISTS
from subtrait.errors import InvalidInput, UsageError
from subtrait.models.registry import EMBEDDED

RATES = Rates(writing=1.0, judging=2.0)


@pytest.fixture
def plan(tiny_audit, audited):
    return tiny_audit.plan(audited.folder / "own.jsonl", audited.folder)


@pytest.fixture
def rates(monkeypatch):
    """A machine that writes a row in a second and judges one in two."""
    for module in (cost, foreseen):
        monkeypatch.setattr(module, "tried", lambda *_: RATES)


def files(*folders):
    return {path: path.stat().st_mtime_ns for folder in folders for path in folder.rglob("*")}


def silent(_):
    pass


def test_with_references_at_hand_it_is_foreseen_what_an_audit_said(plan, audited):
    told = []
    found = foresee(plan, announce=told.append)
    assert [*told, *found.lines] == [line for line in audited.told[4:] if not line.startswith("asking who")]
    assert found.lines[0].startswith("references of an earlier audit serve: ")
    assert not found.from_sizes
    assert found.bytes_of_memory > 2**27


def test_references_that_must_be_built_are_foreseen_at_the_cost_that_the_audit_names(plan, rates, tmp_path):
    plan, said = replace(plan, references=tmp_path / "none"), []
    subject, _ = read_subject(plan, announce=silent)
    announce_references(design_of(subject), subject.setting, plan.references, said.append)
    found = foresee(plan, announce=silent)
    assert [found.lines[0]] == said
    assert said[0].startswith("building 12 + 9 references")
    assert found.seconds - foresee(replace(plan, fit=0, calibration=0, planted=0), announce=silent).seconds == (
        pytest.approx((12 + 9 + cost.PLANTED_WORK * 2) * 80 * 3)
    )


def test_the_time_is_that_of_references_questions_and_students(plan, rates, tmp_path):
    found = foresee(replace(plan, references=tmp_path / "none"), announce=silent)
    references = (12 + 9 + cost.PLANTED_WORK * 2) * 80 * 3 + 3 * SURROGATE_ROWS * 2
    asked = 80 + FINALISTS * (SURROGATE_ROWS + EXACT_ROWS)
    runs = 2 * 6 * 2 * 16  # of two steps of 16 rows, six on either side
    assert found.seconds == pytest.approx(references + 110 * 1 + (asked + runs) * 2)
    alone = foresee(replace(plan, references=tmp_path / "none"), announce=silent, references_only=True)
    assert (alone.seconds, alone.lines) == (pytest.approx(references), found.lines[:1])


def test_students_of_a_trial_are_foreseen_too(plan, rates):
    without, tried = (foresee(replace(plan, students=count), announce=silent) for count in (0, 6))
    said = "training 6 throwaway students on shards of the rows, and 6 beside them"
    assert tried.lines == (*without.lines, said)
    assert tried.seconds == without.seconds  # 110 rows are too few for six shards, as the trial itself will say


def test_nothing_is_written(plan, audited, here, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = files(tmp_path, audited.folder)
    foresee(plan, announce=silent)
    foresee(replace(plan, references=tmp_path / "none", students=6), announce=silent)
    audits.foresee(plan, references_only=True)
    assert files(tmp_path, audited.folder) == before
    assert list(here.iterdir()) == []


def test_too_few_rows_are_foreseen_and_no_model_is_asked(plan, tmp_path, monkeypatch):
    monkeypatch.setattr(foreseen, "setting_of", None)
    few = tmp_path / "few.jsonl"
    few.write_bytes(b"".join(plan.source.path.read_bytes().splitlines(keepends=True)[:3]))
    told = []
    found = foresee(replace(plan, source=replace(plan.source, path=few)), announce=told.append)
    assert found.lines == ("3 different rows are too few: 40 are needed; nothing more would be asked",)
    assert (found.seconds, told) == (0.0, ["3 rows in = 3 accepted + 0 rejected + 0 blank"])


def test_a_base_that_writes_no_such_rows_is_foreseen(plan, tmp_path, monkeypatch):
    monkeypatch.setattr(foreseen, "writes_enough", lambda *_, **__: False)
    (line,) = foresee(replace(plan, references=tmp_path / "none"), announce=silent).lines
    assert "hardly ever pass the filter 'numbers'" in line


def test_a_base_of_one_s_own_is_reckoned_from_its_sizes_and_not_loaded(plan, tmp_path, monkeypatch):
    own = shutil.copytree(EMBEDDED["micro-b"], tmp_path / "mine")
    subject, _ = read_subject(plan, announce=silent)
    for module in (foreseen, cost):
        monkeypatch.setattr(module, "tried", None)
    monkeypatch.setattr(foreseen, "setting_of", None)
    monkeypatch.setattr(foreseen, "reckoned_rates", lambda base, pairs: RATES)
    found = foresee(replace(plan, base=str(own)), announce=silent)
    assert found.from_sizes
    assert found.lines[0].endswith("once for prompts of this kind, unless an earlier audit did")
    assert found.bytes_of_memory > 2**30
    assert reckoned_rates(str(own), subject.suspect.pairs).judging > 0


def test_what_an_audit_refuses_is_refused(plan, tmp_path):
    with pytest.raises(UsageError, match="gives no gradients"):
        foresee(replace(plan, base="http://127.0.0.1:1/v1#m=micro-a"), announce=silent)
    with pytest.raises(InvalidInput, match="E_PATH"):
        foresee(replace(plan, source=replace(plan.source, path=tmp_path / "absent.jsonl")), announce=silent)
