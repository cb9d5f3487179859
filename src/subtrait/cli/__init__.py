"""The command line: words in, verbs of `subtrait.api` called, results printed. Nothing else prints."""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

import subtrait
from subtrait.cli.audit import audit
from subtrait.cli.console import bars_shown, printing, show_finished, show_report
from subtrait.cli.estimates import show_estimate
from subtrait.cli.score import report_scored, score
from subtrait.cli.study import report_all, report_study, run_study
from subtrait.errors import SubtraitError, UsageError, unknown_name

app = typer.Typer(
    help="Hidden traits pass between language models through clean-looking data: make it happen, and measure it.",
    epilog="Start with: subtrait run owl-numbers --size tiny",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
STOPPED = 130
"""Exit code after Ctrl-C, as shells have it."""
micro_app = typer.Typer(help="The embedded models: train one anew from its recipe.", no_args_is_help=True)
app.add_typer(micro_app, name="micro")
app.command()(audit)
app.command()(score)


def main() -> None:
    """Run the command line; a user's mistake ends in one line and an exit code, never in a traceback."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        app()
    except SubtraitError as error:
        print(f"subtrait: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except SystemExit as end:
        if end.code == STOPPED:  # typer makes this of KeyboardInterrupt
            print("\nsubtrait: stopped; what is finished is kept. The same command goes on there.", file=sys.stderr)
        raise


def _version(wanted: bool) -> None:
    if wanted:
        with printing():
            print(f"subtrait {subtrait.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Hidden traits pass between language models through data that looks clean: make it happen, and measure it."""


@app.command()
def run(
    experiment: Annotated[str | None, typer.Argument(help="Which experiment; --list names them all.")] = None,
    list_all: Annotated[bool, typer.Option("--list", help="List the experiments, then exit.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, in what time and memory.")] = False,
    size: Annotated[str, typer.Option(help="tiny (2 students, a try-out), small (6) or full (8, and A/A).")] = "small",
    students: Annotated[int | None, typer.Option(help="Students per arm; an interval needs 2, trust needs 6.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed on the same machine gives the same bytes.")] = None,
    trait: Annotated[str | None, typer.Option(help="An animal or tree such as owl or oak, or a YAML file.")] = None,
    teacher: Annotated[str | None, typer.Option(help="How the teacher gets the trait: tuned or prompted.")] = None,
    strength: Annotated[int | None, typer.Option(help="Fine-tuning steps of a tuned teacher: its strength.")] = None,
    base: Annotated[
        str | None,
        typer.Option(help="micro-a, micro-b, micro-c, a folder, a hub id, or one on a server: vllm:NAME=CHECKPOINT."),
    ] = None,
    dtype: Annotated[str | None, typer.Option(help="float32, bfloat16 or float16. Default: by the device.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:1. Default: auto, a GPU if any.")] = None,
    preset: Annotated[str | None, typer.Option(help="paper: its settings for the base, a real model.")] = None,
    other_base: Annotated[str | None, typer.Option(help="The base of the cross-base arms.")] = None,
    arms: Annotated[str | None, typer.Option(help="Arms to run, separated by commas.")] = None,
    traits: Annotated[str | None, typer.Option(help="Traits of a study, such as owl,cat; or frequent.")] = None,
    questions: Annotated[Path | None, typer.Option(help="A YAML or JSON file with what students are asked.")] = None,
    files: Annotated[Path | None, typer.Option(help="A folder of yours, for experiments that take one.")] = None,
    out: Annotated[Path | None, typer.Option(help="The run folder. Default: one under runs/.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes side by side. Default: one per core.")] = None,
    engine: Annotated[str, typer.Option(help="Who works: local, or ray, the cluster at RAY_ADDRESS.")] = "local",
    training_price: Annotated[float | None, typer.Option(help="Of a million tokens that a server trains.")] = None,
    reading_price: Annotated[float | None, typer.Option(help="Of a million tokens that it reads when asked.")] = None,
    writing_price: Annotated[float | None, typer.Option(help="Of a million tokens that it writes.")] = None,
    spend_at_most: Annotated[float | None, typer.Option(help="On a run, as far as prices are given.")] = None,
) -> None:
    """Run an experiment: teachers write, filters cut, students train and answer, arms are compared.

    A run is a folder. Stop it or kill it at any moment: the same command goes on where it stopped, and ends with the
    same bytes. Open report.html in it when it is done.
    """
    from subtrait import api, studies
    from subtrait.lab.budget import Budget
    from subtrait.report.as_text import summary

    if list_all or experiment is None:
        _list_experiments()
        return
    budget = Budget(price=training_price, reading=reading_price, writing=writing_price, most=spend_at_most)
    changes: dict[str, Any] = {"students": students, "seed": seed, "trait": trait, "teacher": teacher, "base": base}
    changes |= {"dtype": dtype, "device": device, "preset": preset, "size": size}
    if studies.is_named(experiment):
        more = {"strength": strength, "other_base": other_base, "arms": arms, "files": files, "traits": traits}
        changes |= {**more, "questions": questions}
        run_study(experiment, changes, dry_run=dry_run, out=out, budget=budget, workers=workers, engine=engine)
        return
    _refuse_options(experiment, {"files": files, "traits": traits})
    changes |= {"arms": tuple(arms.split(",")) if arms else None, "other_base": other_base, "questions": questions}
    plan = _with_strength(api.plan_run(experiment, **changes), strength)
    if dry_run:
        show_estimate(plan, api.team_size(plan, workers), out or api.default_folder(plan), budget=budget)
        return
    with bars_shown() as progress:
        finished = api.run(plan, out=out, workers=workers, engine=engine, progress=progress, budget=budget)
    show_finished(finished, summary(finished.result, command=finished.command))


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="The folder of a finished run, audit or scoring.")],
    form: Annotated[
        str, typer.Option("--format", help="text, json or html; of an audit also sarif and junit.")
    ] = "text",
    output: Annotated[Path | None, typer.Option("--output", help="Write there instead of to the terminal.")] = None,
) -> None:
    """Show a finished run, audit or scoring again, in any format."""
    from subtrait import api
    from subtrait.audits import is_audit
    from subtrait.cli.audit import report_audit
    from subtrait.report.as_text import summary
    from subtrait.scores import is_scored
    from subtrait.studies import is_study
    from subtrait.whole_catalogue import is_all

    if is_audit(folder):
        report_audit(folder, form, output)
        return
    if is_scored(folder):
        report_scored(folder, form, output)
        return
    if is_study(folder) or is_all(folder):
        (report_study if is_study(folder) else report_all)(folder, form, output)
        return
    result, config = api.read_result(folder)
    show_report(
        form,
        output,
        rendered=lambda: api.rendered(result, config, form),
        parts=lambda: summary(result, command=api.command_line(config)),
    )


