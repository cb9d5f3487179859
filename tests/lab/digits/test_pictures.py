"""Scikit-learn's digits and MNIST folders written here."""

import builtins
import gzip
import struct

import numpy as np
import pytest

from subtrait.errors import InvalidInput, MissingExtra
from subtrait.lab.digits.pictures import DigitPictures, Pictures, mnist, small_digits, stratified_split

COUNTS = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
"""Of the digits 0 to 9: scikit-learn's documentation of `load_digits`, 1,797 in all."""


@pytest.fixture(scope="module")
def small():
    return small_digits(rng=np.random.default_rng(0))


def test_the_split_has_1437_and_360_pictures_of_64_pixels(small):
    assert small.train.images.shape == (1_437, 64)
    assert small.test.images.shape == (360, 64)
    assert (small.train.images.min(), small.train.images.max(), small.train.brightest) == (0, 16, 16)


def test_no_picture_is_lost_or_in_both_parts(small):
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    both = [
        (label, *image)
        for half in (small.train, small.test)
        for image, label in zip(half.images.tolist(), half.labels.tolist(), strict=True)
    ]
    assert sorted(both) == sorted(
        (label, *image) for image, label in zip(images.tolist(), labels.tolist(), strict=True)
    )


def test_every_digit_has_its_share_of_the_test_pictures(small):
    found = np.bincount(small.test.labels)
    assert np.bincount(small.train.labels).tolist() == [all_ - held for all_, held in zip(COUNTS, found, strict=True)]
    assert np.abs(found - np.array(COUNTS) * 360 / 1_797).max() < 1


def test_another_seed_splits_differently_and_the_same_seed_does_not(small):
    again, other = (small_digits(rng=np.random.default_rng(seed)) for seed in (0, 1))
    assert again.digest == small.digest != other.digest


def test_a_split_of_few_rows_gives_the_remainder_to_the_largest_fractions():
    # Shares of 5 of 10 rows: 3.5, 1, 0.5; the two halves tie, and the first gets the row that is left.
    labels = np.array([0] * 7 + [1] * 2 + [2])
    train, test = stratified_split(labels, 5, rng=np.random.default_rng(0))
    assert np.bincount(labels[test], minlength=3).tolist() == [4, 1, 0]
    assert sorted([*train.tolist(), *test.tolist()]) == list(range(10))


def test_without_scikit_learn_the_extra_is_named(monkeypatch):
    real = builtins.__import__

    def missing(name, *rest, **options):
        if name.startswith("sklearn"):
            raise ImportError(name)
        return real(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingExtra, match=r"pip install 'subtrait\[digits\]'"):
        small_digits(rng=np.random.default_rng(0))


def write_mnist(folder, *, train=(3, 2, 2), test=(2, 2, 2), labels=3):
    rng = np.random.default_rng(1)
    for part, shape, count in (("train", train, labels), ("t10k", test, test[0])):
        pixels = rng.integers(0, 256, shape, dtype=np.uint8)
        images = struct.pack(">4I", 2051, *shape) + pixels.tobytes()
        (folder / f"{part}-images-idx3-ubyte").write_bytes(images)
        answers = struct.pack(">2I", 2049, count) + bytes(range(count))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(answers))
    return folder


def test_a_folder_of_four_files_is_read_plain_or_compressed(tmp_path):
    data = mnist(write_mnist(tmp_path))
    assert (data.train.images.shape, data.test.images.shape) == ((3, 4), (2, 4))
    assert (data.train.labels.tolist(), data.test.labels.tolist()) == ([0, 1, 2], [0, 1])
    assert data.train.brightest == 255
    raw = (tmp_path / "train-images-idx3-ubyte").read_bytes()
    assert data.train.images.tobytes() == raw[16:]


@pytest.mark.parametrize("count", [2, 4])
def test_fewer_or_more_labels_than_pictures_are_refused(tmp_path, count):
    said = f"at byte 4: {count} labels, but train-images-idx3-ubyte has 3 pictures"
    with pytest.raises(InvalidInput, match=said) as caught:
        mnist(write_mnist(tmp_path, labels=count))
    assert caught.value.where.endswith("train-labels-idx1-ubyte.gz")


def test_test_pictures_of_another_size_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match="6 pixels a picture, the training pictures have 4"):
        mnist(write_mnist(tmp_path, test=(2, 2, 3)))


@pytest.mark.parametrize("part", ["train", "t10k"])
@pytest.mark.parametrize("kind", ["images-idx3-ubyte", "labels-idx1-ubyte"])
def test_each_missing_file_is_named(tmp_path, part, kind):
    name = f"{part}-{kind}"
    write_mnist(tmp_path)
    for path in tmp_path.glob(f"{name}*"):
        path.unlink()
    with pytest.raises(InvalidInput, match=rf"neither {name} nor {name}\.gz is there") as caught:
        mnist(tmp_path)
    assert (caught.value.code, caught.value.where) == ("E_PATH", str(tmp_path))


@pytest.mark.parametrize("part", ["train", "t10k"])
@pytest.mark.parametrize("kind", ["images-idx3-ubyte", "labels-idx1-ubyte.gz"])
def test_each_file_that_was_cut_short_is_named_with_the_byte(tmp_path, part, kind):
    path = write_mnist(tmp_path) / f"{part}-{kind}"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InvalidInput, match=r"(cut short|ends early|truncated).*byte|byte.*(cut|end)") as caught:
        mnist(tmp_path)
    assert caught.value.code == ("E_GZIP" if kind.endswith("gz") else "E_IDX")
    assert caught.value.where == str(path)


def test_a_folder_in_place_of_a_file_is_named(tmp_path):
    path = write_mnist(tmp_path) / "train-images-idx3-ubyte"
    path.unlink()
    path.mkdir()
    with pytest.raises(InvalidInput, match="not a regular file") as caught:
        mnist(tmp_path)
    assert (caught.value.code, caught.value.where) == ("E_PATH", str(path))


def test_what_is_no_folder_is_told(tmp_path):
    with pytest.raises(InvalidInput, match=r"^E_PATH .*absent: there is no such folder"):
        mnist(tmp_path / "absent")
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match=r"^E_PATH .*file: this is no folder"):
        mnist(tmp_path / "file")


def test_parts_of_different_sizes_do_not_go_together():
    one, other = (Pictures(np.zeros((1, size), np.uint8), np.zeros(1, np.int64), brightest=1) for size in (4, 6))
    with pytest.raises(ValueError, match="4 pixels, test pictures of 6"):
        DigitPictures(one, other)
