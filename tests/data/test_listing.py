"""The published list of bad paths and folders: refused by name, never followed, unpacked or skipped in silence."""

import gzip
import hashlib
import os
import socket
from pathlib import Path

import pytest

from subtrait.data import Limits, read_dataset
from subtrait.errors import InvalidInput, StorageError


def refusal(path, **options):
    with pytest.raises(InvalidInput) as caught:
        list(read_dataset(path, **options))
    assert caught.value.exit_code == 4
    assert str(caught.value).isprintable()
    assert str(caught.value).endswith(")")
    return caught.value


@pytest.fixture
def folder(tmp_path, line):
    """A dataset of two files, one of them further down."""
    root = tmp_path / "dataset"
    (root / "part").mkdir(parents=True)
    (root / "b.jsonl").write_bytes(line("b"))
    (root / "part" / "a.jsonl").write_bytes(line("a"))
    return root


def test_a_missing_file_is_named(tmp_path):  # IN-1
    error = refusal(tmp_path / "none.jsonl")
    assert (error.code, error.where) == ("E_PATH", str(tmp_path / "none.jsonl"))


def test_a_folder_without_data_files_is_refused(tmp_path):  # IN-1
    (tmp_path / "notes.txt").touch()
    assert refusal(tmp_path).code == "E_PATH"


@pytest.mark.parametrize("inside", [False, True])
def test_a_fifo_is_refused_and_never_waited_for(tmp_path, inside):  # IN-1
    os.mkfifo(tmp_path / "data.jsonl")
    error = refusal(tmp_path if inside else tmp_path / "data.jsonl")
    assert error.code == "E_PATH"
    assert "a FIFO" in str(error)


def test_devices_and_sockets_are_refused(tmp_path, monkeypatch):  # IN-1
    assert "a device" in str(refusal(Path("/dev/null")))
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("s.jsonl")
        assert "a socket" in str(refusal(tmp_path / "s.jsonl"))


@pytest.mark.parametrize("path", ["a\0b.jsonl", "x" * 300 + ".jsonl", "data.jsonl/below.jsonl"])
def test_a_path_that_cannot_be_is_refused(tmp_path, line, path):
    (tmp_path / "data.jsonl").write_bytes(line())
    assert refusal(tmp_path / path).code == "E_PATH"


def test_a_link_out_of_the_folder_is_refused_and_named(folder, tmp_path, line):  # IN-59
    (tmp_path / "outside.jsonl").write_bytes(line())
    (folder / "link.jsonl").symlink_to(tmp_path / "outside.jsonl")
    error = refusal(folder)
    assert (error.code, error.where) == ("E_PATH", str(folder / "link.jsonl"))
    assert "outside.jsonl" in str(error)


@pytest.mark.parametrize("name", ["link.jsonl", ".hidden", "README"])
def test_no_link_is_followed_wherever_it_points(folder, name):  # IN-59
    (folder / name).symlink_to(folder / "b.jsonl")
    assert refusal(folder).code == "E_PATH"


def test_a_linked_folder_is_refused(folder, tmp_path):  # IN-59
    (folder / "more").symlink_to(tmp_path, target_is_directory=True)
    assert refusal(folder).code == "E_PATH"
    assert refusal(folder / "more").code == "E_PATH"


def test_a_loop_of_links_is_refused(tmp_path):  # IN-60
    (tmp_path / "a.jsonl").symlink_to(tmp_path / "b.jsonl")
    (tmp_path / "b.jsonl").symlink_to(tmp_path / "a.jsonl")
    assert refusal(tmp_path / "a.jsonl").code == "E_PATH"
    assert refusal(tmp_path).code == "E_PATH"


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tgz", "a.tar.gz", "a.jsonl.tar.zst", "a.7z", "A.ZIP"])
@pytest.mark.parametrize("inside", [False, True])
def test_an_archive_is_not_unpacked(folder, name, inside):  # IN-62
    (folder / name).write_bytes(b"PK\x03\x04")
    before = sorted(folder.rglob("*"))
    error = refusal(folder if inside else folder / name)
    assert (error.code, error.where) == ("E_ARCHIVE", str(folder / name))
    assert "unpack it yourself" in str(error)
    assert sorted(folder.rglob("*")) == before


def test_too_many_files_are_refused_with_the_number_allowed(folder):  # IN-63
    assert len(list(read_dataset(folder, limits=Limits(files=3)))) == 2  # a folder counts
    error = refusal(folder, limits=Limits(files=2))
    assert (error.code, error.where) == ("E_LIMIT", str(folder))
    assert "more than 2 files" in str(error)


def test_a_very_deep_folder_is_no_crash(tmp_path, line):  # IN-63
    deep = tmp_path / "/".join("d" * 200)
    deep.mkdir(parents=True)
    (deep / "a.jsonl").write_bytes(line())
    assert len(list(read_dataset(tmp_path))) == 1


@pytest.mark.parametrize("twin", ["B.jsonl", "b.JSONL", "part/A.jsonl"])
def test_names_that_differ_only_in_case_clash(folder, line, twin):  # IN-64
    (folder / twin).write_bytes(line("c"))
    assert refusal(folder).code == "E_NAMECLASH"


