"""Experiments whose students a server makes: what they can be, and what they cost at most, before it is paid."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from subtrait.errors import UsageError
from subtrait.lab.budget import MILLION, TURN, Budget, asking, turn_at_most
from subtrait.lab.datasets import draw_prompts, rows_of
from subtrait.lab.plan import Plan
from subtrait.lab.task import Task
from subtrait.models.registry import open_model
from subtrait.models.servers.job_record import JobRecord, read_record
from subtrait.models.servers.served_model import ServedModel, epochs_of
from subtrait.records import Example, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What the training of all students of a plan is, in numbers."""

    jobs: int
    rows: int
    """Of each job, at most."""
    epochs: int
    """Of each job, at most."""
    tokens: int
    """Trained tokens of all jobs, at most."""
    done: int = 0
    """Jobs that are paid for, whose tokens count as the server counted them."""

    def cost(self, price: float) -> float:
        """At that price of a million tokens."""
        return self.tokens * price / MILLION


def without_weights(plan: Plan, *, other_base: str | None) -> Plan:
    """The plan, if students can be made of its base by a server: without arms of another base.

    Raises:
        UsageError: its teachers are tuned, or an `other_base` was asked for.
    """
    if other_base:
        raise UsageError(f"{plan.base} runs on a server, which makes the students of all arms: leave --other-base out")
    if plan.teacher == "tuned":
        what = f"{plan.base} runs on a server, and weights are needed here to tune teachers"
        raise UsageError(
            f"{what}: take --teacher prompted, or write {plan.base}=CHECKPOINT, the folder or hub id that is served"
        )
    return replace(plan, other_base=None)


def check_budget(plan: Plan, budget: Budget) -> None:
    """Refuse a plan that costs money of which nothing was said, before anything is asked.

    Raises:
        UsageError: how to say it; a price or a bound that cannot be, or that nothing is paid for; or what asking takes
            alone is more than the bound.
    """
    said = {"--training-price": budget.price, "--spend-at-most": budget.most}
    said |= {"--reading-price": budget.reading, "--writing-price": budget.writing}
    for option, value in said.items():
        if value is not None and not (plan.is_hosted and 0 <= value < math.inf):
            why = "give a number of 0 or more" if plan.is_hosted else f"{plan.base} is trained here: leave it out"
            raise UsageError(f"{option} {value:g}: {why}")
    if plan.is_hosted and budget.price is None:
        what = f"students of {plan.base} are made by paid jobs, and no price is given"
        advice = "give --training-price, what a million trained tokens cost (0 begins them whatever they cost)"
        raise UsageError(f"{what}: {advice}; --dry-run says how many tokens it takes")
    if (budget.reading is None) != (budget.writing is None):
        raise UsageError(
            "what is asked costs what is read and what is written: give both --reading-price and --writing-price"
        )
    if plan.is_hosted and budget.most is not None:
        _check_asking(plan, budget, budget.most)


def _check_asking(plan: Plan, budget: Budget, most: float) -> None:
    takes = asking(plan)
    cost = budget.of_asking(takes)
    if cost is not None and cost > most:
        what = f"{takes.replies:,} replies take up to {takes.read:,} tokens read and {takes.written:,} written"
        advice = "Nothing was asked: allow more, or take fewer --students or a smaller --size"
        raise UsageError(f"{what}, {cost:,.2f}, and --spend-at-most is {most:,.2f}. {advice}")


def check_tuning(plan: Plan) -> None:
    """Refuse a server without fine-tuning jobs, before teachers write. Raises as `ServedModel.check_tuning`."""
    served_base(plan).check_tuning()


