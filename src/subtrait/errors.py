"""Every error that subtrait raises on purpose, and the exit code each one ends a command with.

SubtraitError
├── UsageError        2  an unknown name, a bad option: the caller can mend the call
├── InvalidInput      4  a file, checkpoint or reply that cannot be accepted
│   └── UnsafeFormat  4  a format that could execute code: never opened
├── MissingExtra      2  an optional dependency is absent; says how to install it
├── RunLocked         2  another process is working in this run folder
├── ServerError       5  a model server does not answer, or not to this key; what it answered is kept
└── StorageError      5  the disk is full, read-only or broken

A message says what was wrong, where, what is allowed and what to do. The command line prints it as one line,
without a traceback. Anything that is not a `SubtraitError` is our own defect and keeps its traceback.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class SubtraitError(Exception):
    """The base of every error meant for the user. `exit_code` is what the command line ends with."""

    exit_code = 5


class UsageError(SubtraitError):
    """The call cannot be carried out as written: an unknown name, an option out of range."""

    exit_code = 2


class InvalidInput(SubtraitError):
    """A file, a checkpoint or a reply from outside breaks its contract. `code` is stable, for programs."""

    exit_code = 4

    def __init__(self, code: str, where: object, what: str, *, hint: str = "") -> None:
        self.code = code
        self.where = str(where)
        advice = f" ({hint})" if hint else ""
        super().__init__(f"{code} {escaped(self.where, limit=400)}: {escaped(what, limit=400)}{advice}")
        self._made_of = (code, self.where, what, hint)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by what the error was made of, so that it crosses from a worker process whole."""
        return _again, (type(self), *self._made_of)


class UnsafeFormat(InvalidInput):
    """The format can carry code that runs when it is opened, so it is not opened."""


class MissingExtra(SubtraitError):
    """A feature needs an optional dependency that is not installed."""

    exit_code = 2

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs the '{extra}' extra: pip install 'subtrait[{extra}]'")
        self._made_of = (feature, extra)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by what the error was made of, so that it crosses from a worker process whole."""
        return type(self), self._made_of


class RunLocked(SubtraitError):
    """Another process holds the run folder."""

    exit_code = 2


class ServerError(SubtraitError):
    """A model server cannot be reached, keeps failing, or asks for another key, money or a long wait."""

    exit_code = 5


class StorageError(SubtraitError):
    """The run folder cannot be written or read."""

    exit_code = 5


def _again(kind: type[InvalidInput], code: str, where: str, what: str, hint: str) -> InvalidInput:
    return kind(code, where, what, hint=hint)


def unknown_name(kind: str, name: str, allowed: Iterable[str]) -> UsageError:
    """The error for a name that is not on a list: says the nearest one and lists them all."""
    names = sorted(allowed)
    near = get_close_matches(name, names, n=1)
    guess = f" Did you mean '{near[0]}'?" if near else ""
    return UsageError(f"unknown {kind} '{escaped(name)}'.{guess} Available: {', '.join(names)}")


def escaped(text: str, *, limit: int = 80) -> str:
    r"""`text` safe for a terminal or a log: control and invisible characters as escapes, cut at `limit`.

    >>> escaped("red\x1b[31m")
    'red\\x1b[31m'
    """
    shown = text if text.isprintable() else "".join(map(_shown, text))
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _shown(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
