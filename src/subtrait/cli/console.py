"""Printing and progress bars: what every command shows people, in one place."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from subtrait.errors import StorageError


@contextmanager
def printing() -> Iterator[None]:
    """Around what prints a result: where standard output is a file on a full disk, say so in one line."""
    try:
        yield
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        raise  # whoever read it has gone, and typer ends the program without a word
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python tries again when it ends
        raise StorageError(f"cannot write to standard output: {error.strerror}.") from None


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """Around what prints a result whose exit code matters: `| head` must not turn it into another one."""
    try:
        yield
    except (BrokenPipeError, SystemExit):  # the latter is what rich makes of the former
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python tries again when it ends


def print_parts(parts: Iterable[Any]) -> None:
    """What a report has for the terminal, one part after another, in colour where there is one."""
    from rich.console import Console

    console = Console()
    for part in parts:
        console.print(part)


def show_finished(done: Any, parts: Iterable[Any]) -> None:
    """What a run or study that has just ended found: `done` knows its `folder` and a `notice`, which is often empty."""
    if done.notice:
        print(done.notice, file=sys.stderr)
    with printing():
        print_parts(parts)
        print(f"\nReport: {done.folder / 'report.html'}\nAgain:  subtrait report {done.folder}")


def show_report(form: str, output: Path | None, *, rendered: Callable[[], str], parts: Callable[[], Any]) -> None:
    """A report of that form: into a file, or to the terminal, where text has its `parts` printed in colour."""
    from subtrait.api import write_text

    if output is not None:
        write_text(output, rendered())
    with printing():
        if output is not None:
            print(f"Wrote {output}")
        elif form == "text":
            print_parts(parts())
        else:
            print(rendered(), end="")


@contextmanager
def bars_shown() -> Iterator[Any]:
    """Progress bars with the time left, on standard error."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = TextColumn("{task.description:<16}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    bars = Progress(*columns, TextColumn("left"), TimeRemainingColumn(), console=Console(stderr=True))
    progress = Bars(bars)
    try:
        yield progress
    finally:
        if progress.task is not None:
            bars.stop()


class Bars:
    """A `subtrait.records.Progress` that draws one bar for each stage."""

    def __init__(self, bars: Any) -> None:
        self.bars = bars
        self.task: Any = None

    def start(self, stage: str, total: int) -> None:
        """Draw a new bar."""
        self.bars.start()  # not before: a refusal is one line and no empty bars
        self.task = self.bars.add_task(stage, total=total)

    def advance(self, steps: int = 1) -> None:
        """Move the current bar on."""
        self.bars.advance(self.task, steps)
