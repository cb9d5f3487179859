"""A YAML file that somebody else wrote, as plain values with their lines: only what the safe loader makes, and bounded.

An alias makes one value stand in many places, so a short file can stand for an enormous one. Values are therefore
counted as often as they stand somewhere before any is built. Keys that stand twice are refused: YAML's loader takes the
last of them, other programs the first.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from subtrait.data.limits import Limits
from subtrait.data.opening import DataFile, open_file
from subtrait.errors import InvalidInput

MOST_BYTES = 4 * 2**20
MOST_VALUES = 200_000
"""Values of the file, those behind an alias counted wherever the alias stands."""
PLAIN = frozenset(
    f"tag:yaml.org,2002:{kind}"
    for kind in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge", "value")
)
"""Kinds of values that are read; sets and the like have no order, or are code."""
WRITE = "write plain YAML in UTF-8"
Steps = Sequence[str | int]
"""Where a value stands inside a document: keys and positions, from the outside in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlFile:
    """The one document of a YAML file."""

    path: Path
    value: Any
    """Mappings, lists, texts, numbers, booleans, dates and None, as YAML's safe loader makes them."""
    root: Any
    """The same as nodes, which know their lines."""

    def where(self, steps: Steps = ()) -> str:
        """The place of a value, as messages give it; of a value that is missing, the place of what it belongs in."""
        line = _line(self.root, steps)
        return f"{self.path}:{line}" if line else str(self.path)


def read_yaml(path: Path, code: str) -> YamlFile:
    """The document in the YAML file at `path`. `code` is that of the errors, such as `E_TRAITS`.

    Raises:
        InvalidInput: `code` where it is larger than `MOST_BYTES`, no UTF-8, no YAML, more than one document or none,
            stands for more than `MOST_VALUES` values, contains itself, is nested too deeply, has a key twice or a tag
            of its own; E_PATH where it is no readable regular file.
        StorageError: the disk cannot be read.
    """
    return parse_yaml(_text(path, code), path, code)


def parse_yaml(text: str, path: Path, code: str) -> YamlFile:
    """The document in `text`, which was read from `path`.

    Raises:
        InvalidInput: as `read_yaml`.
    """
    import yaml

    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        _values(root, {}, path, code)
        return YamlFile(path=path, value=None if root is None else loader.construct_document(root), root=root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise InvalidInput(code, place, " ".join(str(error.problem).split()), hint=WRITE) from None
    except RecursionError:
        raise InvalidInput(code, path, "lists and mappings are nested too deeply", hint="flatten it") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise InvalidInput(code, path, " ".join(str(error).split()), hint=WRITE) from None


def _text(path: Path, code: str) -> str:
    here = Path(os.path.realpath(path))
    with open_file(DataFile(here.parent, here.name), Limits()) as opened:
        if opened.size > MOST_BYTES:
            what = f"{opened.size:,} bytes, at most {MOST_BYTES:,} are read"
            raise InvalidInput(code, path, what, hint="split it into several files")
        data = b"".join(opened.chunks())
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"invalid UTF-8: byte 0x{data[error.start]:02X} at byte {error.start:,}"
        raise InvalidInput(code, path, what, hint="save it as UTF-8") from None


def _values(node: Any, known: dict[int, int], path: Path, code: str) -> int:
    """How many values `node` stands for."""
    if id(node) in known:
        if known[id(node)] == 0:
            raise _refused(node, path, code, "a value contains itself")
        return known[id(node)]
    known[id(node)] = 0
    count = 1 + sum(_values(child, known, path, code) for child in _children(node, path, code))
    if count > MOST_VALUES:
        raise _refused(node, path, code, f"it stands for more than {MOST_VALUES:,} values")
    known[id(node)] = count
    return count


def _children(node: Any, path: Path, code: str) -> list[Any]:
    import yaml

    if node is not None and node.tag not in PLAIN:
        raise _refused(node, path, code, f"the tag '{node.tag:.60}'", hint="write plain mappings, lists and texts")
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    if not isinstance(node, yaml.MappingNode):
        return []
    seen: set[tuple[str, str]] = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            if (key.tag, key.value) in seen:
                raise _refused(key, path, code, f"the key '{key.value:.60}' stands twice", hint="keep one of them")
            seen.add((key.tag, key.value))
    return [part for pair in node.value for part in pair]


def _refused(node: Any, path: Path, code: str, what: str, *, hint: str = "write it out without aliases") -> Exception:
    return InvalidInput(code, f"{path}:{node.start_mark.line + 1}", what, hint=hint)


def _line(node: Any, steps: Steps) -> int:
    """The line of the value at `steps`, or of the last value on the way there that exists; 0 where there is none."""
    import yaml

    if node is None:
        return 0
    here = int(node.start_mark.line) + 1
    if not steps:
        return here
    first, *rest = steps
    if isinstance(node, yaml.MappingNode):
        found = next(((key, value) for key, value in node.value if key.value == str(first)), None)
        if found is not None:
            # The key's line, not the value's: a block of text begins below its key.
            return _line(found[1], rest) if rest else int(found[0].start_mark.line) + 1
    elif isinstance(node, yaml.SequenceNode) and isinstance(first, int) and 0 <= first < len(node.value):
        return _line(node.value[first], rest)
    return here
