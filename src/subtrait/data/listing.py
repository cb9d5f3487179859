"""Which files a dataset consists of: one, or those of a folder in a fixed order. Nothing is followed or unpacked."""

import os
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from subtrait.data.limits import Limits
from subtrait.data.opening import DataFile, path_error, refuse_special
from subtrait.data.readers import READERS, suffix_of
from subtrait.errors import InvalidInput

ARCHIVES: Final = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst", ".7z", ".rar")
"""Endings of files that hold other files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The files of a dataset."""

    files: tuple[DataFile, ...]
    """To be read, in this order: by name, byte by byte."""
    unread: tuple[str, ...] = ()
    """Names of what else is in the folder: other formats, and hidden files and folders."""
    is_folder: bool = False


def list_files(path: Path, limits: Limits) -> Listing:
    """The files of the dataset at `path`.

    Raises:
        InvalidInput: E_PATH for what is missing, a link or special; E_ARCHIVE for archives; E_FORMAT for a file of
            unknown ending; E_LIMIT for too many files; E_NAMECLASH for names that some systems take for one.
        StorageError: the folder cannot be read.
    """
    # Without its dots and slashes, or the file's own name would not be its last part.
    here = Path(os.path.abspath(path)) if path.name in ("", "..") else path
    whole = DataFile(here.parent, here.name)
    try:
        mode = os.lstat(path).st_mode
        if stat.S_ISDIR(mode):
            return _list_folder(path, limits)
    except OSError as error:
        raise path_error(error, whole) from None
    except ValueError:  # a NUL in the path
        raise InvalidInput("E_PATH", whole.shown, "not a path", hint="check the path") from None
    refuse_special(whole, mode)
    _refuse_archive(whole)
    if suffix_of(whole.name) is None:
        hint = f"name it by what it is: {', '.join(READERS)}"
        raise InvalidInput("E_FORMAT", whole.shown, "the ending of the name says no known format", hint=hint)
    return Listing(files=(whole,))


def _list_folder(root: Path, limits: Limits) -> Listing:
    names: list[str] = []
    unread: list[str] = []
    for name in _walk(root, limits):
        is_data = not _is_hidden(name) and suffix_of(name) is not None
        (names if is_data else unread).append(name)
    _refuse_clash(root, [*names, *unread])
    if not names:
        hint = f"give a folder with files that end in {', '.join(READERS)}"
        raise InvalidInput("E_PATH", DataFile(root, "").shown, "a folder without data files", hint=hint)
    files = tuple(DataFile(root, name) for name in sorted(names, key=os.fsencode))
    return Listing(files=files, unread=tuple(sorted(unread, key=os.fsencode)), is_folder=True)


def _walk(root: Path, limits: Limits) -> Iterator[str]:
    """Every file below `root`, by its name relative to it; a hidden folder is named with a `/`, and not entered."""
    waiting, count = [""], 0
    while waiting:
        for name, status in _entries(root, waiting.pop()):
            count += 1
            if count > limits.files:
                hint = "merge them, or raise the limit files"
                what = f"more than {limits.files:,} files and folders"
                raise InvalidInput("E_LIMIT", DataFile(root, "").shown, what, hint=hint)
            if not stat.S_ISDIR(status.st_mode):
                refuse_special(DataFile(root, name), status.st_mode)
                _refuse_archive(DataFile(root, name))
                yield name
            elif _is_hidden(name):
                yield f"{name}/"
            else:
                waiting.append(f"{name}/")


def _entries(root: Path, below: str) -> Iterator[tuple[str, os.stat_result]]:
    try:
        with os.scandir(root / below) as entries:
            for entry in entries:
                yield f"{below}{entry.name}", entry.stat(follow_symlinks=False)
    except OSError as error:
        raise path_error(error, DataFile(root, below)) from None


def _is_hidden(name: str) -> bool:
    return name.rstrip("/").rpartition("/")[2].startswith(".")


def _refuse_archive(file: DataFile) -> None:
    if file.name.lower().endswith(ARCHIVES):
        hint = "unpack it yourself; nothing was extracted"
        raise InvalidInput("E_ARCHIVE", file.shown, "an archive, not a data file", hint=hint)


def _refuse_clash(root: Path, names: list[str]) -> None:
    """Names that are one name on another system: there, one file would silently replace the other."""
    seen: dict[str, str] = {}
    for name in sorted(names):
        key = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
        if key in seen:
            what = f"its name and '{seen[key]}' differ only in case or in how Unicode writes them"
            raise InvalidInput("E_NAMECLASH", DataFile(root, name).shown, what, hint="rename one of them")
        seen[key] = name
