import hashlib
import os

import pytest

from subtrait.data.limits import Limits
from subtrait.data.opening import CHUNK, DataFile, open_file
from subtrait.errors import InvalidInput


def opened(root, name, limits=None):
    return open_file(DataFile(root, name), limits or Limits())


@pytest.mark.parametrize("size", [0, 1, CHUNK, 2 * CHUNK + 1])
def test_the_digest_is_of_the_bytes_that_were_handed_out(tmp_path, size):
    data = os.urandom(size)
    (tmp_path / "a").write_bytes(data)
    with opened(tmp_path, "a") as file:
        handed = b"".join(file.chunks())
        assert (handed, file.size, file.position) == (data, size, size)
        assert file.sha256 == hashlib.sha256(data).hexdigest()


def test_a_file_is_opened_once_and_closed_again(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    before = len(os.listdir("/dev/fd"))
    with opened(tmp_path, "a") as file:
        os.replace(tmp_path / "a", tmp_path / "b")
        with pytest.raises(InvalidInput, match="E_CHANGED"):
            list(file.chunks())
        assert file.sha256 == hashlib.sha256(b"x").hexdigest()
    assert len(os.listdir("/dev/fd")) == before
    with pytest.raises(InvalidInput, match="E_PATH"), opened(tmp_path, "a"):
        pass
    assert len(os.listdir("/dev/fd")) == before


def test_a_folder_swapped_for_a_link_after_it_was_listed_is_not_entered(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a").write_bytes(b"secret")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "part").symlink_to(tmp_path / "outside")
    with pytest.raises(InvalidInput, match="E_PATH"), opened(tmp_path / "root", "part/a"):
        pass


def test_a_file_swapped_for_a_link_between_look_and_opening_is_not_followed(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"x")
    look = os.stat

    def swap(path, **options):
        status = look(path, **options)
        os.replace(tmp_path / "link", tmp_path / "a")
        return status

    (tmp_path / "link").symlink_to("/etc/hostname")
    monkeypatch.setattr(os, "stat", swap)
    with pytest.raises(InvalidInput, match="a link, which is not followed"), opened(tmp_path, "a"):
        pass


def test_a_file_over_the_limit_is_refused(tmp_path):
    (tmp_path / "a").write_bytes(b"xx")
    with pytest.raises(InvalidInput, match="E_LIMIT"), opened(tmp_path, "a", Limits(file_bytes=1)):
        pass
    with opened(tmp_path, "a", Limits(file_bytes=2)) as file:
        assert file.size == 2
