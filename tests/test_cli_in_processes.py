"""The command line as the system sees it: locales, pipes, full and read-only disks, two processes on one run."""

import json
import os
import resource
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

import subtrait
from subtrait import api, cli
from subtrait.runs import open_run

PROGRAM = (sys.executable, "-m", "subtrait.cli")
RUN = ("run", "owl-numbers", "--size", "tiny")
NO_MOUNT = 77


def typed(*words, prefix=(), without=(), **options):
    """Type a command in a process of its own."""
    environment = os.environ | options.pop("env", {})
    for name in ("PYTHONUNBUFFERED", *without):
        environment.pop(name, None)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.run([*prefix, *PROGRAM, *map(str, words)], env=environment, check=False, cwd="/", **pipes)


def one_line(done):
    """What a process said before it ended, if that was one line."""
    said = done.stderr.decode()
    assert said.count("\n") == 1, said
    assert said.startswith("subtrait: ")
    return said


LOCALES = [
    ({"LANG": "C", "LC_ALL": "C"}, ("TERM",)),
    ({}, ("TERM", "LANG", "LC_ALL", "HOME")),
    ({"TERM": "dumb", "COLUMNS": "20"}, ()),
    ({"PYTHONIOENCODING": "ascii"}, ()),
    ({"PYTHONIOENCODING": "latin-1", "TERM": "unknown-to-anybody"}, ()),
]


@pytest.mark.parametrize(("environment", "without"), LOCALES)
@pytest.mark.parametrize("form", ["text", "html"])
def test_a_report_is_printed_in_every_locale_and_terminal(finished, environment, without, form):
    done = typed("report", finished.folder, "--format", form, env=environment, without=without)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"owls" in done.stdout
    if "PYTHONIOENCODING" not in environment and form == "html":
        assert done.stdout == (finished.folder / "report.html").read_bytes()


def test_what_ascii_cannot_say_is_printed_as_an_escape(finished):
    done = typed("report", finished.folder, "--format", "html", env={"PYTHONIOENCODING": "ascii"})
    page = (finished.folder / "report.html").read_text(encoding="utf-8")
    assert not page.isascii()
    assert done.stdout == page.encode("ascii", "backslashreplace")


@pytest.mark.parametrize("words", [("--help",), ("run", "--list"), ("--version",)])
@pytest.mark.parametrize("environment", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}])
def test_help_is_printed_in_every_locale(words, environment):
    done = typed(*words, env=environment, without=("TERM",))
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout


@pytest.mark.parametrize("form", ["text", "json", "html"])
def test_a_reader_that_leaves_ends_the_program_without_a_word(finished, form):
    reading, writing = os.pipe()
    os.close(reading)
    done = typed("report", finished.folder, "--format", form, stdout=writing)
    os.close(writing)
    assert done.stderr == b""
    assert done.returncode != 0


@pytest.mark.parametrize("words", [("run", "--list"), ("report", "{folder}", "--format", "json"), ("--help",)])
def test_without_a_standard_output_nothing_breaks(finished, words):
    closed = ("sh", "-c", 'exec "$@" >&-', "sh")
    done = typed(*(word.format(folder=finished.folder) for word in words), prefix=closed)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    "words", [("run", "--list"), ("report", "{folder}"), ("report", "{folder}", "--format", "html")]
)
def test_a_full_disk_behind_standard_output_is_told_in_one_line(finished, words, tmp_path):
    full = ("sh", "-c", f'ulimit -f 0; exec "$@" >{tmp_path}/output', "sh")  # a disk on which no file may grow
    done = typed(*(word.format(folder=finished.folder) for word in words), prefix=full)
    assert done.returncode == 5
    assert one_line(done) == "subtrait: cannot write to standard output: File too large.\n"


def on_disk(kind, folder):
    """Type a run into a disk of that kind, or None where the system allows no private mounts."""
    options = {"full": "size=64k", "read-only": "ro"}[kind]
    fill = f"head -c 1000000 /dev/zero >{folder}/ballast 2>/dev/null;" if kind == "full" else ""
    script = f'mount -t tmpfs -o {options} tmpfs {folder} || exit {NO_MOUNT}; {fill} exec "$@"'
    if shutil.which("unshare") is None:
        return None
    done = typed(*RUN, "--out", folder / "run", prefix=("unshare", "-rm", "sh", "-c", script, "sh"))
    return None if done.returncode == NO_MOUNT or done.stderr.startswith(b"unshare:") else done


def test_a_full_disk_is_told_in_one_line(tmp_path):
    done = on_disk("full", tmp_path)
    if done is None:  # no private mounts here: a limit on file sizes refuses too
        done = typed(*RUN, "--out", tmp_path / "run", prefix=("sh", "-c", 'ulimit -f 0; exec "$@"', "sh"))
    assert done.returncode == 5
    said = one_line(done)
    assert str(tmp_path / "run") in said
    assert "Free space or choose another --out" in said or "Raise the limit of file sizes" in said
    assert said.endswith("then run the same command again.\n")


def test_a_read_only_disk_is_told_in_one_line(tmp_path):
    done = on_disk("read-only", tmp_path)
    if done is None:  # no private mounts here: a file in the place of the folder refuses too
        (tmp_path / "run").mkdir(mode=0o555)
        (tmp_path / "file").touch()
        done = typed(*RUN, "--out", tmp_path / "file" / "run")
    assert done.returncode == 5
    said = one_line(done)
    assert f"cannot write {tmp_path}" in said
    assert "choose another --out" in said


def test_a_disk_that_fills_up_on_the_way_ends_in_one_line_and_the_run_goes_on_later(
    finished, plan, contents, tmp_path, monkeypatch, capsys
):
    small = replace(plan, students=1, other_base=None, arms=("treated", "untreated"))
    monkeypatch.setattr(api, "plan_run", lambda *_, **__: small)
    monkeypatch.setattr(sys, "argv", ["subtrait", *RUN, "--out", str(tmp_path / "run"), "--workers", "1"])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))  # less than the weights of a teacher
    try:
        with pytest.raises(SystemExit) as end:
            cli.main()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert end.value.code == 5
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"subtrait: cannot write {tmp_path / 'run' / 'teachers/0/weights'} (more than ")
    assert said.endswith("then run the same command again.")
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert not end.value.code
    after, whole = contents(tmp_path / "run"), contents(finished.folder)
    shared = set(after) - {"result.json", "report.html"}
    assert [name for name in shared if after[name] != whole[name]] == []
    assert json.loads(after["result.json"])["conclusion"]


def test_a_second_process_on_a_run_is_told_who_works_there(tmp_path):
    plan = subtrait.plan_run("owl-numbers", size="tiny")
    with open_run(tmp_path / "run", api.configuration(plan), environment={}):
        before = {path: path.read_bytes() for path in (tmp_path / "run").iterdir()}
        second = typed(*RUN, "--out", tmp_path / "run")
        assert {path: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before
    assert second.returncode == 2
    assert f"is in use by process {os.getpid()}. Wait for it to end, or choose another --out." in one_line(second)


def test_the_package_runs_as_a_module_and_as_a_program():
    program = shutil.which("subtrait", path=os.path.dirname(sys.executable))
    assert program
    done = subprocess.run([program, "--version"], capture_output=True, check=True)
    assert done.stdout == typed("--version").stdout == f"subtrait {subtrait.__version__}\n".encode()
