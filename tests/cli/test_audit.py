"""`subtrait audit` as it is typed: exit codes, what is printed where, and every slip in one line."""

import json
import os
import re

import pytest

from subtrait import audits
from subtrait.audit_records import Policy
from subtrait.report.audit_formats import FORMATS

AUDIT = ("audit", "data.jsonl", "--base", "micro-a")

pytestmark = pytest.mark.usefixtures("here")


@pytest.fixture
def tiny(tiny_audit, audited, here, monkeypatch):
    """Make `subtrait audit` a tiny one: its plan has small sizes and finished references."""
    usual = audits.plan_audit

    def install(name, count=None, **changes):
        rows = (audited.folder / f"{name}.jsonl").read_bytes().splitlines(keepends=True)[:count]
        (here / "data.jsonl").write_bytes(b"".join(rows))

        def small(data, base, **options):
            sizes = {**tiny_audit.SIZES, "seed": 7, "recipe": tiny_audit.RECIPE}
            places = {"traits": str(audited.folder / "traits.yaml"), "references": audited.folder / "references"}
            return usual(data, base, **{**options, **sizes, **places, "policy": tiny_audit.POLICY, **changes})

        monkeypatch.setattr(audits, "plan_audit", small)

    return install


def flat(text):
    return re.sub(r"\s+", " ", text)


def test_flagged_rows_end_with_1_and_the_reason(typed, tiny, here):
    tiny("owl")
    code, output, errors = typed(*AUDIT, "--workers", 1)
    assert code == 1
    assert output.startswith("FLAGGED")
    assert "TRAIT_FOUND: 'owl' explains 80 rows better" in flat(output)
    assert "110 rows in = 110 accepted + 0 rejected + 0 blank" in errors
    assert "references of an earlier audit serve" in errors
    assert f"Report: {here / 'audits/data/report.html'}" in errors
    assert json.loads((here / "audits/data/verdict.json").read_text(encoding="utf-8"))["outcome"] == "FLAGGED"


def test_rows_in_which_nothing_is_found_end_with_0(typed, tiny):
    tiny("own", policy=Policy(alpha=0.2, fewest_rows=40, accept_other_base=True))
    code, output, _ = typed(*AUDIT, "--workers", 1)
    assert (code, output.split(":")[0]) == (0, "NOT_FLAGGED")
    assert "NOTHING_FOUND: no listed trait was found at a false-alarm rate of 0.2" in flat(output)


@pytest.mark.parametrize("more", [(), ("--try",), ("--calibrate",)])
def test_a_dry_run_says_what_would_be_done_and_writes_nothing(typed, tiny, here, more):
    tiny("owl")
    code, output, errors = typed(*AUDIT, *more, "--dry-run", "--workers", 2)
    assert code == 0
    assert output.startswith("audit of data.jsonl: base micro-a, traits ")
    assert "110 rows in = 110 accepted + 0 rejected + 0 blank" in errors
    assert "  references of an earlier audit serve: " in output
    assert ("throwaway students, and 6 beside them" in output) == ("--calibrate" not in more)
    assert ("training 6 throwaway students" in output) == ("--try" in more)
    assert re.search(r"\n  time    about \d+\.\d min with 2 worker\(s\)\n  memory  about \d\.\d GiB\n", output)
    assert output.endswith("Nothing was written. Leave out --dry-run to start.\n")
    assert [path.name for path in here.iterdir()] == ["data.jsonl"]


def test_a_dry_run_refuses_data_as_an_audit_does(typed, tiny, here):
    tiny("own")
    (here / "data.jsonl").write_bytes(b"{oops\n")
    code, _, errors = typed(*AUDIT, "--dry-run")
    assert code == 4
    assert errors.splitlines()[-1].startswith("INVALID_INPUT E_JSON")


def test_too_few_rows_end_with_3(typed, tiny):
    tiny("own", count=3)
    code, output, errors = typed(*AUDIT, "--workers", 1)
    assert code == 3
    assert output.startswith("INCONCLUSIVE")
    assert "TOO_FEW_ROWS: 3 different rows" in flat(output)
    assert "3 rows in = 3 accepted + 0 rejected + 0 blank" in errors


def test_a_broken_byte_ends_with_4_and_its_line_and_leaves_no_verdict(typed, tiny, here):
    tiny("own")
    data = (here / "data.jsonl").read_bytes()
    rows = data.splitlines(keepends=True)
    rows[6] = b"\x00" + rows[6][1:]
    (here / "data.jsonl").write_bytes(b"".join(rows))
    code, output, errors = typed(*AUDIT, "--workers", 1)
    assert (code, output) == (4, "")
    assert errors.splitlines()[-1].startswith("INVALID_INPUT E_")
    assert "data.jsonl:7" in errors
    assert "Traceback" not in errors
    assert not list(here.rglob("verdict.json"))


