import json
import os

import pytest

from subtrait.errors import InvalidInput, StorageError, UsageError
from subtrait.runs import attach_run, open_run, read_run


def test_a_finished_run_makes_nothing_again(tmp_path, toy, clean):
    assert toy.run_in(tmp_path / "run") == (list(toy.MEMOS), "")
    assert toy.run_in(tmp_path / "run") == ([], "")
    assert toy.contents(tmp_path / "run") == clean


def test_a_changed_setting_starts_a_new_run_and_says_what_changed(tmp_path, toy, clean):
    folder = tmp_path / "run"
    toy.run_in(folder)
    changed = toy.CONFIG | {"seed": 2, "training": {"steps": 600, "rates": [0.1, 1e-3]}}
    what = "seed: 1 -> 2; training.steps: 300 -> 600"
    assert toy.run_in(folder, changed) == (list(toy.MEMOS), f"{what}; a new run was started in {folder}-2.")
    assert toy.run_in(folder, changed) == ([], f"{what}; its own run goes on in {folder}-2.")
    newer = toy.CONFIG | {"version": "0.2.0"}
    _, notice = toy.run_in(folder, newer)
    assert notice == f'version: "0.1.0" -> "0.2.0"; a new run was started in {folder}-3.'
    assert toy.run_in(folder) == ([], "")
    assert toy.contents(folder) == clean


def test_a_changed_setting_does_not_wait_for_the_run_of_the_old_one(tmp_path, toy):
    first = open_run(tmp_path / "run", toy.CONFIG, environment={})
    second = open_run(tmp_path / "run", toy.CONFIG | {"seed": 2}, environment={})
    with first as old, second as new:
        assert (old.path, new.path) == (tmp_path / "run", tmp_path / "run-2")


def test_a_new_run_passes_by_what_is_not_its_own(tmp_path, toy):
    toy.run_in(tmp_path / "run")
    (tmp_path / "run-2").write_text("a file")
    (tmp_path / "run-3").mkdir()
    (tmp_path / "run-3" / "thesis.tex").write_text("not ours")
    (tmp_path / "run-4").mkdir()
    (tmp_path / "run-4" / "run.json").write_text("broken")
    with open_run(tmp_path / "run", toy.CONFIG | {"seed": 2}, environment={}) as run:
        assert run.path == tmp_path / "run-5"
    assert (tmp_path / "run-3" / "thesis.tex").read_text() == "not ours"


def test_a_folder_that_is_no_run_is_refused_and_left_alone(tmp_path, toy):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "thesis.tex").write_text("x")
    with pytest.raises(UsageError, match=r"docs is not a run folder: it is not empty and holds no run\.json\. Choose"):
        toy.run_in(tmp_path / "docs")
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="file is a file, not a run folder") as caught:
        toy.run_in(tmp_path / "file")
    assert caught.value.exit_code == 2
    assert os.listdir(tmp_path / "docs") == ["thesis.tex"]
    assert sorted(os.listdir(tmp_path)) == ["docs", "file"]


@pytest.mark.parametrize("leftovers", [(), ("lock",), ("lock", ".tmp-999999999-0123abcd")])
def test_a_half_started_run_is_taken_over(leftovers, tmp_path, toy, clean):
    folder = tmp_path / "run"
    folder.mkdir()
    for name in leftovers:
        (folder / name).write_text("1")
    assert toy.run_in(folder) == (list(toy.MEMOS), "")
    assert toy.contents(folder) == clean


def test_a_broken_description_is_refused_not_forked(tmp_path, toy):
    toy.run_in(tmp_path / "run")
    whole = (tmp_path / "run" / "run.json").read_text()
    for text, code in ((whole.replace('"seed": 1', '"seed": 2'), "E_DIGEST"), (whole[:-5], "E_JSON")):
        (tmp_path / "run" / "run.json").write_text(text)
        with pytest.raises(InvalidInput, match=rf"{code} .*run\.json"):
            toy.run_in(tmp_path / "run")
    (tmp_path / "run" / "run.json").write_text('{"schema_version": 2}')
    with pytest.raises(InvalidInput, match=r"E_VERSION"):
        toy.run_in(tmp_path / "run")
    assert os.listdir(tmp_path) == ["run"]


def test_the_environment_is_recorded_once(tmp_path):
    for python in ("3.11", "3.12"):
        with open_run(tmp_path / "run", {"seed": 1}, environment={"python": python}):
            pass
    assert json.loads((tmp_path / "run" / "run.json").read_text())["environment"] == {"python": "3.11"}


def test_a_relative_folder_survives_a_change_of_directory(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with open_run("run", {}, environment={}) as run:
        monkeypatch.chdir(tmp_path / "elsewhere")
        run.record("a.json", dict)
    assert (tmp_path / "run" / "a.json").exists()


def test_a_finished_run_is_read_without_touching_it(tmp_path, toy):
    toy.run_in(tmp_path / "run")
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "run").rglob("*")}
    description, result = read_run(tmp_path / "run")
    assert description["config"]["seed"] == 1
    assert list(result) == ["rate"]
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "run").rglob("*")} == before


def test_a_run_is_read_while_it_goes_on(tmp_path, toy):
    with open_run(tmp_path / "run", toy.CONFIG, environment={}) as run:
        with pytest.raises(
            InvalidInput, match=r"E_INCOMPLETE .*no result\.json \(run the command that started it"
        ) as caught:
            read_run(tmp_path / "run")
        assert caught.value.exit_code == 4
        toy.pipeline(run)
        assert read_run(tmp_path / "run")[1].keys() == {"rate"}


def test_only_a_whole_result_is_read(tmp_path, toy):
    toy.run_in(tmp_path / "run")
    with pytest.raises(InvalidInput, match=r"E_JSON .*report\.html"):
        read_run(tmp_path / "run", result="report.html")
    result = tmp_path / "run" / "result.json"
    result.write_text(result.read_text().replace("rate", "Rate"))
    with pytest.raises(InvalidInput, match=r"E_DIGEST .*result\.json"):
        read_run(tmp_path / "run")
    result.unlink()
    with pytest.raises(InvalidInput, match=r"E_INCOMPLETE"):
        read_run(tmp_path / "run")
    with open_run(tmp_path / "run", toy.CONFIG, environment=toy.ENVIRONMENT) as run:
        run.publish("result.json", "[1]")
    with pytest.raises(InvalidInput, match=r"E_JSON .*not a JSON object"):
        read_run(tmp_path / "run")


@pytest.mark.parametrize("call", [attach_run, read_run])
def test_what_is_no_run_cannot_be_read(call, tmp_path):
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(InvalidInput, match=r"E_PATH .*not a run folder"):
            call(folder)
    assert not (tmp_path / "absent").exists()


def test_an_unwritable_place_is_refused_before_anything_runs(tmp_path, toy):
    with pytest.raises(StorageError, match="/dev/null/run"):
        toy.run_in("/dev/null/run")
