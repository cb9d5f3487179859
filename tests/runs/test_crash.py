import json
import signal

import pytest

MOMENTS = ("before", "written", "renamed", "journalled")
NAMES = ("arms/treated/0/kept.jsonl", "teachers/0.json", "students/0", "result.json")


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", NAMES)
def test_a_run_killed_at_any_boundary_goes_on_to_the_same_bytes(name, moment, tmp_path, toy, clean, python):
    process = python("toy.py", tmp_path / "run", kill_at=f"{name}:{moment}")
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    lines = (tmp_path / "run" / "journal.jsonl").read_text().splitlines()
    finished = [json.loads(line)["name"] for line in lines]
    assert (name in finished) == (moment == "journalled")
    assert (tmp_path / "run" / name).exists() == (moment in ("renamed", "journalled"))
    made, notice = toy.run_in(tmp_path / "run")
    assert made == [memo for memo in toy.MEMOS if memo not in finished]
    assert notice == ""
    assert toy.contents(tmp_path / "run") == clean


@pytest.mark.parametrize("moment", ["before", "written", "renamed"])
def test_a_run_killed_while_it_starts_is_taken_over(moment, tmp_path, toy, clean, python):
    process = python("toy.py", tmp_path / "run", kill_at=f"run.json:{moment}")
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert (tmp_path / "run" / "run.json").exists() == (moment == "renamed")
    assert toy.run_in(tmp_path / "run") == (list(toy.MEMOS), "")
    assert toy.contents(tmp_path / "run") == clean


# `before` each changing system call is also after the one before it.
@pytest.mark.parametrize(("fault", "calls"), [("before", 45), ("torn", 12)])
def test_a_run_killed_at_any_system_call_goes_on_to_the_same_bytes(fault, calls, tmp_path, python):
    output, errors = python("every_call.py", tmp_path, fault).communicate()
    found = json.loads(output or errors)
    assert found["calls"] >= calls
    assert found["outcomes"] == {"-9": found["calls"]}
    assert found["deviations"] == []


@pytest.mark.parametrize(("fault", "calls"), [("ENOSPC", 45), ("EIO", 25)])
def test_a_disk_that_refuses_any_system_call_ends_in_one_line_and_loses_nothing(fault, calls, tmp_path, python):
    output, errors = python("every_call.py", tmp_path, fault).communicate()
    found = json.loads(output or errors)
    assert found["calls"] >= calls
    # 5 is a StorageError in one line that says what to do; 0 where only the removal of a leftover failed.
    assert set(found["outcomes"]) <= {"5", "0"}
    assert found["outcomes"]["5"] >= 0.8 * found["calls"]
    assert found["deviations"] == []
