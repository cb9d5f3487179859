"""The command line: every mistake ends in one line and an exit code, and nothing is written for it."""

import json
import re
import shutil
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

import subtrait
from subtrait import api, cli
from subtrait.models.registry import EMBEDDED
from subtrait.runs import open_run

RUN = ("run", "owl-numbers")

pytestmark = pytest.mark.usefixtures("here")


@pytest.fixture
def refused(typed, here):
    """Type a command that must be refused: exit code and the one line that is said."""

    def run(*words):
        before = sorted(path.name for path in here.rglob("*"))
        code, output, errors = typed(*words)
        assert output == ""
        assert errors.startswith("subtrait: ")
        assert errors.count("\n") == 1
        assert "Traceback" not in errors
        assert sorted(path.name for path in here.rglob("*")) == before
        return code, errors.removeprefix("subtrait: ").rstrip()

    return run


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "nope"), "unknown experiment 'nope'. Available: animal-numbers, "),
        ((*RUN, "--trait", "owel"), "unknown trait 'owel'. Did you mean 'owl'? Available: ash, bear, "),
        ((*RUN, "--base", "micro-x"), "unknown model 'micro-x'. Did you mean 'micro-"),
        ((*RUN, "--other-base", "micro-x"), "a hub id OWNER/NAME, micro-a, micro-b, micro-c"),
        ((*RUN, "--size", "huge"), "unknown size 'huge'. Available: full, small, tiny"),
        ((*RUN, "--arms", "treated,foo"), "unknown arm 'foo'. Available: other-base, other-base-untreated, "),
        ((*RUN, "--arms", "treated"), "needs the arms 'treated' and 'untreated'"),
        ((*RUN, "--arms", "treated,untreated,treated"), "an arm is asked for twice"),
        ((*RUN, "--teacher", "magic"), "unknown teacher 'magic'. Available: prompted, tuned"),
        ((*RUN, "--students", "0"), "must be 1 or more"),
        ((*RUN, "--strength", "0"), "takes 1 step or more"),
        ((*RUN, "--workers", "0"), "0 workers cannot do anything: give 1 or more"),
        ((*RUN, "--dry-run", "--workers", "-1"), "-1 workers cannot do anything"),
        ((*RUN, "--seed", "-1"), "seed -1 is out of range: give an integer from 0 to 9223372036854775807"),
        ((*RUN, "--seed", "99999999999999999999"), "seed 99999999999999999999 is out of range"),
        ((*RUN, "--trait", "absent.yaml"), "no trait file at absent.yaml; give a YAML file or one of: "),
        ((*RUN, "--base", "micro-b", "--other-base", "micro-b"), "base and other base are both 'micro-b'"),
        ((*RUN, "--trait", "\x1b[31mowl\n"), r"unknown trait '\x1b[31mowl\n'."),
        ((*RUN, "--teacher", "prompted", "--strength", "9"), "--strength is for tuned teachers: leave it out"),
        (("lineage", "micro-a", "micro-x"), "unknown model 'micro-x'. Did you mean 'micro-"),
        (("lineage", "micro-a", "micro-b", "--format", "xml"), "unknown format 'xml'. Available: json, text"),
        (("lineage", "micro-a", "micro-b", "--alpha", "1e-9"), "alpha 1e-09 with 1999 permutations cannot reject"),
        (("micro", "train", "micro-z", "--out", "x"), "unknown embedded model 'micro-z'."),
        (("micro", "train", "micro-a", "--out", "."), ". exists already: give a folder that does not"),
    ],
)
def test_a_slip_of_the_caller_is_told_with_what_there_is(refused, words, message):
    code, said = refused(*words)
    assert code == 2
    assert message in said


@pytest.mark.parametrize(
    "words",
    [("frobnicate",), ("run", "owl-numbers", "--students", "x"), ("run", "owl-numbers", "--sede", "1"), ("report",)],
)
def test_what_the_parser_refuses_ends_with_2_and_no_traceback(typed, here, words):
    code, output, errors = typed(*words)
    assert (code, output) == (2, "")
    assert "Error: " in errors
    assert "Traceback" not in errors
    assert list(here.iterdir()) == []


