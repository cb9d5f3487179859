"""Experiments whose students a server makes: what they can be, and what they cost at most, before it is paid."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from subtrait.errors import UsageError
from subtrait.lab.budget import MILLION, TURN, Asking, Budget, asking, turn_at_most
from subtrait.lab.datasets import draw_prompts, rows_of
from subtrait.lab.plan import Plan
from subtrait.lab.task import Task
from subtrait.models.base import Recipe
from subtrait.models.registry import open_model
from subtrait.models.servers.addresses import is_hosted
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
        UsageError: as `check_prices`; or what asking takes alone is more than the bound.
    """
    check_prices(plan.base, budget)
    if plan.is_hosted and budget.most is not None:
        check_asking(asking(plan), budget, budget.most)


def check_prices(base: str, budget: Budget) -> None:
    """Refuse students of a base of whose price nothing was said.

    Raises:
        UsageError: how to say it; or a price or a bound that cannot be, or that nothing is paid for.
    """
    hosted = is_hosted(base)
    said = {"--training-price": budget.price, "--spend-at-most": budget.most}
    said |= {"--reading-price": budget.reading, "--writing-price": budget.writing}
    for option, value in said.items():
        if value is not None and not (hosted and 0 <= value < math.inf):
            why = "give a number of 0 or more" if hosted else f"{base} is trained here: leave it out"
            raise UsageError(f"{option} {value:g}: {why}")
    if hosted and budget.price is None:
        what = f"students of {base} are made by paid jobs, and no price is given"
        advice = "give --training-price, what a million trained tokens cost (0 begins them whatever they cost)"
        raise UsageError(f"{what}: {advice}; --dry-run says how many tokens it takes")
    if (budget.reading is None) != (budget.writing is None):
        raise UsageError(
            "what is asked costs what is read and what is written: give both --reading-price and --writing-price"
        )


def check_asking(takes: Asking, budget: Budget, most: float) -> None:
    """Raise `UsageError` where asking alone costs more than that."""
    cost = budget.of_asking(takes)
    if cost is not None and cost > most:
        what = f"{takes.replies:,} replies take up to {takes.read:,} tokens read and {takes.written:,} written"
        advice = "Nothing was asked: allow more, or take fewer --students or a smaller --size"
        raise UsageError(f"{what}, {cost:,.2f}, and --spend-at-most is {most:,.2f}. {advice}")


def check_tuning(base: str) -> None:
    """Refuse a server without fine-tuning jobs, before teachers write. Raises as `ServedModel.check_tuning`."""
    served(base).check_tuning()


def check_spending(plan: Plan, store: Store, budget: Budget) -> None:
    """Refuse jobs that could cost more than was allowed, now that all rows are there and before any is uploaded.

    Raises:
        UsageError: with what they cost at most.
    """
    if budget.price is not None and budget.most is not None:
        refuse_dear(reckoned(plan, store), asking(plan), budget)


def refuse_dear(training: Training, takes: Asking, budget: Budget) -> None:
    """Raise `UsageError` where training and asking cost more than was allowed."""
    if budget.price is None or budget.most is None:
        return
    asked = budget.of_asking(takes) or 0.0
    if training.cost(budget.price) + asked <= budget.most:
        return
    what = f"training {training.jobs} students, {training.done} of them paid for already, takes up to"
    cost = f"{training.tokens:,} tokens, {training.cost(budget.price):,.2f}"
    cost += f", and what is asked {asked:,.2f}" * bool(asked)
    advice = "Nothing was begun now: allow more, or start anew with fewer --students"
    raise UsageError(f"{what} {cost}, and --spend-at-most is {budget.most:,.2f}. {advice}")


def reckoned(plan: Plan, store: Store) -> Training:
    """What is known of the training once all rows are in the store."""
    return together([job(plan.student_recipe, rows_of(task), finished_job(task)) for task in _students(plan, store)])


def job(recipe: Recipe, rows: Sequence[Example], record: JobRecord | None) -> Training:
    """The training of one student on these rows; `record` is of the job that has made it, if one has."""
    epochs, paid = epochs_of(recipe, len(rows)), None if record is None else record.trained_tokens
    tokens = epochs * tokens_at_most(rows) if paid is None else paid
    return Training(jobs=1, rows=len(rows), epochs=epochs, tokens=tokens, done=record is not None)


def foreseen(plan: Plan) -> Training:
    """What is known before anything is written: the prompts, and how long a completion may be."""
    jobs = []
    for student in range(plan.students):
        prompts = draw_prompts(plan, "treated", student)
        one = foreseen_job(plan.student_recipe, prompts, rows=plan.rows, longest=plan.sampling.max_new_tokens)
        jobs += [one] * len(plan.runnable_arms())
    return together(jobs)


def foreseen_job(recipe: Recipe, prompts: Sequence[str], *, rows: int, longest: int) -> Training:
    """The training of one student on at most so many answers to these prompts, of at most so many tokens each."""
    asked = sorted(map(turn_at_most, prompts), reverse=True)[:rows]
    epochs = epochs_of(recipe, len(asked))
    return Training(
        jobs=1, rows=len(asked), epochs=epochs, tokens=epochs * (sum(asked) + len(asked) * (longest + TURN))
    )


def hosted_notes(plan: Plan, store: Store) -> tuple[str, ...]:
    """What a reader of the result must know of students that a server made."""
    return notes_of([record for record in map(finished_job, _students(plan, store)) if record is not None])


def notes_of(records: Sequence[JobRecord]) -> tuple[str, ...]:
    """The same, of the jobs that made them."""
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
    return job_in(task.store, f"{task.folder}/weights", base=task.plan.base)


def job_in(store: Store, name: str, *, base: str) -> JobRecord | None:
    """The job that made the student of that folder of the store; None where it is not there."""
    try:
        folder = store.folder(name, _absent)
    except LookupError:
        return None
    return read_record(folder, url=served(base).url)


def served(base: str) -> ServedModel:
    """The base of that name, whose students a server makes."""
    model = open_model(base)
    if not isinstance(model, ServedModel):
        raise AssertionError(f"{base} is not on a server")
    return model


def _students(plan: Plan, store: Store) -> list[Task]:
    return [Task(plan, store, student, arm) for student in range(plan.students) for arm in plan.runnable_arms()]


def together(jobs: Sequence[Training]) -> Training:
    """All of these, of which there is one or more."""
    return Training(
        jobs=len(jobs),
        rows=max(job.rows for job in jobs),
        epochs=max(job.epochs for job in jobs),
        tokens=sum(job.tokens for job in jobs),
        done=sum(job.done for job in jobs),
    )


def _absent(path: Path) -> None:
    raise LookupError(path)