def test_quarantined_rows_are_counted_and_keep_the_data_from_passing(typed, tiny, here):
    tiny("own", count=3)
    with (here / "data.jsonl").open("ab") as data:
        data.write(b"{oops\n\n")
    code, output, errors = typed(*AUDIT, "--on-bad-row", "quarantine", "--workers", 1)
    assert code == 3
    assert "UNREAD_ROWS: 1 rows (25.0%) could not be parsed" in flat(output)
    assert "5 rows in = 3 accepted + 1 rejected + 1 blank" in errors
    assert '"line": 4' in (here / "audits/data/rejects.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("audit",), "say which data, and the student's base"),
        (("audit", "data.jsonl"), "say which data, and the student's base"),
        (("audit", "data.jsonl", "--base", "micro-x"), "unknown model 'micro-x'. Did you mean 'micro-"),
        ((*AUDIT, "--traits", "genral"), "unknown trait list 'genral'. Did you mean 'general'?"),
        ((*AUDIT, "--traits", "absent.yaml"), "no trait list at absent.yaml"),
        ((*AUDIT, "--candidates", "micro-y"), "unknown model 'micro-y'"),
        ((*AUDIT, "--writer", "micro-z"), "unknown model 'micro-z'"),
        ((*AUDIT, "--format", "pdf"), "unknown format 'pdf'. Available: html, json, junit, sarif, text"),
        ((*AUDIT, "--accept", "anything"), "unknown thing to accept 'anything'. Available: other-base"),
        ((*AUDIT, "--students", "6"), "--students is for --try: give both"),
        ((*AUDIT, "--try", "--students", "5"), "5 students a side: a trial takes 6 or more"),
        ((*AUDIT, "--alpha", "0"), "alpha is 0.0: give a number above 0"),
        ((*AUDIT, "--alpha", "1"), "alpha is 1: everything would be flagged"),
        ((*AUDIT, "--dilution", "2"), "dilution is 2.0"),
        ((*AUDIT, "--rows", "500"), "--rows is 500: give 1000 or 3000"),
        ((*AUDIT, "--policy", "absent.yaml"), "no policy file at absent.yaml"),
        ((*AUDIT, "--recipe", "absent.yaml"), "no recipe file at absent.yaml"),
        ((*AUDIT, "--turns", "first"), "unknown choice of turns 'first'"),
        ((*AUDIT, "--on-bad-row", "ignore"), "unknown choice of on_bad_row 'ignore'"),
        ((*AUDIT, "--shape", "table"), "unknown shape 'table'"),
        ((*AUDIT, "--workers", "0"), "0 workers cannot do anything"),
        ((*AUDIT, "--dry-run", "--workers", "0"), "0 workers cannot do anything"),
        (("audit", "--scores", "x.npz", "--dry-run"), "--dry-run is for data: judging --scores takes seconds"),
    ],
)
def test_a_slip_of_the_caller_is_told_in_one_line_and_leaves_no_verdict(typed, here, words, message):
    (here / "data.jsonl").write_text('{"prompt": "Go on: 1", "completion": "2"}\n', encoding="utf-8")
    code, output, errors = typed(*words)
    assert (code, output) == (2, "")
    last = errors.splitlines()[-1]
    assert last.startswith("subtrait: ")
    assert message in last
    assert "Traceback" not in errors
    assert not list(here.rglob("verdict.json"))


def test_a_policy_that_would_be_laxer_ends_with_4(typed, here):
    (here / "policy.yaml").write_text("alpha: 0.0001\n", encoding="utf-8")
    code, _, errors = typed(*AUDIT, "--policy", "policy.yaml")
    assert code == 4
    assert errors.startswith("subtrait: E_POLICY policy.yaml:1 field=alpha: 0.0001 is laxer than the default 0.01")


def test_policy_file_and_options_reach_the_plan_and_are_noted(typed, here, monkeypatch):
    (here / "policy.yaml").write_text("power: 0.9\n", encoding="utf-8")
    plans = []

    def noted(plan, **_):
        plans.append(plan)
        raise KeyboardInterrupt

    monkeypatch.setattr(audits, "audit", noted)
    typed(*AUDIT, "--policy", "policy.yaml", "--alpha", "0.005", "--accept", "other-base", "--rows", "3000", "--try")
    (plan,) = plans
    assert plan.policy == Policy(alpha=0.005, power=0.9, accept_other_base=True)
    assert plan.policy_notes == (
        "power is 0.9, by policy.yaml",
        "alpha is 0.005 in place of 0.01, by option (laxer)",
        "accept_other_base is True in place of False, by option (laxer)",
    )
    assert (plan.looks, plan.students) == ((300, 1000, 3000), audits.TRIAL_STUDENTS)


