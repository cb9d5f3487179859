"""`subtrait run` for the experiments of the catalogue that compare more than the arms of one plan."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from subtrait.cli.console import bars_shown, show_finished, show_report
from subtrait.cli.estimates import show_basis, show_training
from subtrait.errors import UsageError


def run_study(
    experiment: str, asked: Mapping[str, Any], *, dry_run: bool, out: Path | None, budget: Any, **crew: Any
) -> None:
    """Carry out a study, or say what it would take; `asked` are the options by name, None where one was not given.

    `crew` is `workers` and `engine`.

    Raises:
        UsageError: an option that studies do not have.
    """
    from subtrait import studies
    from subtrait.lab.hosted import check_prices
    from subtrait.report.study_text import summary

    given = {name: value for name, value in asked.items() if value is not None}
    for name in given:
        if name not in studies.OPTIONS:
            options = ", ".join(f"--{each}" for each in studies.OPTIONS)
            raise UsageError(f"--{name.replace('_', '-')} is no option of {experiment}, which has {options}")
    if experiment == studies.ALL:
        check_prices("a base of the catalogue", budget)
        _run_all(given, dry_run=dry_run, out=out, **crew)
        return
    plan = studies.plan_study(experiment, **given)
    folder = out or studies.default_folder(plan)
    if dry_run:
        _show_takes(plan, budget, folder, crew["workers"])
        return
    with bars_shown() as progress:
        done = studies.study(plan, out=out, **crew, progress=progress, budget=budget)
    show_finished(done, summary(done.result, command=done.command))


def _run_all(given: Mapping[str, Any], *, dry_run: bool, out: Path | None, **team: Any) -> None:
    from subtrait.report.study_collection import collection_text
    from subtrait.whole_catalogue import all_studies, cost_of_all

    if dry_run:
        counted, cost, usual = cost_of_all(workers=team["workers"], **given)
        print("Every experiment of the catalogue; what they share is counted once, and those of digits are left out")
        _show_cost((counted, cost), out or usual)
        return
    with bars_shown() as progress:
        done = all_studies(out=out, **team, progress=progress, **given)
    show_finished(done, collection_text(done.results))


def report_all(folder: Path, form: str, output: Path | None) -> None:
    """Show all studies of a folder again."""
    from subtrait.report.study_collection import collection_text
    from subtrait.whole_catalogue import read_all, rendered_all

    results, command = read_all(folder)
    show_report(
        form, output, rendered=lambda: rendered_all(results, command, form), parts=lambda: collection_text(results)
    )


def report_study(folder: Path, form: str, output: Path | None) -> None:
    """Show a finished study again."""
    from subtrait import studies
    from subtrait.report.study_text import summary

    result, config = studies.read_study(folder)
    show_report(
        form,
        output,
        rendered=lambda: studies.rendered(result, config, form),
        parts=lambda: summary(result, command=studies.command_line(config)),
    )


def _show_takes(plan: Any, budget: Any, folder: Path, workers: int | None) -> None:
    from subtrait import studies
    from subtrait.lab.catalogue import STUDIES
    from subtrait.lab.hosted import check_prices
    from subtrait.lab.hosted_study import foreseen

    if not plan.is_hosted:
        check_prices(plan.base, budget)
        _show_cost(studies.cost_of(plan, workers), folder)
        return
    print(f"{plan.experiment}: base {plan.base}, told teachers, seed {plan.seed}")
    show_training(*foreseen(STUDIES[plan.experiment], plan), budget)


def _show_cost(cost: Any, folder: Path) -> None:
    (students, data_sets), spent = cost
    counted = [f"{students} students, with their teachers and rows"] if students else []
    counted += [f"{data_sets} data sets that are read, with their teachers, and no student"] if data_sets else []
    print("; ".join(counted))
    per_student = f", {spent.seconds_per_student:.0f} s a student" if students else ""
    print(f"  time    about {spent.seconds / 60:.1f} min{per_student}")
    print(f"  memory  about {spent.bytes_of_memory / 2**30:.1f} GiB")
    print(f"  disk    about {spent.bytes_of_disk / 2**20:.0f} MiB in {folder}")
    show_basis(spent)
