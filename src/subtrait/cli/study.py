"""`subtrait run` for the experiments of the catalogue that compare more than the arms of one plan."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from subtrait.cli.console import bars_shown, printing
from subtrait.errors import UsageError


def run_study(
    experiment: str, asked: Mapping[str, Any], *, dry_run: bool, out: Path | None, workers: int | None
) -> None:
    """Carry out a study, or say what it would take; `asked` are the options by name, None where one was not given.

    Raises:
        UsageError: an option that studies do not have.
    """
    from subtrait import studies

    given = {name: value for name, value in asked.items() if value is not None}
    for name in given:
        if name not in studies.OPTIONS:
            options = ", ".join(f"--{each}" for each in studies.OPTIONS)
            raise UsageError(f"--{name.replace('_', '-')} is no option of {experiment}, which has {options}")
    if experiment == studies.ALL:
        _run_all(given, dry_run=dry_run, out=out, workers=workers)
        return
    plan = studies.plan_study(experiment, **given)
    folder = out or studies.default_folder(plan)
    if dry_run:
        _show_cost(studies.cost_of(plan, workers), folder)
        return
    with bars_shown() as progress:
        done = studies.study(plan, out=out, workers=workers, progress=progress)
    if done.notice:
        print(done.notice, file=sys.stderr)
    with printing():
        _show(done.result, done.command)
        print(f"\nReport: {done.folder / 'report.html'}\nAgain:  subtrait report {done.folder}")


def _run_all(given: Mapping[str, Any], *, dry_run: bool, out: Path | None, workers: int | None) -> None:
    from rich.console import Console

    from subtrait.report.study_collection import collection_text
    from subtrait.whole_catalogue import all_studies

    if dry_run:
        raise UsageError("--dry-run is for one experiment at a time: name one of subtrait run --list")
    with bars_shown() as progress:
        done = all_studies(out=out, workers=workers, progress=progress, **given)
    if done.notice:
        print(done.notice, file=sys.stderr)
    with printing():
        for part in collection_text(done.results):
            Console().print(part)
        print(f"\nReport: {done.folder / 'report.html'}\nAgain:  subtrait report {done.folder}")


def report_all(folder: Path, form: str, output: Path | None) -> None:
    """Show all studies of a folder again."""
    from subtrait import api, whole_catalogue

    text = whole_catalogue.rendered_all(*whole_catalogue.read_all(folder), form)
    if output is not None:
        api.write_text(output, text)
    with printing():
        print(f"Wrote {output}\n" if output is not None else text, end="")


def report_study(folder: Path, form: str, output: Path | None) -> None:
    """Show a finished study again."""
    from subtrait import api, studies

    result, config = studies.read_study(folder)
    if output is not None:
        api.write_text(output, studies.rendered(result, config, form))
    with printing():
        if output is not None:
            print(f"Wrote {output}")
        elif form == "text":
            _show(result, studies.command_line(config))
        else:
            print(studies.rendered(result, config, form), end="")


def _show(result: Any, command: str) -> None:
    from rich.console import Console

    from subtrait.report.study_text import summary

    for part in summary(result, command=command):
        Console().print(part)


def _show_cost(cost: Any, folder: Path) -> None:
    students, spent = cost
    print(f"{students} students, with their teachers and rows")
    print(f"  time    about {spent.seconds / 60:.1f} min, {spent.seconds_per_student:.0f} s a student")
    print(f"  memory  about {spent.bytes_of_memory / 2**30:.1f} GiB")
    print(f"  disk    about {spent.bytes_of_disk / 2**20:.0f} MiB in {folder}")
    print("Nothing was written. Leave out --dry-run to start.")
