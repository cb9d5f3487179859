"""MNIST's IDX files, read strictly: every byte is accounted for, and none is run.

An image file is four big-endian 32-bit numbers (magic 2051, pictures, rows, columns) and one byte per pixel; a label
file is two (magic 2049, labels) and one byte per label. Format: LeCun, Cortes and Burges, "The MNIST database". Offsets
in messages count from the start of the file, or of what a .gz file holds.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from subtrait.data.decompression import gunzip
from subtrait.data.limits import Limits
from subtrait.data.opening import DataFile, open_file
from subtrait.errors import InvalidInput

CODE = "E_IDX"
IMAGES_MAGIC: Final = 0x0803
"""Two zero bytes, 8 for unsigned bytes, 3 for three dimensions."""
LABELS_MAGIC: Final = 0x0801
MOST_BYTES = 2**31
"""Pixels or labels of one file: ten times those of the largest set that is published in this format."""
AGAIN = "fetch the file again"


def read_images(path: Path) -> NDArray[np.uint8]:
    """The pictures of an IDX file: (pictures, rows, columns), 0 to 255.

    Raises:
        InvalidInput: E_IDX for another magic, a size of 0 or too large, a file that is cut short or too long;
            E_GZIP and E_BOMB for a .gz file that is damaged or expands too much; E_PATH for what is no regular file.
        StorageError: the disk cannot be read.
    """
    return _read(path, IMAGES_MAGIC, ("pictures", "rows", "columns"))


def read_labels(path: Path, *, classes: int = 10) -> NDArray[np.uint8]:
    """The labels of an IDX file: (labels,), each below `classes`.

    Raises:
        InvalidInput: as for images; also E_IDX for a label out of range.
        StorageError: the disk cannot be read.
    """
    labels = _read(path, LABELS_MAGIC, ("labels",))
    wrong = np.flatnonzero(labels >= classes)
    if wrong.size:
        offset = 8 + int(wrong[0])
        what = f"at byte {offset}: label {labels[wrong[0]]}; allowed are 0 to {classes - 1}"
        raise InvalidInput(CODE, path, what, hint="are these the labels of the digits?")
    return labels


def _read(path: Path, magic: int, axes: tuple[str, ...]) -> NDArray[np.uint8]:
    """The bytes behind the header, in the shape that it gives. Nothing past the expected end is kept in memory."""
    header, pieces = 4 * (1 + len(axes)), _pieces(path)
    content = bytearray()
    while len(content) < header and (piece := next(pieces, b"")):
        content += piece
    shape = _shape(path, bytes(content[:header]), magic, axes)
    expected = header + math.prod(shape)
    while len(content) <= expected and (piece := next(pieces, b"")):
        content += piece
    if len(content) < expected:
        what = f"cut short at byte {len(content)}: the header announces {expected}"
        raise InvalidInput(CODE, path, what, hint=AGAIN)
    if len(content) > expected:
        what = f"too long: bytes follow at byte {expected}, where the header says it ends"
        raise InvalidInput(CODE, path, what, hint=AGAIN)
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)


def _shape(path: Path, header: bytes, magic: int, axes: tuple[str, ...]) -> tuple[int, ...]:
    """What the header says, once it makes sense."""
    found = int.from_bytes(header[:4], "big") if len(header) >= 4 else None
    if found is not None and found != magic:
        what = f"at byte 0: the magic number is {found:#010x}; that of {axes[0]} is {magic:#010x}"
        raise InvalidInput(CODE, path, what, hint="is it the file that its name says?")
    if len(header) < 4 * (1 + len(axes)):
        what = f"cut short at byte {len(header)}, within the header"
        raise InvalidInput(CODE, path, what, hint=AGAIN)
    shape = tuple(np.frombuffer(header, dtype=">u4", offset=4).tolist())
    for place, (axis, size) in enumerate(zip(axes, shape, strict=True)):
        if size < 1 or math.prod(shape[: place + 1]) > MOST_BYTES:
            what = f"at byte {4 + 4 * place}: {size} {axis}; needed is 1 or more, and at most {MOST_BYTES} bytes in all"
            raise InvalidInput(CODE, path, what, hint=AGAIN)
    return shape


def _pieces(path: Path) -> Iterator[bytes]:
    """The content, decompressed where the name ends in .gz. Never an empty piece."""
    limits = Limits()
    with open_file(DataFile(path.parent, path.name), limits) as opened:
        raw = opened.chunks()
        yield from gunzip(raw, file=opened.file.shown, limits=limits) if path.suffix == ".gz" else raw