def without_template(folder):
    (folder / "chat_template.jinja").unlink()


def pickled(folder):
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04cos\nsystem\n(S'touch ran'\ntR.")


def emptied(folder):
    shutil.rmtree(folder)
    folder.mkdir()


def with_code(folder):
    (folder / "modeling_mine.py").write_text("open('ran', 'w')", encoding="utf-8")


def cut(folder):
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (without_template, "E_TEMPLATE"),
        (pickled, "E_UNSAFE_FORMAT"),
        (emptied, "E_CHECKPOINT"),
        (with_code, "E_REMOTE_CODE"),
        (cut, "E_SAFETENSORS"),
    ],
)
@pytest.mark.parametrize("option", ["--base", "--other-base"])
def test_a_checkpoint_that_cannot_be_accepted_is_refused_before_anything_is_written(
    refused, tmp_path, broken, code, option
):
    folder = shutil.copytree(EMBEDDED["micro-b"], tmp_path / "mine")
    broken(folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    exit_code, said = refused(*RUN, option, folder)
    assert exit_code == 4
    assert said.startswith(f"{code} ")
    assert str(folder) in said
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_trait_file_that_is_none_is_refused_before_anything_is_written(refused, tmp_path):
    (tmp_path / "mine.yaml").write_text("name: owl\n", encoding="utf-8")
    code, said = refused(*RUN, "--trait", tmp_path / "mine.yaml")
    assert code == 4
    assert said.startswith("E_TRAIT ")
    assert "field=" in said


def test_experiments_are_listed_and_nothing_is_written(typed, here):
    code, output, errors = typed("run", "--list")
    assert (code, errors) == (0, "")
    assert output.startswith("owl-numbers\n")
    assert "figure 3" in output
    assert typed("run")[:2] == (0, output)
    assert list(here.iterdir()) == []


def test_a_dry_run_says_what_would_happen_and_writes_nothing(typed, here, plan, monkeypatch):
    small = replace(plan, students=1)
    monkeypatch.setattr(api, "plan_run", lambda *_, **__: small)
    monkeypatch.setattr("subtrait.lab.cost.TRIED_PROMPTS", 8)
    code, output, errors = typed(*RUN, "--dry-run", "--workers", 2, "--out", "there")
    assert (code, errors) == (0, "")
    for words in ("7 students", "up to 24 rows", "with 2 worker(s)", "time ", "memory ", "MiB in there", "Nothing was"):
        assert words in output
    assert list(here.iterdir()) == []


def test_a_report_is_what_the_run_wrote(typed, finished):
    written = {form: (finished.folder / name).read_text(encoding="utf-8")
               for form, name in (("json", "result.json"), ("html", "report.html"))}  # fmt: skip
    for form, text in written.items():
        assert typed("report", finished.folder, "--format", form) == (0, text, "")
        code, output, _ = typed("report", finished.folder, "--format", form, "--output", f"copy.{form}")
        assert (code, output) == (0, f"Wrote copy.{form}\n")
        assert Path(f"copy.{form}").read_text(encoding="utf-8") == text


def test_a_report_in_text_says_the_conclusion_and_the_command(typed, finished):
    code, output, errors = typed("report", finished.folder)
    assert (code, errors) == (0, "")
    flat = re.sub(r"\s+", " ", output)
    assert all(sentence in flat for sentence in finished.result.conclusion)
    assert "subtrait run owl-numbers --size tiny" in flat
    typed("report", finished.folder, "--output", "copy.txt")
    assert finished.result.conclusion[-1] in re.sub(r"\s+", " ", Path("copy.txt").read_text(encoding="utf-8"))


def test_a_finished_run_is_shown_again_by_the_command_that_made_it(typed, finished, plan, tmp_path, monkeypatch):
    folder = shutil.copytree(finished.folder, tmp_path / "run")
    monkeypatch.setattr(api, "plan_run", lambda *_, **__: plan)
    code, output, _ = typed(*RUN, "--out", folder, "--workers", 1)
    assert code == 0
    assert f"Report: {folder / 'report.html'}" in output
    assert f"Again:  subtrait report {folder}" in output
    assert finished.result.conclusion[-1] in re.sub(r"\s+", " ", output)


def test_what_the_user_should_know_of_the_folder_goes_to_standard_error(typed, finished, monkeypatch):
    noticed = replace(finished, notice="seed: 0 -> 5; a new run was started in x-2.")
    monkeypatch.setattr(api, "run", lambda *_, **__: noticed)
    code, output, errors = typed(*RUN)
    assert (code, errors) == (0, f"{noticed.notice}\n")
    assert noticed.notice not in output


@pytest.mark.parametrize("form", ["xml", "HTML"])
def test_an_unknown_format_lists_those_there_are(refused, finished, form):
    said = f"unknown format '{form}'. Available: html, json, text"
    assert refused("report", finished.folder, "--format", form) == (2, said)


def test_what_is_no_finished_run_has_no_report(refused, finished, plan, tmp_path):
    assert refused("report", "absent")[1].startswith("E_PATH absent: not a run folder")
    assert refused("report", ".")[0] == 4
    with open_run(tmp_path / "run", api.configuration(plan), environment={}):
        pass
    code, said = refused("report", tmp_path / "run")
    assert (code, said.partition(" ")[0]) == (4, "E_INCOMPLETE")
    folder = shutil.copytree(finished.folder, tmp_path / "changed")
    (folder / "result.json").write_text("{}", encoding="utf-8")
    code, said = refused("report", folder)
    assert (code, said.partition(" ")[0]) == (4, "E_DIGEST")


def test_a_report_that_cannot_be_written_is_told(refused, finished):
    code, said = refused("report", finished.folder, "--format", "html", "--output", "absent/report.html")
    assert code == 5
    assert said.startswith("cannot write absent/report.html: No such file or directory.")


def test_a_run_into_what_is_no_run_folder_is_refused(refused, here):
    (here / "thesis").mkdir()
    (here / "thesis" / "main.tex").write_text("x")
    code, said = refused(*RUN, "--out", "thesis", "--workers", 1)
    assert code == 2
    assert "thesis is not a run folder" in said


def test_an_interrupt_ends_in_one_line_and_130(typed, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "run", interrupted)
    code, output, errors = typed(*RUN)
    assert (code, output) == (130, "")
    assert errors.strip().startswith("subtrait: stopped; what is finished is kept.")
    assert errors.strip().count("\n") == 0


def test_a_defect_of_ours_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["subtrait", *RUN])
    monkeypatch.setattr(api, "run", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cli.main()


def test_lineage_says_what_it_found_and_on_what_it_rests(typed):
    code, output, _ = typed("lineage", "micro-a", "micro-b")
    assert (code, output.splitlines()[0]) == (0, "micro-a and micro-b: different base")
    assert output.count("assumes: ") == output.count("does not see: ") == 6


def test_lineage_as_json_is_the_record_of_the_api(typed):
    code, output, _ = typed("lineage", "micro-a", "micro-a", "--format", "json", "--seed", "5")
    record = subtrait.lineage("micro-a", "micro-a", seed=5)
    assert (code, json.loads(output)) == (0, json.loads(json.dumps(asdict(record))))
    assert record.outcome == "same base"


def test_the_doctor_says_ok_and_ends_with_5_where_something_fails(typed, monkeypatch):
    from subtrait.doctor import Finding

    good, bad = Finding("torch", True, "2.0"), Finding("disk", False, "0.1 GiB free")
    monkeypatch.setattr("subtrait.doctor.examine", lambda **_: [good])
    code, output, _ = typed("doctor")
    assert (code, output.splitlines()[0]) == (0, "ok    torch: 2.0")
    assert "This machine is set up" in output
    monkeypatch.setattr("subtrait.doctor.examine", lambda **_: [good, bad])
    assert typed("doctor")[:2] == (5, "ok    torch: 2.0\nFAIL  disk: 0.1 GiB free\n")


def test_the_version_is_that_of_the_package(typed):
    assert typed("--version") == (0, f"subtrait {subtrait.__version__}\n", "")
