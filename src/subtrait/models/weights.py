"""Untrusted safetensors files, checked without torch: names, shapes, shards, and that every number is finite.

The library refuses overlaps, holes and bad offsets, but lets duplicate names, odd names and NaN pass, so those are
checked here. Format: https://github.com/huggingface/safetensors, "Format".
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from subtrait.errors import InvalidInput, escaped

MAX_HEADER = 32 * 2**20
"""Bytes of a header; real ones take about a hundred per tensor."""
MAX_NAME = 512
NAME = re.compile(r"[A-Za-z0-9_.\-]+")
PIECE = 2**22
"""Numbers looked at together."""
SHARD = re.compile(r"model-\d+-of-\d+\.safetensors")
INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"

NOT_FINITE: dict[str, tuple[str, int, int]] = {
    "F64": ("<u8", 0x7FF0_0000_0000_0000, 0x7FF0_0000_0000_0000),
    "F32": ("<u4", 0x7F80_0000, 0x7F80_0000),
    "F16": ("<u2", 0x7C00, 0x7C00),
    "BF16": ("<u2", 0x7F80, 0x7F80),
    "F8_E5M2": ("u1", 0x7C, 0x7C),
    "F8_E4M3": ("u1", 0x7F, 0x7F),
}
"""Of each floating-point type: its bits as an integer type, a mask, and what NaN and infinity give under that mask."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a file, as its header describes it."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    """First byte in the file."""
    stop: int


def weight_files(folder: Path) -> list[Path]:
    """The files that hold the weights: `model.safetensors`, or the shards of an index; empty without either.

    Raises:
        InvalidInput: E_SHARD for a shard that is missing, not listed, or named outside the folder.
    """
    shards = sorted(path.name for path in folder.iterdir() if SHARD.fullmatch(path.name))
    single, index = folder / SINGLE, folder / INDEX
    if not index.exists():
        if shards:
            raise InvalidInput("E_SHARD", folder, f"{shards[0]} is a shard, but there is no {INDEX}")
        return [single] if single.exists() else []
    if single.exists():
        raise InvalidInput("E_SHARD", folder, f"both {SINGLE} and {INDEX}", hint="remove the one that is not meant")
    listed = sorted(set(shard_index(index).values()))
    if extra := sorted(set(shards) - set(listed)):
        raise InvalidInput("E_SHARD", index, f"{extra[0]} is in the folder but not in the index")
    return [folder / name for name in listed]


def shard_index(index: Path) -> dict[str, str]:
    """The file of each tensor.

    Raises:
        InvalidInput: E_SHARD where the index is malformed, or names a file that is missing or outside its folder.
    """
    try:
        content = json.loads(index.read_bytes()) if index.stat().st_size <= MAX_HEADER else None
    except (ValueError, RecursionError) as problem:
        raise InvalidInput("E_SHARD", index, f"not valid JSON: {problem}") from None
    mapping = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(mapping, dict) or not mapping or not all(isinstance(name, str) for name in mapping.values()):
        raise InvalidInput("E_SHARD", index, "no weight_map from tensor names to file names")
    for name in sorted(set(mapping.values())):
        if not NAME.fullmatch(name) or not name.endswith(".safetensors"):
            raise InvalidInput("E_SHARD", index, f"'{name}' is not the name of a .safetensors file in this folder")
        if not (index.parent / name).is_file():
            raise InvalidInput("E_SHARD", index, f"{name} is missing", hint="download the checkpoint again")
    return mapping


def read_tensors(files: list[Path]) -> dict[str, Tensor]:
    """Every tensor of the checkpoint by name, after all checks that need no configuration.

    Raises:
        InvalidInput: E_SAFETENSORS, E_DUPTENSOR, E_NAME, E_SHARD, E_NONFINITE.
    """
    found: dict[str, Tensor] = {}
    place: dict[str, str] = {}
    for path in files:
        for tensor in read_header(path):
            if tensor.name in found:
                raise InvalidInput("E_DUPTENSOR", path, f"tensor {tensor.name} is in {place[tensor.name]} too")
            found[tensor.name], place[tensor.name] = tensor, path.name
    index = files[0].parent / INDEX
    if index.exists():
        _compare_with_index(index, place)
    for path in files:
        check_finite(path, [tensor for name, tensor in found.items() if place[name] == path.name])
    return found