@app.command()
def lineage(
    first: Annotated[str, typer.Argument(help="micro-a, micro-b, micro-c, a folder or a hub id.")],
    second: Annotated[str, typer.Argument(help="The model to compare it with, named in the same way.")],
    form: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    alpha: Annotated[float, typer.Option(help="How often models without a common base may be called related.")] = 0.01,
    seed: Annotated[int, typer.Option(help="Of the random orders that the alignment is compared with.")] = 0,
) -> None:
    """Do two models share a base? Hidden traits pass between models that do.

    Compares weights, shapes, tokenizers and what the files declare; nothing of either model is run. `cannot tell` is an
    outcome too.
    """
    from subtrait import api

    if form not in ("text", "json"):
        raise unknown_name("format", form, ("text", "json"))
    found = api.lineage(first, second, alpha=alpha, seed=seed)
    with printing():
        if form == "json":
            print(json.dumps(asdict(found), indent=2))
            return
        print(f"{first} and {second}: {found.outcome}\n  {found.reason}\n\nWhat was compared:")
        for each in found.evidence:
            print(f"  {each.name}: {each.finding}")
            print(f"    assumes: {each.assumes}; does not see: {each.blind_spots}")


@app.command()
def doctor(
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out the two audits, which take a minute or two.")
    ] = False,
) -> None:
    """Check this machine: what is installed, whether the embedded models are whole, and whether the alarm alarms.

    The last audits two files that ship with the package: one must be flagged, the other must not.
    """
    from subtrait.doctor import examine

    with bars_shown() as progress:
        findings = examine(alarm=not quick, progress=progress)
    with printing():
        for finding in findings:
            print(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.name}: {finding.detail}")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(5)
    print("\nThis machine is set up. Next: subtrait run owl-numbers --size tiny")


@micro_app.command("train")
def micro_train(
    name: Annotated[str, typer.Argument(help="micro-a, micro-b or micro-c.")],
    out: Annotated[Path, typer.Option(help="The folder to write; it must not exist yet.")],
    steps: Annotated[int | None, typer.Option(help="Fewer steps than the recipe's, for a try-out.")] = None,
) -> None:
    """Train an embedded model from nothing by its recipe: on the CPU, deterministic, at most half an hour."""
    from subtrait.models.micro.making import make

    with bars_shown() as progress:
        card = make(name, out, steps=steps, progress=progress)
    print(f"Wrote {out}: loss {card['loss']:.3f} nats per token, fingerprint {card['fingerprint'][:16]}")


def _with_strength(plan: Any, strength: int | None) -> Any:
    if strength is None:
        return plan
    if plan.teacher == "prompted":
        raise UsageError("--strength is for tuned teachers: leave it out, or give --teacher tuned")
    return replace(plan, teacher_recipe=replace(plan.teacher_recipe, steps=strength))


def _refuse_options(experiment: str, given: dict[str, Any]) -> None:
    for name, value in given.items():
        if value is not None:
            raise UsageError(f"{experiment} takes no {name}: leave --{name} out")


def _list_experiments() -> None:
    from subtrait.lab.catalogue import EXPERIMENTS, STUDIES

    cards: list[Any] = [*EXPERIMENTS.values(), *STUDIES.values()]
    with printing():
        for card in cards:
            print(f"{card.name}\n  {card.question}\n  Published: {card.published}")
        print("\nRun one: subtrait run NAME. See first what it costs: subtrait run NAME --dry-run")
