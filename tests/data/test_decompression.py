import gzip
import random
import sys
import zlib

import pytest

from subtrait.data.decompression import PIECE, gunzip, unzstd
from subtrait.data.limits import Limits
from subtrait.errors import InvalidInput, MissingExtra

TEXT = random.Random(0).randbytes(5_000) + b"a" * 5_000
PACKED = gzip.compress(TEXT, mtime=0)


def cut(data, size):
    return [data[start : start + size] for start in range(0, len(data), size)]


def unpack(chunks, **limits):
    return b"".join(gunzip(chunks, file="data.jsonl.gz", limits=Limits(**limits)))


def refused(data, size=2**20, *, read=unpack, **limits):
    with pytest.raises(InvalidInput) as caught:
        read(cut(data, size), **limits)
    assert caught.value.where.startswith("data.jsonl.")
    return caught.value


@pytest.mark.parametrize("size", [1, 7, 4_096, 2**20])
@pytest.mark.parametrize("members", [1, 2, 3])
def test_members_are_joined_however_the_bytes_arrive(size, members):
    assert unpack(cut(PACKED * members, size)) == TEXT * members


def test_no_bytes_are_no_member():
    assert unpack([]) == b""


@pytest.mark.parametrize("left", [1, 9, 100, len(PACKED) - 1])
@pytest.mark.parametrize("size", [13, 2**20])
def test_a_truncated_stream_is_refused_with_its_length(left, size):
    error = refused(PACKED[:left], size)
    assert error.code == "E_GZIP"
    assert f"byte {left:,} of the file: it ends in the middle" in str(error)


@pytest.mark.parametrize("size", [13, 2**20])
def test_a_wrong_checksum_is_refused(size):
    assert "incorrect data check" in str(refused(PACKED[:-8] + bytes(4) + PACKED[-4:], size))
    assert "incorrect length check" in str(refused(PACKED[:-4] + bytes(4), size))


@pytest.mark.parametrize("tail", [b"garbage", bytes(512)])
def test_trailing_bytes_are_refused_at_their_offset(tail):
    error = refused(PACKED + tail)
    assert error.code == "E_GZIP"
    assert f"byte {len(PACKED):,} of the file: bytes that are no gzip follow its end" in str(error)


def test_a_bomb_is_stopped_at_the_ratio_and_never_held():  # IN-42
    bomb = gzip.compress(bytes(66 * 2**20))
    sizes = []
    pieces = gunzip([bomb], file="data.jsonl.gz", limits=Limits())
    with pytest.raises(InvalidInput) as caught:
        sizes.extend(map(len, pieces))
    assert caught.value.code == "E_BOMB"
    assert max(sizes) <= PIECE
    assert sum(sizes) <= 64 * 2**20
    assert "at most 200 times" in str(caught.value)


def test_small_files_may_expand_as_they_like_and_large_ones_up_to_the_cap():
    zeros = bytes(10_000)
    assert unpack([gzip.compress(zeros)], expansion=1, expansion_from=10_000) == zeros
    assert refused(gzip.compress(zeros), expansion=1, expansion_from=9_999).code == "E_BOMB"
    assert refused(gzip.compress(zeros), file_bytes=9_999).code == "E_BOMB"


def zstd_frame(content):
    """A zstd frame with one uncompressed block, by RFC 8878: magic, single segment with a 4-byte size, block."""
    block = (len(content) << 3 | 1).to_bytes(3, "little") + content
    return b"\x28\xb5\x2f\xfd" + bytes([0xA0]) + len(content).to_bytes(4, "little") + block


class RawFrame:
    """Reads frames as `zstd_frame` writes them, with the interface of `zstandard`: for machines without it."""

    def __init__(self):
        self.held, self.eof, self.unused_data = b"", False, b""

    def decompress(self, data):
        self.held += data
        if self.held[:4] != b"\x28\xb5\x2f\xfd"[: len(self.held[:4])]:
            raise zlib.error("unknown frame descriptor")
        size = int.from_bytes(self.held[5:9], "little")
        if len(self.held) < 12 + size:
            return b""
        self.eof, self.unused_data = True, self.held[12 + size :]
        return self.held[12 : 12 + size]


class StandIn:
    ZstdError = zlib.error

    class ZstdDecompressor:
        def __init__(self, *, max_window_size):
            pass

        def decompressobj(self):
            return RawFrame()


def unpack_zstd(chunks, **limits):
    return b"".join(unzstd(chunks, file="data.jsonl.zst", limits=Limits(**limits)))


@pytest.fixture(params=["stand-in", "package"])
def zstd(request, monkeypatch):
    """The package where it is installed; a stand-in in any case."""
    try:
        import zstandard  # noqa: F401
    except ImportError:
        request.param = "stand-in"
    if request.param == "stand-in":
        monkeypatch.setitem(sys.modules, "zstandard", StandIn)


@pytest.mark.usefixtures("zstd")
@pytest.mark.parametrize("size", [1, 700, 2**20])
def test_zstd_frames_are_joined_however_the_bytes_arrive(size):
    data = zstd_frame(TEXT) + zstd_frame(b"x") + zstd_frame(TEXT)
    assert unpack_zstd(cut(data, size)) == TEXT + b"x" + TEXT


@pytest.mark.usefixtures("zstd")
@pytest.mark.parametrize("size", [700, 2**20])
def test_a_damaged_zstd_stream_is_refused(size):
    data = zstd_frame(TEXT)
    short, after = (refused(bad, size, read=unpack_zstd) for bad in (data[:-1], data + b"garbage"))
    assert (short.code, after.code) == ("E_ZSTD", "E_ZSTD")
    assert f"byte {len(data) - 1:,} of the file: it ends in the middle" in str(short)
    assert f"byte {len(data):,} of the file: bytes that are no zstd follow" in str(after)


@pytest.mark.usefixtures("zstd")
def test_a_zstd_stream_is_held_to_the_same_ratio():
    assert refused(zstd_frame(TEXT), read=unpack_zstd, expansion=1, expansion_from=1, file_bytes=9_999).code == "E_BOMB"


def test_without_the_package_the_error_says_how_to_install_it(read, monkeypatch):
    monkeypatch.setitem(sys.modules, "zstandard", None)
    done = read(zstd_frame(b"{}"), "data.jsonl.zst")
    assert isinstance(done.error, MissingExtra)
    assert "subtrait[data]" in str(done.error)
