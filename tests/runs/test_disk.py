import errno
import json
import os
import resource
import shutil
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest

from subtrait.errors import StorageError
from subtrait.runs import check_space, open_run
from subtrait.runs.disk import disk_errno, storage

AGAIN = "then run the same command again."
NO_MOUNT = 77


def confined(python, *arguments):
    """Run `real_disks.py` where it may mount, or None where the system allows no private mounts."""
    if shutil.which("unshare") is None:
        return None
    process = python("real_disks.py", *arguments, prefix=("unshare", "-rm"))
    output, errors = process.communicate()
    if process.returncode == NO_MOUNT or errors.startswith("unshare:"):
        return None
    assert process.returncode == 0, errors
    return json.loads(output)


@contextmanager
def largest_file(size):
    """Limit the size of any file this process writes: a disk that is full for larger ones.

    Inside the block only: pytest's own output may go to a file that is larger already.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_that_does_not_fit_ends_in_one_line_and_the_run_goes_on_later(tmp_path, toy, clean):
    message = r"cannot write .*students/0 \(more than [\d,]+ bytes needed\): File too large\. Raise the limit"
    # The rows and the teacher fit, the weights of the student do not.
    with pytest.raises(StorageError, match=message) as caught, largest_file(2000):
        toy.run_in(tmp_path / "run")
    assert caught.value.exit_code == 5
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(AGAIN)
    assert sorted(p.name for p in (tmp_path / "run" / "students").iterdir()) == []
    assert toy.run_in(tmp_path / "run")[0] == [toy.FOLDER, toy.LATER]
    assert toy.contents(tmp_path / "run") == clean


def test_the_bytes_needed_are_those_of_the_file(tmp_path, toy):
    with open_run(tmp_path / "run", toy.CONFIG, environment={}) as run:
        size = len(json.dumps({"x": "a" * 2000})) + 1
        message = rf"cannot write .*big\.json \({size:,} bytes needed\)"
        with pytest.raises(StorageError, match=message), largest_file(1000):
            run.record("big.json", lambda: {"x": "a" * 2000})
        with largest_file(1000):
            assert run.record("small.json", lambda: {"x": 1}) == {"x": 1}


def test_a_journal_that_cannot_grow_stays_valid(tmp_path, toy, clean):
    folder = tmp_path / "run"
    with open_run(folder, toy.CONFIG, environment=toy.ENVIRONMENT) as run:
        for n in range(30):
            run.record(f"{n}.json", dict)
        size = (folder / "journal.jsonl").stat().st_size
        for room in (0, 1, 50):
            with pytest.raises(StorageError, match=r"journal\.jsonl"), largest_file(size + room):
                run.record("more.json", dict)
            assert (folder / "journal.jsonl").stat().st_size == size
    with open_run(folder, toy.CONFIG, environment=toy.ENVIRONMENT) as run:
        assert run.record("more.json", dict) == {}
        assert run.notice == ""


def test_a_library_written_in_rust_is_understood(tmp_path, toy):
    from safetensors.numpy import save_file

    with open_run(tmp_path / "run", toy.CONFIG, environment={}) as run:
        with pytest.raises(StorageError, match=r"students/0 .*File too large"), largest_file(10_000):
            run.folder("students/0", lambda f: save_file({"a": np.zeros(10_000)}, f / "model.safetensors"))
        assert not list((tmp_path / "run" / "students").iterdir())


def test_a_full_disk_ends_in_one_line_and_the_run_goes_on_later(tmp_path, python, toy, clean):
    found = confined(python, tmp_path, "full")
    if found is None:  # no private mounts here: a limit on file sizes refuses the journal line of the next artefact
        run = tmp_path / "limited"
        with open_run(run, toy.CONFIG, environment=toy.ENVIRONMENT):
            pass
        with pytest.raises(StorageError, match=AGAIN), largest_file(1):
            toy.run_in(run)
        return
    where = str(tmp_path / "disk" / "run" / "teachers")
    assert found["message"].startswith(f"cannot write {where}")
    assert " bytes needed, 0 free): No space left on device. Free space or choose another --out" in found["message"]
    assert found["message"].endswith(AGAIN)
    assert found["made"] == ["teachers/0.json", "students/0", "arms/treated/0/answers.jsonl"]
    assert found["intact"]
    assert found["equal"]


def test_a_read_only_disk_ends_in_one_line_and_the_run_goes_on_later(tmp_path, python, toy):
    found = confined(python, tmp_path, "read-only")
    if found is None:  # no private mounts here: a file in the place of the folder refuses too
        (tmp_path / "file").touch()
        with pytest.raises(StorageError, match=AGAIN):
            toy.run_in(tmp_path / "file" / "run")
        return
    expected = f"cannot write {tmp_path / 'disk' / 'run' / 'lock'}: Read-only file system. Make the folder writable"
    assert found["message"] == f"{expected} or choose another --out, {AGAIN}"
    assert found["intact"]
    assert found["equal"]


def test_a_path_below_a_file_is_refused(tmp_path, toy):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match=rf"cannot write .*file/run: Not a directory.*{AGAIN}"):
        toy.run_in(tmp_path / "file" / "run")
    assert (tmp_path / "file").read_text() == "x"


def test_a_folder_without_permission_is_refused(tmp_path, toy):
    user = os.geteuid()
    tmp_path.chmod(0o555)
    try:
        if user == 0:  # permissions do not bind root
            os.seteuid(65534)
        with pytest.raises(StorageError, match=rf"Permission denied\. Make the folder writable.*{AGAIN}"):
            toy.run_in(tmp_path / "run")
    finally:
        os.seteuid(user)
        tmp_path.chmod(0o755)


def test_running_out_of_open_files_is_told(tmp_path, toy):
    code = (
        "import resource, sys; sys.path.insert(0, sys.argv[2]); import toy; from subtrait.errors import StorageError\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4))\n"
        "try:\n    toy.run_in(sys.argv[1])\nexcept StorageError as error:\n    print(error)\n"
    )
    here = os.path.dirname(__file__)
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "run", here], capture_output=True, text=True, check=True
    )
    assert "Too many open files. Raise the limit of open files (ulimit -n), then run" in done.stdout


@pytest.mark.parametrize("name", ["ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EACCES", "EPERM", "EIO", "ENOTDIR"])
def test_every_refusal_is_one_line_with_path_and_advice(name, tmp_path):
    number = getattr(errno, name)
    with pytest.raises(StorageError) as caught, storage(tmp_path / "a\nb", needed=12_345):
        raise OSError(number, "whatever")
    message = str(caught.value)
    assert "\n" not in message
    assert str(tmp_path / "a\\nb") in message
    assert "12,345 bytes needed" in message
    assert os.strerror(number) in message
    assert message.endswith(AGAIN)
    assert ("Free space" in message) == (name in ("ENOSPC", "EDQUOT"))
    assert (" free)" in message) == (name == "ENOSPC")


def test_only_the_disk_is_blamed_for_what_the_disk_did():
    assert disk_errno(OSError(errno.ENOSPC, "full")) == errno.ENOSPC
    assert disk_errno(RuntimeError("I/O error: No space left on device (os error 28)")) == errno.ENOSPC
    assert disk_errno(FileNotFoundError(errno.ENOENT, "no such model")) is None
    assert disk_errno(RuntimeError("No such file or directory (os error 2)")) is None
    assert disk_errno(ValueError("28")) is None


def test_a_run_starts_only_with_a_fifth_more_space_than_estimated(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: os.statvfs(path) and shutil._ntuple_diskusage(9, 9, 1200))
    check_space(tmp_path / "not" / "there" / "yet", 1000)
    expected = r"not/there/yet: 1,201 bytes needed \(1\.2 times the estimate of 1,001\), 1,200 free\. Free space"
    with pytest.raises(StorageError, match=expected):
        check_space(tmp_path / "not" / "there" / "yet", 1001)


def test_the_space_that_is_measured_is_that_of_the_disk(tmp_path):
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    check_space(tmp_path, free // 4)
    with pytest.raises(StorageError):
        check_space(tmp_path, free * 4)
