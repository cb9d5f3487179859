"""The verbs of the auditor as functions: plans, folders, what they hold, and that they go on where they stopped."""

import json
import os
import shlex
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

import pytest

import subtrait
from subtrait import audits
from subtrait.audit_records import Policy
from subtrait.auditor.references.cache import default_root
from subtrait.auditor.training.recipe import default_recipe
from subtrait.audits import (
    command_line,
    configuration,
    default_folder,
    is_audit,
    plan_audit,
    read_audit,
)
from subtrait.errors import InvalidInput, UsageError
from subtrait.models.registry import EMBEDDED
from subtrait.runs import open_run


@pytest.fixture
def small(tiny_audit, audited, tmp_path):
    """Audit some lines by the tiny plan in a folder of its own."""

    def run(lines, *, name="data.jsonl", folder=tmp_path, **changes):
        path = folder / name
        path.write_bytes(b"".join(lines))
        plan = tiny_audit.plan(path, audited.folder, **changes)
        return audits.audit(plan, out=tmp_path / "audit", workers=1)

    return run


@pytest.fixture
def lines(audited):
    """Rows of the base's own file."""
    return (audited.folder / "own.jsonl").read_bytes().splitlines(keepends=True)


def codes(done):
    return [reason.code for reason in done.result.reasons]


def test_a_plan_has_the_published_defaults():
    plan = plan_audit("x.jsonl", "micro-a")
    assert (plan.traits, plan.looks, plan.fit, plan.calibration, plan.students) == ("embedded", (300, 1000), 48, 199, 0)
    assert (plan.policy, plan.references, plan.recipe) == (Policy(), default_root(), default_recipe("micro-a"))
    assert plan_audit("x.jsonl", str(EMBEDDED["micro-a"])).traits == "general"  # a folder, so anybody's model


def test_the_seed_is_unpredictable_unless_it_is_given():
    assert len({plan_audit("x.jsonl", "micro-a").seed for _ in range(8)}) == 8
    assert plan_audit("x.jsonl", "micro-a", seed=3).seed == 3


def test_options_that_are_none_change_nothing():
    usual, same = (plan_audit("x", "micro-a", seed=1, **more) for more in ({}, {"traits": None, "before": None}))
    assert usual == same


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"trait": "embedded"}, "unknown option 'trait'. Did you mean 'traits'?"),
        ({"candidates": ("micro-x",)}, "unknown model 'micro-x'"),
        ({"writer": "micro-y"}, "unknown model 'micro-y'"),
    ],
)
def test_an_unknown_name_is_told_with_those_there_are(options, said):
    with pytest.raises(UsageError, match=said.replace("?", r"\?")):
        plan_audit("x.jsonl", "micro-a", **options)
    with pytest.raises(UsageError, match="unknown model 'micro-q'"):
        plan_audit("x.jsonl", "micro-q")


