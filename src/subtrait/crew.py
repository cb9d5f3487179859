"""Who does the work: processes of this machine, or the machines of a cluster."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from subtrait.errors import UsageError, unknown_name
from subtrait.records import Progress

if TYPE_CHECKING:
    from subtrait.lab.team import Team

ENGINES = ("local", "ray")
"""Processes of this machine, or the machines of a Ray cluster."""


class Crew(TypedDict, total=False):
    """How a caller says who works."""

    workers: int | None
    """Processes, or tasks of a cluster, side by side; None for as many as there is room for."""
    engine: str
    """One of `ENGINES`."""


def cores() -> int:
    """How many processors this process may use."""
    import os

    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def check_crew(workers: int | None, engine: str = "local") -> None:
    """Raise `UsageError` for fewer than one worker, or an unknown engine."""
    if workers is not None and workers < 1:
        raise UsageError(f"{workers} workers cannot do anything: give 1 or more")
    if engine not in ENGINES:
        raise unknown_name("engine", engine, ENGINES)


def processes(asked: int | None, *, embedded: bool) -> int:
    """How many processes work: as many as asked for, else one per core where `embedded` says that no models but those
    of the package do, and one for larger ones, which fill the machine alone.
    """
    check_crew(asked)
    return asked or (cores() if embedded else 1)


def assembled(
    workers: int | None, progress: Progress | None, *, engine: str, embedded: bool, shared: Sequence[Path]
) -> "AbstractContextManager[Team]":
    """That many processes here, or tasks at once on a cluster whose machines see the `shared` folders.

    Raises:
        UsageError: an unknown engine, or fewer than one worker.
        MissingExtra: the engine is not installed.
        SubtraitError: there is no such cluster.
    """
    from subtrait.lab.cluster import on_ray
    from subtrait.lab.team import assemble

    check_crew(workers, engine)
    if engine == "ray":
        return on_ray(workers, progress, shared=shared, one_thread=embedded)
    return assemble(processes(workers, embedded=embedded), progress, one_thread=embedded)