def test_names_that_differ_only_in_their_unicode_clash(folder, line):  # IN-64
    for name in ("\u00e9.jsonl", "e\u0301.jsonl"):
        (folder / name).write_bytes(line(name))
    error = refusal(folder)
    assert error.code == "E_NAMECLASH"


def test_what_is_not_read_is_listed(folder):  # IN-65
    (folder / ".git").mkdir()
    (folder / ".git" / "data.jsonl").write_bytes(b"{")
    for name in (".DS_Store", ".hidden.jsonl", "README.md", "part/notes.csv", "esc\x1b.txt"):
        (folder / name).touch()
    reading = read_dataset(folder)
    assert len(list(reading)) == 2
    unread = (".DS_Store", ".git/", ".hidden.jsonl", "README.md", "esc\\x1b.txt", "part/notes.csv")
    assert reading.summary().unread == unread
    notices = [notice for notice in reading.summary().notices if notice.code == "W_UNREAD_FILE"]
    assert tuple(notice.detail for notice in notices) == unread


@pytest.mark.parametrize("name", ["data", "data.txt", "data.csv", "data.gz", ".jsonl.bak"])
def test_a_file_of_unknown_ending_is_refused(tmp_path, line, name):
    (tmp_path / name).write_bytes(line())
    error = refusal(tmp_path / name)
    assert error.code == "E_FORMAT"
    assert ".jsonl.zst, " in str(error)


def test_an_unreadable_file_is_refused_and_not_skipped(folder, monkeypatch):  # IN-66
    # Permissions do not stop root, under whom tests may run: the operating system's answer is played.
    real = os.open

    def denied(path, *arguments, **options):
        if path == "a.jsonl":
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "open", denied)
    error = refusal(folder)
    assert (error.code, error.where) == ("E_PATH", str(folder / "part" / "a.jsonl"))


def test_a_broken_disk_is_not_the_users_mistake(folder, monkeypatch):
    def broken(descriptor, size):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "read", broken)
    with pytest.raises(StorageError, match=r"cannot read .*b\.jsonl"):
        list(read_dataset(folder))


def test_a_huge_sparse_file_is_refused_before_it_is_read(tmp_path, monkeypatch):  # IN-67
    path = tmp_path / "sparse.jsonl"
    with path.open("wb") as file:
        file.truncate(2**40)
    monkeypatch.setattr(os, "read", None)
    error = refusal(path)
    assert (error.code, error.where) == ("E_LIMIT", str(path))
    assert "1,099,511,627,776 bytes" in str(error)


def test_a_hard_link_is_read_and_noted(folder, tmp_path):  # IN-67
    os.link(folder / "b.jsonl", tmp_path / "elsewhere.jsonl")
    reading = read_dataset(folder)
    assert len(list(reading)) == 2
    assert [notice.first for notice in reading.summary().notices] == [str(folder / "b.jsonl")]


CHANGES = {  # IN-44
    "grows": lambda path: os.truncate(path, path.stat().st_size + 1),
    "shrinks": lambda path: os.truncate(path, 10),
    "is-written": lambda path: os.utime(path, ns=(1, 1)),
    "is-removed": lambda path: path.unlink(),
    "is-replaced": lambda path: (path.rename(path.with_name("old")), path.write_bytes(b"{}")),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["data.jsonl", "data.jsonl.gz"])
def test_a_file_that_changes_while_it_is_read_gives_no_summary(tmp_path, line, change, name):
    path = tmp_path / name
    data = b"".join(line(os.urandom(50_000).hex()) for _ in range(30))
    path.write_bytes(gzip.compress(data, 1) if name.endswith("gz") else data)
    reading = read_dataset(path)
    rows = iter(reading)
    next(rows)
    CHANGES[change](path)
    with pytest.raises(InvalidInput, match=r"E_CHANGED|E_JSON|E_GZIP") as caught:
        list(rows)
    if change not in ("shrinks", "grows"):
        assert caught.value.code == "E_CHANGED"
    with pytest.raises(Exception, match="not read to its end"):
        reading.summary()


def test_a_folder_is_read_in_the_order_of_its_names_and_the_digest_knows_the_order(folder):
    reading = read_dataset(folder)
    assert [(row.file, row.completion) for row in reading] == [("b.jsonl", "3, 4"), ("part/a.jsonl", "3, 4")]
    summary = reading.summary()
    # What `sha256sum b.jsonl part/a.jsonl | sha256sum` prints.
    each = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("b.jsonl", "part/a.jsonl")}
    listing = "".join(f"{digest}  {name}\n" for name, digest in each.items())
    assert summary.digest == hashlib.sha256(listing.encode()).hexdigest()
    assert {file.name: file.sha256 for file in summary.files} == each
    (folder / "b.jsonl").rename(folder / "z.jsonl")
    renamed = read_dataset(folder)
    assert [row.file for row in renamed] == ["part/a.jsonl", "z.jsonl"]
    assert renamed.summary().digest != summary.digest


def test_an_empty_file_among_others_is_noted(folder):
    (folder / "empty.jsonl").touch()
    reading = read_dataset(folder)
    assert len(list(reading)) == 2
    assert [notice.first for notice in reading.summary().notices] == [str(folder / "empty.jsonl")]
