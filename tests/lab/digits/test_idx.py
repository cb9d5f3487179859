"""IDX files written here, byte by byte, and every way of breaking them."""

import gzip
import struct

import numpy as np
import pytest

from subtrait.errors import InvalidInput
from subtrait.lab.digits.idx import read_images, read_labels

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 4, 5), dtype=np.uint8)
IMAGES = struct.pack(">4I", 2051, 3, 4, 5) + PIXELS.tobytes()
LABELS = struct.pack(">2I", 2049, 4) + bytes([9, 0, 3, 3])


@pytest.fixture(params=["plain", "gz"])
def written(request, tmp_path):
    """Write bytes as they are, or as .gz; gives the path."""

    def write(content):
        path = tmp_path / ("file.gz" if request.param == "gz" else "file-ubyte")
        path.write_bytes(gzip.compress(content) if request.param == "gz" else content)
        return path

    return write


def refused(read, path):
    with pytest.raises(InvalidInput) as caught:
        read(path)
    return caught.value


def test_pictures_come_back_as_they_were(written):
    found = read_images(written(IMAGES))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, PIXELS)


def test_labels_come_back_as_they_were(written):
    assert read_labels(written(LABELS)).tolist() == [9, 0, 3, 3]


@pytest.mark.parametrize("length", range(len(IMAGES)))
def test_every_shorter_file_is_refused_where_it_ends(written, length):
    error = refused(read_images, written(IMAGES[:length]))
    assert error.code == "E_IDX"
    assert f"cut short at byte {length}" in str(error)
    assert error.where.endswith(("file.gz", "file-ubyte"))


@pytest.mark.parametrize("length", range(len(LABELS)))
def test_every_shorter_file_of_labels_is_refused(written, length):
    assert f"cut short at byte {length}" in str(refused(read_labels, written(LABELS[:length])))


@pytest.mark.parametrize("extra", [1, 2**20])
def test_labels_after_the_last_are_refused(written, extra):
    assert f"too long: bytes follow at byte {len(LABELS)}" in str(refused(read_labels, written(LABELS + bytes(extra))))


@pytest.mark.parametrize("extra", [1, 2**21])
def test_bytes_after_the_end_are_refused(written, extra):
    error = refused(read_images, written(IMAGES + bytes(extra)))
    assert (error.code, f"too long: bytes follow at byte {len(IMAGES)}" in str(error)) == ("E_IDX", True)


@pytest.mark.parametrize(
    ("read", "content", "magic"),
    [
        (read_images, LABELS + bytes(20), "0x00000801"),
        (read_labels, IMAGES, "0x00000803"),
        (read_images, struct.pack("<4I", 2051, 3, 4, 5) + PIXELS.tobytes(), "0x03080000"),
        (read_images, b"\x00\x00\x0d\x03" + IMAGES[4:], "0x00000d03"),  # 32-bit floats
        (read_images, b"\x80\x04\x95\x00" + IMAGES[4:], "0x80049500"),  # a pickle
    ],
)
def test_another_magic_number_is_refused_at_byte_0(written, read, content, magic):
    error = refused(read, written(content))
    assert error.code == "E_IDX"
    assert f"at byte 0: the magic number is {magic}" in str(error)


@pytest.mark.parametrize(
    ("sizes", "offset"),
    [
        ((0, 4, 5), 4),
        ((3, 0, 5), 8),
        ((3, 4, 0), 12),
        ((2**32 - 1, 1, 1), 4),
        ((3, 2**31, 1), 8),
        ((2**16, 2**15, 2), 12),
    ],
)
def test_sizes_of_nothing_or_too_much_are_refused_before_pixels_are_read(written, sizes, offset):
    error = refused(read_images, written(struct.pack(">4I", 2051, *sizes)))
    assert f"at byte {offset}: {sizes[offset // 4 - 1]} " in str(error)


@pytest.mark.parametrize("label", [10, 255])
def test_a_label_that_is_no_digit_is_refused_at_its_byte(written, label):
    error = refused(read_labels, written(LABELS[:-2] + bytes([label, 3])))
    assert f"at byte 10: label {label}; allowed are 0 to 9" in str(error)


def test_a_gz_file_that_is_none_or_cut_or_damaged_is_refused(tmp_path):
    path = tmp_path / "file.gz"
    packed = gzip.compress(IMAGES)
    damaged = bytearray(packed)
    damaged[-6] ^= 1  # in the checksum
    for content in (IMAGES, packed[:-1], bytes(damaged)):
        path.write_bytes(content)
        error = refused(read_images, path)
        assert (error.code, "byte" in str(error)) == ("E_GZIP", True)


@pytest.mark.parametrize("kept", [0, 1, 9, 18, 30])
def test_a_gz_file_cut_anywhere_is_refused_with_its_name(tmp_path, kept):
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(IMAGES)[:kept])
    error = refused(read_images, path)
    assert error.code in ("E_GZIP", "E_IDX")  # nothing at all is an empty file, and no torn one
    assert "byte" in str(error)
    assert error.where == str(path)


def test_no_regular_file_is_refused(tmp_path):
    assert refused(read_images, tmp_path / "missing").code == "E_PATH"
    assert refused(read_images, tmp_path).code == "E_PATH"
