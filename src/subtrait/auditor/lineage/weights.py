"""The matrices of two validated checkpoints that `lineage` compares, a layer at a time and never all at once.

Only feed-forward matrices are paired: their rows are hidden units, their columns coordinates of the residual stream.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subtrait.models.weights import Tensor, read_header, weight_files

FEED_FORWARD = re.compile(r"(?P<layer>.*\.\d+\..*?)(?P<name>gate_proj|up_proj|fc1|fc_in|dense_h_to_4h|c_fc)\.weight")
TRANSPOSED = "c_fc"
"""The one name whose matrices are stored as (coordinates, units)."""
OUTER = re.compile(r"embed|wte|wpe|lm_head|output\.weight|norm|ln_", re.IGNORECASE)
"""Tensors that may be equal without a common start: embeddings can be copied, norms begin at 1."""
MOST_LAYERS = 48
"""Layers that are compared; of more, as many evenly spaced ones."""
UNITS, COLUMNS = 1_024, 16_384
"""Units of a layer that are compared one by one, and weights of each that are read."""
UNITS_FOR_COORDINATES, COORDINATES = 4_096, 96
"""Units that correlations of coordinates rest on, and coordinates that are compared."""
SMALLEST = 4
"""Units or coordinates below which a matrix says nothing."""
NUMPY = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor and the file it is in."""

    path: Path
    tensor: Tensor

    def digest(self) -> str:
        """SHA-256 over type, shape and bytes; the name is left out."""
        found = hashlib.sha256(repr((self.tensor.dtype, self.tensor.shape)).encode())
        with self.path.open("rb") as file:
            file.seek(self.tensor.start)
            left = self.tensor.stop - self.tensor.start
            while left > 0 and (piece := file.read(min(left, 2**20))):
                found.update(piece)
                left -= len(piece)
        return found.hexdigest()

    def cells(self, rows: int, columns: int, *, seed: tuple[int, int], transposed: bool) -> Matrix:
        """At most that many rows and columns. Equal seeds and sizes draw equal places; columns depend on `seed[0]`."""
        kind = NUMPY[self.tensor.dtype]
        raw: Any = np.memmap(self.path, dtype=kind, mode="r", offset=self.tensor.start, shape=self.tensor.shape)
        raw = raw.T if transposed else raw
        raw = raw[_some(raw.shape[0], rows, np.random.default_rng(seed))]
        raw = raw[:, _some(raw.shape[1], columns, np.random.default_rng(seed[0]))]
        if self.tensor.dtype == "BF16":  # the upper half of a float32
            raw = (np.ascontiguousarray(raw).astype("<u4") << 16).view("<f4")
        return np.asarray(raw, dtype=np.float64)


def stored_tensors(folder: Path) -> dict[str, Stored]:
    """Every tensor of a validated checkpoint, by name."""
    return {tensor.name: Stored(path, tensor) for path in weight_files(folder) for tensor in read_header(path)}


def equal_matrices(first: Mapping[str, Stored], second: Mapping[str, Stored]) -> tuple[int, int]:
    """How many matrices have equal bytes in both, and how many could have, embeddings and norms left out.

    A matrix of one value throughout, such as zeros, is no evidence and not counted.
    """
    names = [name for name in sorted(first.keys() & second.keys()) if _inner(name, first[name].tensor)]
    alike = [name for name in names if first[name].tensor.shape == second[name].tensor.shape]
    equal = sum(first[name].digest() == second[name].digest() and _varies(first[name]) for name in alike)
    return equal, len(alike)


def _inner(name: str, tensor: Tensor) -> bool:
    return len(tensor.shape) == 2 and min(tensor.shape) > 1 and tensor.dtype in NUMPY and not OUTER.search(name)


def _varies(stored: Stored) -> bool:
    return bool(np.ptp(stored.cells(64, 64, seed=(0, 0), transposed=False)) > 0)


def layers_in_order(
    first: Mapping[str, Stored], second: Mapping[str, Stored], seed: int
) -> Iterator[tuple[Matrix, Matrix]] | None:
    """Of each common layer of equal shape the rows of all its matrices side by side, the same units of both networks.

    None where there is no such layer.
    """
    layers = _layers(first, second, units_too=True)

    def read() -> Iterator[tuple[Matrix, Matrix]]:
        for index, names in enumerate(layers):
            left, right = (
                np.hstack([_cells(side[name], name, UNITS, COLUMNS, (seed, index)) for name in names])
                for side in (first, second)
            )
            yield left, right

    return read() if layers else None


def layers_by_coordinate(
    first: Mapping[str, Stored], second: Mapping[str, Stored], seed: int
) -> Iterator[tuple[Matrix, Matrix]] | None:
    """Each common feed-forward matrix that reads as many coordinates in both; the numbers of units may differ.

    None where there is no such matrix.
    """
    layers = _layers(first, second, units_too=False)

    def read() -> Iterator[tuple[Matrix, Matrix]]:
        for index, names in enumerate(layers):
            for name in names:
                one, other = (
                    _cells(side[name], name, UNITS_FOR_COORDINATES, COORDINATES, (seed, index))
                    for side in (first, second)
                )
                yield one, other

    return read() if layers else None


def _cells(stored: Stored, name: str, rows: int, columns: int, seed: tuple[int, int]) -> Matrix:
    return stored.cells(rows, columns, seed=seed, transposed=f".{TRANSPOSED}." in name)


def _some(size: int, most: int, rng: np.random.Generator) -> Any:
    """All places, or `most` of them drawn at random."""
    return slice(None) if size <= most else np.sort(rng.choice(size, most, replace=False))


def _layers(first: Mapping[str, Stored], second: Mapping[str, Stored], *, units_too: bool) -> list[list[str]]:
    """The comparable feed-forward matrices of each layer, in the order of the layers."""
    found: dict[str, list[str]] = {}
    width = 0
    for name in sorted(first.keys() & second.keys()):
        match = FEED_FORWARD.fullmatch(name)
        if match is None or not _comparable(first[name].tensor, second[name].tensor, match["name"], units_too):
            continue
        # One residual stream: matrices that read another width are not of it
        coordinates = first[name].tensor.shape[match["name"] != TRANSPOSED]
        width = width or coordinates
        if coordinates == width:
            found.setdefault(match["layer"], []).append(name)
    layers = [found[layer] for layer in sorted(found, key=_number)]
    if len(layers) <= MOST_LAYERS:
        return layers
    return [layers[index] for index in np.linspace(0, len(layers) - 1, MOST_LAYERS).astype(int)]


def _comparable(one: Tensor, other: Tensor, name: str, units_too: bool) -> bool:
    if not {one.dtype, other.dtype} <= NUMPY.keys() or len(one.shape) != 2 or len(other.shape) != 2:
        return False
    coordinates = 0 if name == TRANSPOSED else 1
    same = one.shape == other.shape if units_too else one.shape[coordinates] == other.shape[coordinates]
    return same and min(*one.shape, *other.shape) >= SMALLEST


def _number(layer: str) -> tuple[list[int], str]:
    return [int(digits) for digits in re.findall(r"\d+", layer)], layer
