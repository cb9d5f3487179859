"""Labelled pictures of digits, and where they come from: scikit-learn's 8 × 8 ones, or a folder with MNIST's files."""

import math
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subtrait.errors import InvalidInput, MissingExtra
from subtrait.lab.digits.idx import CODE, read_images, read_labels

HELD_OUT = 0.2
"""The share of scikit-learn's digits that is kept for testing, as in its own `train_test_split`: 360 of 1,797."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures of digits with their labels."""

    images: NDArray[np.uint8]
    """One row of pixels per picture, 0 to `brightest`: (pictures, pixels)."""
    labels: NDArray[np.int64]
    """0 to 9: (pictures,)."""
    brightest: int

    @property
    def pixels(self) -> int:
        """Of one picture."""
        return int(self.images.shape[1])


@dataclass(frozen=True, slots=True)
class DigitPictures:
    """What teachers are trained on, and what all models are tested with."""

    train: Pictures
    test: Pictures

    def __post_init__(self) -> None:
        """Refuse parts that do not belong together."""
        if self.train.pixels != self.test.pixels:
            raise ValueError(f"training pictures of {self.train.pixels} pixels, test pictures of {self.test.pixels}")

    @property
    def digest(self) -> str:
        """SHA-256 of all pictures and labels, in hexadecimal."""
        parts = (part for half in (self.train, self.test) for part in (half.images, half.labels.astype("<i8")))
        return sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


def small_digits(*, rng: np.random.Generator) -> DigitPictures:
    """The 1,797 digits of scikit-learn, 8 × 8 pixels of 0 to 16, split at random into 1,437 and 360.

    Every digit has its share in both parts. The pictures come with the package: nothing is fetched.

    Raises:
        MissingExtra: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise MissingExtra("the digits of scikit-learn", "digits") from None
    images, labels = load_digits(return_X_y=True)
    whole = Pictures(images.astype(np.uint8), labels.astype(np.int64), brightest=16)
    train, test = stratified_split(whole.labels, math.ceil(HELD_OUT * len(labels)), rng=rng)
    return DigitPictures(_rows(whole, train), _rows(whole, test))


def mnist(folder: Path) -> DigitPictures:
    """MNIST from the folder with its four files, `train-images-idx3-ubyte` and so on, each as it is or as .gz.

    Where a file is there in both forms, the plain one is read.

    Raises:
        InvalidInput: E_PATH for a folder or a file that is missing, or is none; E_IDX, E_GZIP or E_BOMB for a file that
            is not what its name says, or where the files do not fit each other.
        StorageError: the disk cannot be read.
    """
    if not folder.is_dir():
        what = "this is no folder" if folder.exists() else "there is no such folder"
        raise InvalidInput("E_PATH", folder, what, hint="give the folder with MNIST's four files")
    train, test = (_labelled(folder, part) for part in ("train", "t10k"))
    if train.pixels != test.pixels:
        where, what = folder / "t10k-images-idx3-ubyte", f"at byte 8: {test.pixels} pixels a picture"
        raise InvalidInput(CODE, where, f"{what}, the training pictures have {train.pixels}", hint="one set, one size")
    return DigitPictures(train, test)


def _labelled(folder: Path, part: str) -> Pictures:
    images_file, labels_file = _file(folder, f"{part}-images-idx3-ubyte"), _file(folder, f"{part}-labels-idx1-ubyte")
    images, labels = read_images(images_file), read_labels(labels_file)
    if len(images) != len(labels):
        what = f"at byte 4: {len(labels)} labels, but {images_file.name} has {len(images)} pictures"
        raise InvalidInput(CODE, labels_file, what, hint="both must come from one set")
    return Pictures(images.reshape(len(images), -1), labels.astype(np.int64), brightest=255)


def _file(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.exists():  # what is no file is refused where it is opened
            return path
    raise InvalidInput("E_PATH", folder, f"neither {name} nor {name}.gz is there", hint="give MNIST's four files")


def stratified_split(
    labels: NDArray[np.int64], held_out: int, *, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row numbers for training and for testing, `held_out` of them: each label in the second part by its share.

    Shares are rounded down, and what is missing goes to the labels with the largest remainders.
    """
    kinds, counts = np.unique(labels, return_counts=True)
    shares = counts * held_out / len(labels)
    wanted = np.floor(shares).astype(np.int64)
    largest = np.argsort(wanted - shares, kind="stable")[: held_out - int(wanted.sum())]
    wanted[largest] += 1
    chosen = [
        rng.permutation(np.flatnonzero(labels == kind))[:count] for kind, count in zip(kinds, wanted, strict=True)
    ]
    test = np.sort(np.concatenate(chosen))
    return np.setdiff1d(np.arange(len(labels)), test), test


def _rows(whole: Pictures, rows: NDArray[np.int64]) -> Pictures:
    return Pictures(whole.images[rows], whole.labels[rows], brightest=whole.brightest)