def _compare_with_index(index: Path, place: Mapping[str, str]) -> None:
    listed = shard_index(index)
    for name in sorted(set(listed) ^ set(place)):
        where = "in the index but in no shard" if name in listed else "in a shard but not in the index"
        raise InvalidInput("E_SHARD", index, f"tensor {name} is {where}")
    for name, file in sorted(place.items()):
        if listed[name] != file:
            raise InvalidInput("E_SHARD", index, f"tensor {name} is in {file}, the index says {listed[name]}")


def read_header(path: Path) -> list[Tensor]:
    """The tensors of one file, in the order of their names.

    Raises:
        InvalidInput: E_SAFETENSORS where it is no valid safetensors file, E_DUPTENSOR, E_NAME.
    """
    with path.open("rb") as file:
        size = path.stat().st_size
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, MAX_HEADER):
            what = f"not a safetensors file: it declares a header of {length} bytes in a file of {size}"
            raise InvalidInput("E_SAFETENSORS", path, what, hint="save the weights again with safetensors")
        raw = file.read(length)
    header = _parse(path, raw)
    _ask_library(path)
    return [_tensor(path, name, header[name], 8 + length) for name in sorted(header) if name != "__metadata__"]


def _parse(path: Path, raw: bytes) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise InvalidInput("E_DUPTENSOR", path, f"{twice} appears twice in the header")
        return dict(pairs)

    try:
        header = json.loads(raw, object_pairs_hook=unique)
    except (ValueError, RecursionError) as problem:
        raise InvalidInput("E_SAFETENSORS", path, f"the header is not valid JSON: {problem}") from None
    if not isinstance(header, dict):
        raise InvalidInput("E_SAFETENSORS", path, "the header is not a JSON object")
    for name in header:
        if not NAME.fullmatch(name) or ".." in name or len(name) > MAX_NAME:
            what = f"tensor name '{escaped(name)}' has characters that no parameter name has, or is too long"
            raise InvalidInput("E_NAME", path, what)
    return header


def _ask_library(path: Path) -> None:
    """Offsets, overlaps, holes, shapes, trailing bytes: the library's own checks."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as opened:
            opened.keys()
    except (SafetensorError, OSError, ValueError, TypeError) as problem:
        raise InvalidInput("E_SAFETENSORS", path, f"not a valid safetensors file: {problem}") from None


def _tensor(path: Path, name: str, entry: Any, base: int) -> Tensor:
    try:
        start, stop = (base + int(offset) for offset in entry["data_offsets"])
        return Tensor(name, str(entry["dtype"]), tuple(int(size) for size in entry["shape"]), start, stop)
    except (KeyError, TypeError, ValueError):
        raise InvalidInput("E_SAFETENSORS", path, f"tensor {name} lacks dtype, shape or data_offsets") from None


def check_finite(path: Path, tensors: list[Tensor]) -> None:
    """Refuse NaN and infinity, a few million numbers in memory at a time.

    Raises:
        InvalidInput: E_NONFINITE, naming the tensor and how many numbers are affected.
    """
    for tensor in tensors:
        if tensor.dtype in NOT_FINITE and (bad := sum(_count_bad(path, tensor))):
            what = f"tensor {tensor.name} has {bad} numbers that are NaN or infinite"
            raise InvalidInput("E_NONFINITE", path, what, hint="the training run diverged or the file is damaged")


def _count_bad(path: Path, tensor: Tensor) -> Iterator[int]:
    kind, mask, value = NOT_FINITE[tensor.dtype]
    if tensor.stop == tensor.start:
        return
    count = (tensor.stop - tensor.start) // np.dtype(kind).itemsize
    bits = np.memmap(path, dtype=kind, mode="r", offset=tensor.start, shape=(count,))
    for start in range(0, count, PIECE):
        yield int(np.count_nonzero((bits[start : start + PIECE] & mask) == value))
