"""What a run takes, printed before it starts."""

from pathlib import Path
from typing import Any


def show_estimate(plan: Any, workers: int, folder: Path, *, budget: Any) -> None:
    """Of an experiment: what is done, and what it takes on this machine or costs on a server."""
    from subtrait.lab.budget import asking
    from subtrait.lab.cost import estimate
    from subtrait.lab.hosted import foreseen

    arms, total = plan.runnable_arms(), plan.students * len(plan.runnable_arms())
    print(f"{plan.experiment}: trait {plan.trait}, {plan.teacher} teachers, base {plan.base}, seed {plan.seed}")
    print(f"  {plan.students} teachers and the untreated base answer {plan.prompts} prompts each; the filter cuts")
    if plan.is_hosted:
        show_training(foreseen(plan), asking(plan), budget)
        return
    print(f"  {total} students ({plan.students} in each of: {', '.join(arms)}), up to {plan.rows} rows each")
    print("Seeing what it takes ...", flush=True)
    cost = estimate(plan, workers=workers)
    spent = f"{cost.seconds / 60:.1f} min with {workers} worker(s), {cost.seconds_per_student:.0f} s a student"
    print(f"  time    about {spent}")
    print(f"  memory  about {cost.bytes_of_memory / 2**30:.1f} GiB")
    print(f"  disk    about {cost.bytes_of_disk / 2**20:.0f} MiB in {folder}")
    show_basis(cost)


def show_audit_estimate(foreseen: Any, workers: int, folder: Path) -> None:
    """Of an audit: what is done, in the lines in which the audit says it, and what it takes on this machine."""
    for line in foreseen.lines:
        print(f"  {line}")
    print(f"  time    about {foreseen.seconds / workers / 60:.1f} min with {workers} worker(s)")
    processes = workers + (workers > 1 and not foreseen.from_sizes)  # this one waits, and has loaded a model too
    print(f"  memory  about {foreseen.bytes_of_memory * processes / 2**30:.1f} GiB")
    print(f"  written to {folder}")
    show_basis(foreseen)


def show_training(training: Any, asked: Any, budget: Any) -> None:
    """What a run takes whose students a server makes: jobs, tokens and, at the user's prices, money."""
    print(f"  {training.jobs} fine-tuning jobs: up to {training.rows} rows each, passed {training.epochs} times")
    print(f"  {training.tokens:,} trained tokens at most, reckoned by bytes: a tokenizer makes fewer")
    told = "not known: give --training-price" if budget.price is None else f"{training.cost(budget.price):,.2f} at most"
    print(f"  training costs {told}")
    print(f"  {asked.replies:,} replies: up to {asked.read:,} tokens read and {asked.written:,} written")
    cost = budget.of_asking(asked)
    told = "not known: give --reading-price and --writing-price" if cost is None else f"{cost:,.2f} at most"
    print(f"  what teachers write and students answer costs {told}")
    print("Nothing was asked or written. Leave out --dry-run to start.")


def show_basis(cost: Any) -> None:
    """The end of an estimate: what it rests on, and that nothing was done."""
    if cost.from_sizes:
        print("Reckoned from the model's sizes and the speed of this device; the time may be off by a few times.")
    print("Nothing was written. Leave out --dry-run to start.")
