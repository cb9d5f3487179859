"""`subtrait score`: how likely every row of a dataset is under hypotheses. Printing of the scorer."""

from pathlib import Path
from typing import Annotated, Any

import typer

from subtrait.cli.console import bars_shown, printing, show_report
from subtrait.errors import unknown_name


def score(
    data: Annotated[Path, typer.Argument(help="JSON Lines (.gz, .zst), Parquet, or a folder of them.")],
    base: Annotated[str, typer.Option(help="micro-a, a folder, a hub id, or one on a server: vllm:NAME=CHECKPOINT.")],
    traits: Annotated[str | None, typer.Option(help="Its system prompts: embedded, general, or a YAML file.")] = None,
    persona: Annotated[list[str] | None, typer.Option(help="A system prompt: rows by the base told that.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Another model that may have written the rows.")] = None,
    dtype: Annotated[str | None, typer.Option(help="float32, bfloat16 or float16. Default: by the device.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:1. Default: auto, a GPU if any.")] = None,
    shape: Annotated[str | None, typer.Option(help="The shape of a row; recognised if not given.")] = None,
    turns: Annotated[str | None, typer.Option(help="Scored assistant turns of a row: all or last.")] = None,
    on_bad_row: Annotated[str | None, typer.Option(help="stop, or quarantine: to rejects.jsonl.")] = None,
    shard_rows: Annotated[int | None, typer.Option(help="Rows of a shard. Default: 1000, of large models 100.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it takes, in what time and memory.")] = False,
    workers: Annotated[int | None, typer.Option(help="Processes side by side. Default: one per core.")] = None,
    engine: Annotated[str, typer.Option(help="Who works: local, or ray, the cluster at RAY_ADDRESS.")] = "local",
    out: Annotated[Path | None, typer.Option(help="The folder of the scores. Default: one under scores/.")] = None,
    form: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """How likely is every row under the base, under the base told something, and under other models?

    Scores every row of a dataset of any size, shard by shard; a lost machine or a kill costs the shards that were being
    scored, and the same command goes on. Every line of scores/ in the folder has a row's name and, for each hypothesis,
    its log-likelihood in nats and its tokens. Scores are no verdict: that is what `subtrait audit` gives.
    """
    from subtrait import scores

    _check_format(form)
    reading = {"shape": shape, "turns": turns, "on_bad_row": on_bad_row}
    asked: dict[str, Any] = {"dtype": dtype, "device": device, "shard_rows": shard_rows, **reading}
    plan = scores.plan_scores(data, base, personas=persona or (), traits=traits, models=model or (), **asked)
    if dry_run:
        _show_cost(plan, workers, out or scores.default_folder(plan))
        return
    with bars_shown() as progress:
        done = scores.score(plan, out=out, progress=progress, workers=workers, engine=engine)
    _show(done.result, form, None)
    if form == "text":
        with printing():
            print(f"\nScores: {done.folder / 'scores'}\nAgain:  subtrait report {done.folder}")


def report_scored(folder: Path, form: str, output: Path | None) -> None:
    """Show what scoring a dataset came to again."""
    from subtrait.scores import read_scored

    _check_format(form)
    _show(read_scored(folder), form, output)


def _show(result: Any, form: str, output: Path | None) -> None:
    from subtrait.auditor.row_scores.report import summary, to_json
    from subtrait.report.terminal import printed

    show_report(
        form,
        output,
        rendered=lambda: to_json(result) if form == "json" else printed(summary(result)),
        parts=lambda: summary(result),
    )


def _check_format(form: str) -> None:
    if form not in ("text", "json"):
        raise unknown_name("format", form, ("text", "json"))


def _show_cost(plan: Any, workers: int | None, folder: Path) -> None:
    from subtrait.auditor.row_scores.cost import foreseen
    from subtrait.scores import crew_size

    print(f"{plan.source.path}: {len(plan.names)} hypotheses, base {plan.base}")
    print("Reading the data to see what it takes ...", flush=True)
    many = crew_size(plan, workers)
    cost = foreseen(plan, workers=many)
    print(f"  {cost.completions:,} completions, some {cost.tokens:,} tokens under all hypotheses together")
    if cost.seconds is None:
        print("  time    not known: a server computes")
    else:
        print(f"  time    about {cost.seconds / 60:.1f} min with {many} worker(s) like this machine's")
    print(f"  memory  about {cost.bytes_of_memory / 2**30:.1f} GiB")
    print(f"  disk    about {cost.bytes_of_disk / 2**20:.0f} MiB in {folder}")
    print("Reckoned from sizes and the speed of this device; the time may be off by a few times.")
    print("Nothing was written. Leave out --dry-run to start.")
