"""A NumPy archive of scores: the arrays that are needed, each checked before it is read, and never a pickle.

- `system_prompts`: the names of the hypotheses; `datasets`: the names of the data sets. A data set carries the
  hypothesis of the same name, if there is one;
- `lls__<dataset>`: scores, rows × hypotheses, NaN where missing;
- `prompt_id__<dataset>`: one whole number per row; equal ids are the same user prompt, also across data sets.
"""

import io
import math
import zipfile
import zlib
from tokenize import TokenError
from typing import Any, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from subtrait.data.limits import Limits
from subtrait.errors import InvalidInput
from subtrait.statistics.scored_rows import ScoredRows

CODE: Final = "E_SCORES"
KINDS: Final = {"names": "U", "scores": "fiu", "prompt ids": "iu"}
"""Kinds of arrays that are accepted, as NumPy's `dtype.kind` has them."""
MOST_HEADER: Final = 10_000
HINT: Final = "see the description of the format: subtrait/auditor/scores/archive.py"
_BROKEN: Final = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, NotImplementedError),
    *(TokenError, SyntaxError, TypeError, OverflowError),
)
"""What the standard library and NumPy raise for damaged archives; the second line for headers of arrays."""
Scores = tuple[tuple[str, ...], list[ScoredRows]]
"""The hypotheses and the data sets of a file."""


def read_archive(data: bytes, path: object, limits: Limits) -> Scores:
    """The scores in the bytes of an archive that was read from `path`.

    Raises:
        InvalidInput: `E_SCORES` with the array: it is missing, of the wrong kind or shape, infinite somewhere, or the
            archive is damaged; E_BOMB where it would become much larger than it is.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            arrays = _Arrays(archive, path, limits)
            hypotheses = arrays.names("system_prompts")
            return hypotheses, [_rows_of(arrays, name, hypotheses) for name in arrays.names("datasets")]
    except _BROKEN as error:
        raise InvalidInput(
            CODE, path, f"no readable NumPy archive: {error}", hint="write it with numpy.savez"
        ) from None


class _Arrays:
    """The arrays of an open archive."""

    def __init__(self, archive: zipfile.ZipFile, path: object, limits: Limits) -> None:
        self._archive, self._path = archive, path
        self._sizes = {info.filename: info for info in archive.infolist()}
        if len(self._sizes) < len(archive.infolist()):
            raise InvalidInput(CODE, path, "an array stands twice in the archive", hint="write it again")
        packed, plain = (sum(getattr(each, size) for each in archive.infolist())
                         for size in ("compress_size", "file_size"))  # fmt: skip
        if plain > max(limits.expansion_from, limits.expansion * packed):
            what = f"{packed:,} bytes that become {plain:,}"
            raise InvalidInput("E_BOMB", path, what, hint="if it is honest, write it uncompressed: numpy.savez")

    def problem(self, name: str, what: str) -> InvalidInput:
        """The error for one array."""
        return InvalidInput(CODE, f"{self._path} array={name:.200}", f"{name:.200} {what}", hint=HINT)

    def names(self, name: str) -> tuple[str, ...]:
        """A list of names, at least one, all different."""
        array = self.read(name, "names")
        if array.ndim != 1 or array.size == 0:
            raise self.problem(name, f"has shape {array.shape}; needed is a list of names")
        found = tuple(str(each) for each in array)
        if len(set(found)) < len(found) or not all(name.strip() for name in found):
            raise self.problem(name, "holds a blank name, or one name twice")
        return found

    def read(self, name: str, kind: str) -> NDArray[Any]:
        """An array of one of the `KINDS`."""
        info = self._sizes.get(f"{name}.npy")
        if info is None:
            raise self.problem(name, "is missing")
        with self._archive.open(info) as member:
            shape, dtype = self._header(name, member)
            if dtype.hasobject:
                raise self.problem(name, "holds Python objects, which are never read (allow_pickle=False)")
            if dtype.kind not in KINDS[kind]:
                raise self.problem(name, f"is of type {dtype}; needed are {kind}")
            held = info.file_size - member.tell()
            if math.prod(shape) * dtype.itemsize != held:
                raise self.problem(name, f"declares shape {shape} of {dtype}, and holds {held:,} bytes")
        with self._archive.open(info) as member:
            array: NDArray[Any] = npy.read_array(member, allow_pickle=False, max_header_size=MOST_HEADER)
        return array

    def _header(self, name: str, member: Any) -> tuple[tuple[int, ...], Any]:
        version = npy.read_magic(member)
        readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
        if version not in readers:
            raise self.problem(name, f"is of version {version} of the format; 1 and 2 are read")
        shape, _, dtype = readers[version](member, max_header_size=MOST_HEADER)
        return shape, dtype


def _rows_of(arrays: _Arrays, name: str, hypotheses: tuple[str, ...]) -> ScoredRows:
    scores = arrays.read(f"lls__{name}", "scores").astype(np.float64)
    if scores.ndim != 2 or scores.shape[1] != len(hypotheses) or len(scores) == 0:
        raise arrays.problem(f"lls__{name}", f"has shape {scores.shape}; needed is (rows, {len(hypotheses)})")
    prompts = arrays.read(f"prompt_id__{name}", "prompt ids").astype(np.int64)
    if prompts.shape != (len(scores),):
        what = f"has shape {prompts.shape}: {prompts.size} prompt ids for {len(scores)} rows; one each is needed"
        raise arrays.problem(f"prompt_id__{name}", what)
    if np.isinf(scores).any():
        row, column = (int(place) for place in np.argwhere(np.isinf(scores))[0])
        what = f"is {scores[row, column]} in row {row}, column {column} ('{hypotheses[column]}'); use NaN for missing"
        raise arrays.problem(f"lls__{name}", what)
    return ScoredRows(name=name, scores=scores, prompts=prompts, carries=frozenset({name} & set(hypotheses)))