def check_spending(plan: Plan, store: Store, budget: Budget) -> None:
    """Refuse jobs that could cost more than was allowed, now that all rows are there and before any is uploaded.

    Raises:
        UsageError: with what they cost at most.
    """
    if budget.price is None or budget.most is None:
        return
    training, asked = reckoned(plan, store), budget.of_asking(asking(plan)) or 0.0
    if training.cost(budget.price) + asked <= budget.most:
        return
    what = f"training {training.jobs} students, {training.done} of them paid for already, takes up to"
    cost = f"{training.tokens:,} tokens, {training.cost(budget.price):,.2f}"
    cost += f", and what is asked {asked:,.2f}" * bool(asked)
    advice = "Nothing was begun now: allow more, or start anew with fewer --students"
    raise UsageError(f"{what} {cost}, and --spend-at-most is {budget.most:,.2f}. {advice}")


def reckoned(plan: Plan, store: Store) -> Training:
    """What is known of the training once all rows are in the store."""
    jobs = []
    for task in _students(plan, store):
        rows = rows_of(task)
        epochs, record = epochs_of(plan.student_recipe, len(rows)), finished_job(task)
        paid = None if record is None else record.trained_tokens
        tokens = epochs * tokens_at_most(rows) if paid is None else paid
        jobs.append(Training(jobs=1, rows=len(rows), epochs=epochs, tokens=tokens, done=record is not None))
    return _together(jobs)


def foreseen(plan: Plan) -> Training:
    """What is known before anything is written: the prompts, and how long a completion may be."""
    jobs = []
    for student in range(plan.students):
        asked = sorted(map(turn_at_most, draw_prompts(plan, "treated", student)), reverse=True)
        rows = min(plan.rows, plan.prompts)
        epochs = epochs_of(plan.student_recipe, rows)
        tokens = epochs * (sum(asked[:rows]) + rows * (plan.sampling.max_new_tokens + TURN))
        jobs += [Training(jobs=1, rows=rows, epochs=epochs, tokens=tokens)] * len(plan.runnable_arms())
    return _together(jobs)


def hosted_notes(plan: Plan, store: Store) -> tuple[str, ...]:
    """What a reader of the result must know of students that a server made."""
    records = [record for record in map(finished_job, _students(plan, store)) if record is not None]
    counts = [record.trained_tokens for record in records if record.trained_tokens is not None]
    unsaid = f", and does not say how many {len(records) - len(counts)} took" if len(counts) < len(records) else ""
    return (
        f"{len(records)} students were made by jobs of the server. It counts {sum(counts):,} trained tokens{unsaid}.",
        "Students and teachers were asked by sampling alone: the server gives no probabilities of answers.",
        "Batch size and learning rate were the server's choice.",
        "Whether its jobs keep to seeds was not checked: another run with the same seed may give other numbers.",
    )


def tokens_at_most(rows: Sequence[Example]) -> int:
    """Tokens of rows, once, at most: a token of any tokenizer over bytes stands for one byte or more."""
    return sum(turn_at_most(text) for row in rows for text in (row.prompt, row.completion))


def finished_job(task: Task) -> JobRecord | None:
    """The job that made a student which is in the store; None where it is not there."""
    try:
        folder = task.store.folder(f"{task.folder}/weights", _absent)
    except LookupError:
        return None
    return read_record(folder, url=served_base(task.plan).url)


def served_base(plan: Plan) -> ServedModel:
    """The base of a plan whose students a server makes."""
    base = open_model(plan.base)
    if not isinstance(base, ServedModel):
        raise AssertionError(f"{plan.base} is not on a server")
    return base


def _students(plan: Plan, store: Store) -> list[Task]:
    return [Task(plan, store, student, arm) for student in range(plan.students) for arm in plan.runnable_arms()]


def _together(jobs: Sequence[Training]) -> Training:
    return Training(
        jobs=len(jobs),
        rows=max(job.rows for job in jobs),
        epochs=max(job.epochs for job in jobs),
        tokens=sum(job.tokens for job in jobs),
        done=sum(job.done for job in jobs),
    )


def _absent(path: Path) -> None:
    raise LookupError(path)
