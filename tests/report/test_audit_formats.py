import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from subtrait.errors import UsageError
from subtrait.report import audit_json
from subtrait.report.audit_formats import FORMATS, rendered
from subtrait.report.terminal import WIDTH

CI = Path(__file__).parents[2] / "docs" / "ci"
NAMES = ("flagged", "not_flagged", "inconclusive")


def test_formats_are_these():
    assert list(FORMATS) == ["text", "json", "html", "sarif", "junit"]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", NAMES)
def test_every_format_says_the_outcome_and_ends_in_a_newline(audits, name, form):
    result = getattr(audits, name)()
    text = rendered(result, form)
    assert result.outcome in text
    assert text.endswith("\n")
    assert not text.endswith("\n\n\n")
    text.encode()


def test_each_format_is_what_it_says(audits):
    result = audits.flagged()
    assert audit_json.from_json(rendered(result, "json"), "here") == result
    assert json.loads(rendered(result, "sarif"))["version"] == "2.1.0"
    assert ElementTree.fromstring(rendered(result, "junit").encode()).tag == "testsuites"
    assert rendered(result, "html").startswith("<!doctype html>")
    assert max(map(len, rendered(result, "text").splitlines())) <= WIDTH


def test_formats_for_people_show_the_command(audits):
    said = "subtrait audit data.jsonl --base micro-a"
    assert said in rendered(audits.flagged(), "text", command=said)
    assert said in rendered(audits.flagged(), "html", command=said)


@pytest.mark.parametrize(("form", "near"), [("htm", "html"), ("SARIF", "sarif"), ("junit.xml", "junit"), ("", "text")])
def test_an_unknown_format_is_refused_with_all_that_there_are(audits, form, near):
    with pytest.raises(UsageError, match="unknown format") as caught:
        rendered(audits.flagged(), form)
    assert near in str(caught.value)
    assert caught.value.exit_code == 2


def test_the_example_workflow_uploads_what_it_writes_and_passes_on_0_only():
    import yaml

    workflow = yaml.safe_load((CI / "audit.yml").read_text(encoding="utf-8"))
    steps = {step.get("name", step.get("uses")): step for step in workflow["jobs"]["audit"]["steps"]}
    command = steps["Audit"]["run"]
    form = command.partition("--format ")[2].split()[0]
    written = command.partition("--output ")[2].split()[0]
    assert form in FORMATS
    assert steps["Upload the findings"]["with"]["sarif_file"] == written == "audit.sarif"
    assert workflow["permissions"]["security-events"] == "write"
    assert list(steps)[-1] == "Gate"


@pytest.mark.parametrize(
    ("code", "file", "opens"),
    [
        ("0", True, True),
        ("1", True, False),
        ("3", True, False),
        ("137", True, False),
        ("", True, False),
        ("0", False, False),
    ],
)
def test_the_gate_of_the_example_opens_for_0_and_a_file_only(tmp_path, code, file, opens):
    import subprocess

    import yaml

    workflow = yaml.safe_load((CI / "audit.yml").read_text(encoding="utf-8"))
    gate = workflow["jobs"]["audit"]["steps"][-1]["run"]
    if file:
        (tmp_path / "audit.sarif").write_text("{}")
    command = ["bash", "-e", "-c", gate]
    ended = subprocess.run(command, cwd=tmp_path, env={"CODE": code}, capture_output=True, check=False)
    assert (ended.returncode == 0) == opens


def test_the_page_on_ci_names_every_exit_code():
    text = (CI / "README.md").read_text(encoding="utf-8")
    for code, outcome in ((0, "NOT_FLAGGED"), (1, "FLAGGED"), (3, "INCONCLUSIVE"), (4, "INVALID_INPUT"), (5, "ERROR")):
        assert f"| {code} | {outcome}" in text