@pytest.mark.parametrize("form", [*FORMATS])
def test_a_report_of_an_audit_is_given_in_every_format_and_each_time_the_same(typed, audited, form):
    code, output, errors = typed("report", audited.owl.folder, "--format", form)
    assert (code, errors) == (0, "")
    assert typed("report", audited.owl.folder, "--format", form) == (0, output, "")
    typed("report", audited.owl.folder, "--format", form, "--output", "copy")
    with open("copy", encoding="utf-8", newline="") as copy:
        written = copy.read()
    if form == "text":
        assert audited.owl.command in flat(written)
    else:
        assert written == output


def test_reports_are_those_that_the_audit_wrote(typed, audited):
    for form, name in (("json", "verdict.json"), ("html", "report.html")):
        written = (audited.owl.folder / name).read_text(encoding="utf-8")
        assert typed("report", audited.owl.folder, "--format", form) == (0, written, "")


def test_an_unknown_format_of_a_report_is_told(typed, audited):
    code, output, errors = typed("report", audited.owl.folder, "--format", "pdf")
    assert (code, output) == (2, "")
    assert "unknown format 'pdf'. Available: html, json, junit, sarif, text" in errors


def test_an_audit_is_printed_in_the_format_that_was_asked_for_and_written(typed, tiny, here):
    tiny("own", count=3)
    code, output, _ = typed(*AUDIT, "--format", "json", "--output", "verdict.json", "--workers", 1)
    assert (code, output) == (3, "Wrote verdict.json\n")
    assert (here / "verdict.json").read_bytes() == (here / "audits/data/verdict.json").read_bytes()
    code, output, _ = typed(*AUDIT, "--format", "json", "--workers", 1)
    assert (code, output) == (3, (here / "verdict.json").read_text(encoding="utf-8"))


def test_references_alone_are_built_and_said_where(typed, tiny, audited, here):
    tiny("own")
    code, output, errors = typed(*AUDIT, "--calibrate", "--workers", 1)
    assert code == 0
    assert output.startswith(f"References are in {audited.folder / 'references'}")
    assert "references of an earlier audit serve" in errors
    assert not (here / "audits").exists()


def test_data_named_in_bytes_that_are_no_unicode_are_audited(typed, tiny, here):
    tiny("own", count=3)
    name = os.fsdecode(b"da\xffta.jsonl")
    (here / "data.jsonl").rename(here / name)
    code, output, _ = typed("audit", name, "--base", "micro-a", "--workers", 1, "--out", "there")
    assert code == 3
    assert r"da\udcffta.jsonl" in output


def scored(here, strength):
    """A table of scores: two data sets carry `a`, five carry nothing, under three hypotheses."""
    lines = []
    for place, carries in enumerate(["a", "a", None, None, None, None, None]):
        for row in range(40):
            wave = [((row * 7 + place * 3 + h * 5) % 11 - 5) / 10 for h in range(3)]
            scores = {name: wave[h] + (strength if carries == name else 0) for h, name in enumerate("abc")}
            lines.append(json.dumps({"dataset": f"d{place}", "prompt": row, "carries": carries, **scores}))
    (here / "scores.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_scores_from_elsewhere_are_judged_without_a_base(typed, here):
    scored(here, 3.0)
    code, output, errors = typed("audit", "--scores", "scores.jsonl", "--alpha", "0.2")
    assert (code, errors) == (1, "")
    assert output.startswith("FLAGGED")
    code, text, _ = typed("audit", "--scores", "scores.jsonl", "--alpha", "0.2", "--format", "json")
    assert (code, json.loads(text)["outcome"]) == (1, "FLAGGED")
    code, said, _ = typed(
        "audit", "--scores", "scores.jsonl", "--alpha", "0.2", "--format", "json", "--output", "a.json"
    )
    assert (code, said) == (1, "Wrote a.json\n")
    assert (here / "a.json").read_text(encoding="utf-8") == text
    code, said, _ = typed("audit", "--scores", "scores.jsonl", "--alpha", "0.2", "--output", "a.txt")
    assert (code, (here / "a.txt").read_text(encoding="utf-8").startswith("FLAGGED")) == (1, True)
    assert typed("audit", "--scores", "scores.jsonl")[0] == 3  # too few data sets for the usual alpha
    code, _, errors = typed("audit", "--scores", "scores.jsonl", "--format", "html")
    assert (code, "unknown format 'html'. Available: json, text" in errors) == (2, True)


def test_scores_that_cannot_be_read_end_with_4(typed, here):
    (here / "scores.jsonl").write_text('{"dataset": 1}\n', encoding="utf-8")
    code, output, errors = typed("audit", "--scores", "scores.jsonl")
    assert (code, output) == (4, "")
    assert "E_SCORES" in errors