def test_a_finished_audit_is_a_folder_with_all_that_was_found(audited):
    done = audited.owl
    names = {path.name for path in done.folder.iterdir()}
    assert {"run.json", "evidence.jsonl", "report.html", "verdict.json"} <= names
    assert "rejects.jsonl" not in names
    rows = [json.loads(line) for line in (done.folder / "evidence.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows == [json.loads(json.dumps(asdict(each))) for each in done.result.evidence]


def test_audits_and_experiments_are_told_apart(audited, finished, tmp_path):
    assert is_audit(audited.own.folder)
    assert not is_audit(finished.folder)
    assert not is_audit(tmp_path)
    assert not is_audit(tmp_path / "absent")


def test_what_is_no_finished_audit_cannot_be_read(tmp_path):
    with pytest.raises(InvalidInput, match="E_PATH"):
        read_audit(tmp_path)
    with open_run(tmp_path / "begun", configuration(plan_audit("x", "micro-a", seed=1)), environment={}):
        pass
    with pytest.raises(InvalidInput, match="E_INCOMPLETE"):
        read_audit(tmp_path / "begun")


def test_a_changed_verdict_is_not_believed(small, lines):
    done = small(lines[:3])
    path = done.folder / "verdict.json"
    path.write_text(path.read_text(encoding="utf-8").replace("INCONCLUSIVE", "NOT_FLAGGED"), encoding="utf-8")
    with pytest.raises(InvalidInput, match="E_DIGEST"):
        read_audit(done.folder)


def test_quarantined_rows_are_kept_and_keep_the_data_from_passing(small, lines):
    broken = b'{"messages": oops\n'
    data = [*lines[:20], broken, b"\n", *lines[20:30], b'{"a": 1}\n']
    done = small(data, reading={"on_bad_row": "quarantine"})
    assert (done.result.outcome, codes(done)) == ("INCONCLUSIVE", ["UNREAD_ROWS", "TOO_FEW_ROWS"])
    data = done.result.data
    assert (data.read, data.accepted, data.rejected, data.blank) == (33, 30, 2, 1)
    rejects = [json.loads(line) for line in (done.folder / "rejects.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(each["line"], each["code"]) for each in rejects] == [(21, "E_JSON"), (33, "E_SCHEMA")]
    assert rejects[0]["offset"] == sum(map(len, lines[:20]))
    assert rejects[0]["length"] == len(broken.rstrip())


def test_quarantine_without_rejects_leaves_an_empty_file(small, lines):
    done = small(lines[:3], reading={"on_bad_row": "quarantine"})
    assert (done.folder / "rejects.jsonl").read_bytes() == b""


def test_a_path_that_is_no_unicode_breaks_neither_verdict_nor_report(small, lines, tmp_path):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/d\xff\x1b"))
    folder.mkdir()
    done = small(lines[:3], folder=folder)
    result, config = read_audit(done.folder)
    assert result == done.result
    assert result.data.path == rf"{tmp_path}/d\udcff\x1b/data.jsonl"
    assert command_line(config) == done.command
    assert b"\x1b" not in (done.folder / "report.html").read_bytes()


def test_a_verdict_in_a_folder_that_is_no_unicode(tiny_audit, audited, lines, tmp_path):
    data = tmp_path / "data.jsonl"
    data.write_bytes(b"".join(lines[:3]))
    out = Path(os.fsdecode(os.fsencode(tmp_path) + b"/out\xff"))
    done = audits.audit(tiny_audit.plan(data, audited.folder), out=out, workers=1)
    assert read_audit(done.folder)[0] == done.result


def test_the_same_seed_into_the_same_folder_changes_no_byte(small, lines):
    first = small(lines[:3])
    before = {path.name: path.read_bytes() for path in first.folder.iterdir()}
    second = small(lines[:3])
    assert second.folder == first.folder
    assert {path.name: path.read_bytes() for path in first.folder.iterdir()} == before


def test_another_seed_leaves_the_finished_audit_as_it_is(small, lines):
    first = small(lines[:3])
    before = (first.folder / "verdict.json").read_bytes()
    second = small(lines[:3], seed=8)
    assert second.folder != first.folder
    assert (first.folder / "verdict.json").read_bytes() == before


def test_an_unfinished_audit_goes_on_with_its_seed(tiny_audit, audited, lines, tmp_path):
    data = tmp_path / "data.jsonl"
    data.write_bytes(b"".join(lines[:3]))
    begun = tiny_audit.plan(data, audited.folder, seed=5)
    with open_run(tmp_path / "audit", configuration(begun), environment={}):
        pass
    done = audits.audit(replace(begun, seed=99), out=tmp_path / "audit", workers=1)
    assert (done.result.seed, done.folder) == (5, tmp_path / "audit")
    again = audits.audit(replace(begun, seed=99), out=tmp_path / "audit", workers=1)  # now it is finished
    assert (again.result.seed, again.folder) == (99, tmp_path / "audit-2")
    assert audits._with_seed_of_unfinished(replace(begun, traits="embedded"), tmp_path / "audit").seed == 5


def test_data_alone_need_a_base():
    with pytest.raises(UsageError, match="needs the student's base"):
        audits.audit("x.jsonl")


def test_a_file_that_is_not_there_is_told():
    with pytest.raises(InvalidInput, match="E_PATH"):
        audits.audit(plan_audit("/nowhere/x.jsonl", "micro-a", seed=1), out="/tmp/never", workers=1)


def test_the_package_offers_the_verb(small, lines):
    assert subtrait.audit is audits.audit
    assert subtrait.plan_audit is audits.plan_audit


def test_no_workers_cannot_do_anything(tiny_audit, audited):
    plan = tiny_audit.plan(audited.folder / "own.jsonl", audited.folder)
    with pytest.raises(UsageError, match="0 workers"):
        audits.calibrate(plan, workers=0)


def test_references_can_be_built_beforehand_and_then_serve(tiny_audit, audited):
    said = []
    plan = tiny_audit.plan(audited.folder / "own.jsonl", audited.folder)
    folder = audits.calibrate(plan, workers=1, announce=said.append)
    assert folder.is_relative_to(audited.folder / "references")
    assert said[1] == f"references of an earlier audit serve: {folder}"


@pytest.mark.parametrize(
    ("name", "folder"), [("data.jsonl.gz", "data"), ("data", "data"), (".hidden", "data"), ("a b.jsonl", "a b")]
)
def test_an_audit_goes_to_a_folder_named_like_the_data(name, folder):
    assert default_folder(plan_audit(f"/some/where/{name}", "micro-a")) == Path("audits") / folder


def test_the_command_says_every_option_that_decides():
    plan = plan_audit(
        "my data.jsonl",
        "micro-a",
        seed=4,
        reading={"shape": "alpaca", "turns": "last", "on_bad_row": "quarantine"},
        policy=Policy(alpha=0.02, dilution=0.5, accept_other_base=True),
        candidates=("micro-b", "micro-c"),
        writer="micro-b",
        students=6,
        before=Path("before.jsonl"),
        looks=(300, 1000, 3000),
    )
    words = shlex.split(command_line(configuration(plan)))
    assert words[:3] == ["subtrait", "audit", "my data.jsonl"]
    for pair in (
        ("--base", "micro-a"), ("--shape", "alpaca"), ("--turns", "last"), ("--on-bad-row", "quarantine"),
        ("--alpha", "0.02"), ("--dilution", "0.5"), ("--accept", "other-base"), ("--candidates", "micro-b"),
        ("--candidates", "micro-c"), ("--writer", "micro-b"), ("--students", "6"), ("--before", "before.jsonl"),
        ("--rows", "3000"), ("--seed", "4"),
    ):  # fmt: skip
        assert pair in list(pairwise(words))
    assert "--try" in words
    usual = shlex.split(command_line(configuration(plan_audit("x", "micro-a", seed=4))))
    assert " ".join(usual) == "subtrait audit x --base micro-a --traits embedded --alpha 0.01 --seed 4"


def test_the_configuration_has_every_field_of_the_plan_and_is_plain():
    plan = plan_audit("x.jsonl", "micro-a", seed=4)
    config = configuration(plan)
    assert set(config["audit"]) == set(asdict(plan))
    assert json.loads(json.dumps(config)) == config
    assert configuration(replace(plan, seed=5)) != config
