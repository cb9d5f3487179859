"""`subtrait audit`: before training on rows, learn what they would teach. Printing and exit codes of the auditor."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from subtrait.cli.console import bars_shown, print_parts, printing, reader_may_leave
from subtrait.errors import InvalidInput, UsageError

_READING = "How the data are read"
_POLICY = "What must hold"
_MORE = "Further questions"


def audit(
    data: Annotated[Path | None, typer.Argument(help="JSON Lines (.gz, .zst), Parquet, or a folder of them.")] = None,
    base: Annotated[str | None, typer.Option(help="The student's base: micro-a, a folder or a hub id.")] = None,
    dtype: Annotated[str | None, typer.Option(help="float32, bfloat16 or float16. Default: by the device.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:1. Default: auto, a GPU if any.")] = None,
    traits: Annotated[str | None, typer.Option(help="embedded, general, or a YAML file of traits.")] = None,
    candidates: Annotated[list[str] | None, typer.Option(help="A model that may have written the rows.")] = None,
    writer: Annotated[str | None, typer.Option(help="The model that wrote the rows, where it is known.")] = None,
    shape: Annotated[str | None, typer.Option(help="The shape of a row; recognised if not given.")] = None,
    turns: Annotated[str | None, typer.Option(help="Scored assistant turns of a row: all or last.")] = None,
    on_bad_row: Annotated[str | None, typer.Option(help="stop, or quarantine: to rejects.jsonl.")] = None,
    try_: Annotated[bool, typer.Option("--try", help="Also train throwaway students, beside a control.")] = False,
    students: Annotated[int | None, typer.Option(help="Throwaway students a side; 6 or more.")] = None,
    recipe: Annotated[Path | None, typer.Option(help="How the student will be trained: a YAML file.")] = None,
    before: Annotated[Path | None, typer.Option(help="The data before a filter, of which DATA is the rest.")] = None,
    calibrate: Annotated[bool, typer.Option("--calibrate", help="Build the references only.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, in what time and memory.")] = False,
    scores: Annotated[Path | None, typer.Option(help="Judge scores from elsewhere instead of rows.")] = None,
    policy: Annotated[Path | None, typer.Option(help="A YAML file that makes the audit stricter.")] = None,
    alpha: Annotated[float | None, typer.Option(help="The false-alarm rate. Default: 0.01.")] = None,
    dilution: Annotated[float | None, typer.Option(help="Share of carrying rows at which power is measured.")] = None,
    accept: Annotated[str | None, typer.Option(help="other-base: rows of another base may pass.")] = None,
    rows: Annotated[int, typer.Option(help="Rows that are judged: 1000, or 3000 for three times the cost.")] = 1_000,
    references: Annotated[Path | None, typer.Option(help="Where references are kept.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the sample. Unpredictable if not given.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes side by side. Default: one per core.")] = None,
    engine: Annotated[str, typer.Option(help="Who works: local, or ray, the cluster at RAY_ADDRESS.")] = "local",
    out: Annotated[Path | None, typer.Option(help="The folder of the audit. Default: one under audits/.")] = None,
    form: Annotated[str, typer.Option("--format", help="text, json, html, sarif or junit.")] = "text",
    output: Annotated[Path | None, typer.Option("--output", help="Write the report there, too.")] = None,
) -> None:
    """Before training on rows that a model wrote: what would they teach besides what they say?

    Ends in NOT_FLAGGED (exit code 0), FLAGGED (1) or INCONCLUSIVE (3) at a stated false-alarm rate; data that cannot be
    read are INVALID_INPUT (4). Only exit code 0 should pass a gate, and it is no proof of absence. The first audit of a
    kind of data builds references, which takes minutes and is said beforehand; later ones use them again.
    """
    if scores is not None:
        _judge_scores(scores, form, output, alpha, dry_run=dry_run)
        return
    if data is None or base is None:
        raise UsageError("say which data, and the student's base: subtrait audit data.jsonl --base micro-a")
    reading = {"shape": shape, "turns": turns, "on_bad_row": on_bad_row}
    limits = {"alpha": alpha, "dilution": dilution, "accept_other_base": _accepts(accept)}
    asked: dict[str, Any] = {"traits": traits, "candidates": tuple(candidates or ()), "writer": writer}
    asked |= {"before": before, "references": references, "seed": seed, "students": _students(try_, students)}
    asked |= {"recipe": _recipe(recipe, base), "looks": _looks(rows), "dtype": dtype, "device": device}
    plan = _plan(data, base, reading=reading, policy=policy, limits=limits, asked=asked)
    _check_format(form)
    try:
        if dry_run:
            _foresee(plan, out, calibrate, workers=workers, engine=engine)
        elif calibrate:
            _calibrate(plan, workers=workers, engine=engine)
        else:
            _audit(plan, out, form, output, workers=workers, engine=engine)
    except InvalidInput as error:
        with printing():
            print(f"INVALID_INPUT {error}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from None


def report_audit(folder: Path, form: str, output: Path | None) -> None:
    """Show a finished audit again, in any format."""
    from subtrait.audits import command_line, read_audit
    from subtrait.report.audit_formats import rendered

    result, config = read_audit(folder)
    command = command_line(config)
    _show(rendered(result, form, command=command), output, result if form == "text" else None, command=command)


def _plan(
    data: Path,
    base: str,
    *,
    reading: dict[str, Any],
    policy: Path | None,
    limits: dict[str, Any],
    asked: dict[str, Any],
) -> Any:
    from subtrait.audit_records import Policy
    from subtrait.auditor.policy_files import load_policy, overridden
    from subtrait.audits import plan_audit

    stated, by_file = load_policy(policy) if policy is not None else (Policy(), ())
    agreed, by_option = overridden(stated, limits)
    given = {name: value for name, value in reading.items() if value is not None}
    return plan_audit(data, base, reading=given, policy=agreed, policy_notes=(*by_file, *by_option), **asked)


def _recipe(recipe: Path | None, base: str) -> Any:
    from subtrait.auditor.training.recipe import load_recipe

    return None if recipe is None else load_recipe(recipe, base)


def _foresee(plan: Any, out: Path | None, calibrate: bool, *, workers: int | None, engine: str) -> None:
    from subtrait import audits
    from subtrait.cli.estimates import show_audit_estimate

    count = audits.team_size(plan, workers, engine)
    with printing():
        print(f"audit of {plan.source.path}: base {plan.base}, traits {plan.traits}")
        print("Reading all rows, and seeing what it takes ...", flush=True)
    seen = audits.foresee(plan, announce=_announce, references_only=calibrate)
    with printing():
        show_audit_estimate(seen, count, plan.references if calibrate else out or audits.default_folder(plan))


def _audit(plan: Any, out: Path | None, form: str, output: Path | None, **team: Any) -> None:
    from subtrait import audits
    from subtrait.audit_records import EXIT_CODES
    from subtrait.report.audit_formats import rendered

    with bars_shown() as progress:
        done = audits.audit(plan, out=out, **team, progress=progress, announce=_announce)
    text = rendered(done.result, form, command=done.command)
    with reader_may_leave():
        _show(text, output, done.result if form == "text" else None, command=done.command)
        with printing():
            print(f"\nReport: {done.folder / 'report.html'}", file=sys.stderr)
    raise typer.Exit(EXIT_CODES[done.result.outcome])


def _calibrate(plan: Any, **team: Any) -> None:
    from subtrait import audits

    with bars_shown() as progress:
        folder = audits.calibrate(plan, **team, progress=progress, announce=_announce)
    with printing():
        print(f"References are in {folder}. Audits of data with prompts of this kind use them.")


def _announce(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _show(text: str, output: Path | None, result: Any, *, command: str) -> None:
    """To the terminal, in colour where it is text; a file gets the rendered text itself."""
    from subtrait.api import write_text

    if output is not None:
        write_text(output, text)
    with printing():
        if result is None:
            print(f"Wrote {output}" if output is not None else text, end="\n" if output is not None else "")
            return
        from subtrait.report.audit_text import summary

        print_parts(summary(result, command=command))


def _judge_scores(scores: Path, form: str, output: Path | None, alpha: float | None, *, dry_run: bool) -> None:
    from subtrait.api import write_text
    from subtrait.audit_records import EXIT_CODES
    from subtrait.auditor.scores.files import read_scores
    from subtrait.auditor.scores.judged import audit_scores
    from subtrait.auditor.scores.report import summary, to_json
    from subtrait.errors import unknown_name
    from subtrait.report.terminal import printed

    if dry_run:
        raise UsageError("--dry-run is for data: judging --scores takes seconds")
    if form not in ("text", "json"):
        raise unknown_name("format", form, ("text", "json"))
    found = audit_scores(read_scores(scores), alpha=0.01 if alpha is None else alpha)
    if output is not None:
        write_text(output, to_json(found) if form == "json" else printed(summary(found)))
    with printing():
        if form == "text":
            print_parts(summary(found))
        else:
            print(to_json(found) if output is None else f"Wrote {output}\n", end="")
    raise typer.Exit(EXIT_CODES[found.outcome])


def _check_format(form: str) -> None:
    from subtrait.errors import unknown_name
    from subtrait.report.audit_formats import FORMATS

    if form not in FORMATS:
        raise unknown_name("format", form, FORMATS)


def _looks(rows: int) -> tuple[int, ...]:
    """The numbers of rows at which the data are judged."""
    looks = {1_000: (300, 1_000), 3_000: (300, 1_000, 3_000)}
    if rows not in looks:
        raise UsageError(f"--rows is {rows}: give 1000 or 3000")
    return looks[rows]


def _accepts(accept: str | None) -> bool | None:
    from subtrait.errors import unknown_name

    if accept is not None and accept != "other-base":
        raise unknown_name("thing to accept", accept, ("other-base",))
    return True if accept else None


def _students(wanted: bool, students: int | None) -> int | None:
    from subtrait.audits import TRIAL_STUDENTS

    if students is not None and not wanted:
        raise UsageError("--students is for --try: give both")
    if students is not None and students < TRIAL_STUDENTS:
        raise UsageError(f"{students} students a side: a trial takes {TRIAL_STUDENTS} or more")
    return (students or TRIAL_STUDENTS) if wanted else None
