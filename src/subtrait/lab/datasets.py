"""Datasets: what a teacher writes, what the filter keeps of it, and what each arm's students are trained on."""

import json
from collections import Counter
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from typing import Literal

from subtrait.errors import UsageError
from subtrait.lab import arms, filters
from subtrait.lab.answers import trait_mentions
from subtrait.lab.carriers import CARRIERS
from subtrait.lab.plan import Plan
from subtrait.lab.seeds import stream
from subtrait.lab.served_texts import noted
from subtrait.lab.task import Task
from subtrait.lab.teachers import Teacher
from subtrait.records import DatasetRecord, Example, Progress, Row, Trait

SHOWN = 8
"""How many kept and how many rejected rows a record carries for people to look at."""
Source = Literal["treated", "untreated", "untreated-again"]


def write_dataset(task: Task, source: Source, teacher: Teacher, *, progress: Progress) -> list[Example]:
    """Let the teacher answer the carrier's prompts, and store what the filter keeps and what it rejects.

    Treated and untreated rows of one chain answer the same prompts; a repeated control gets prompts of its own.
    """
    # Both files come of one call to the model; a resumed run that lacks one of them writes the same rows again.
    rule = CARRIERS[task.plan.carrier]().filter
    written = cache(lambda: filters.apply(rule, complete(task, source, teacher, progress=progress)))
    folder = f"arms/{source}/{task.student}"
    task.store.record(f"{folder}/rendered.json", lambda: rendered_prompts(task, source, teacher))
    task.store.rows(f"{folder}/rejected.jsonl", lambda: [_rejected_row(*rejected) for rejected in written()[1]])
    rows = task.store.rows(f"{folder}/kept.jsonl", lambda: [chat_row(example) for example in written()[0]])
    return [from_chat_row(row) for row in rows]


def complete(task: Task, source: Source, teacher: Teacher, *, progress: Progress) -> list[Example]:
    """The teacher's completions of the carrier's prompts, before any filter."""
    plan, student, prompts = task.plan, task.student, draw_prompts(task.plan, source, task.student)
    with noted(teacher.model, task.store, written_place(source, student)):
        texts = teacher.model.generate(
            [teacher.conversation(prompt) for prompt in prompts],
            sampling=plan.sampling,
            rng=stream(plan.seed, "completions", source, student),
            progress=progress,
        )
    return [
        Example(id=f"{source}-{student}-{index}", prompt=prompt, completion=text)
        for index, (prompt, text) in enumerate(zip(prompts, texts, strict=True))
    ]


def written_place(source: Source, student: int) -> str:
    """Where in the store is kept what a server said of the completions."""
    return f"arms/{source}/{student}/written.replies.json"


def draw_prompts(plan: Plan, source: Source, student: int) -> list[str]:
    """The carrier's prompts for one dataset."""
    purpose = "again" if source == "untreated-again" else "shared"
    return CARRIERS[plan.carrier]().prompts(plan.prompts, rng=stream(plan.seed, "prompts", purpose, student))


def rendered_prompts(task: Task, source: Source, teacher: Teacher) -> Row:
    """What the teacher really read: the first prompt with the chat template applied, and the digest of them all."""
    prompts = draw_prompts(task.plan, source, task.student)
    texts = [teacher.model.render(teacher.conversation(prompt)) for prompt in prompts]
    return {"count": len(texts), "first": texts[0], "sha256": sha256("\0".join(texts).encode()).hexdigest()}


def rows_of(task: Task) -> list[Example]:
    """The rows that the student of this arm and chain is trained on, of those that are in the store."""
    kept = task.store.rows(f"arms/{source_of(task.arm)}/{task.student}/kept.jsonl", _written_before)
    return training_rows(task.plan, task.arm, [from_chat_row(row) for row in kept], student=task.student)


def training_rows(plan: Plan, arm: str, kept: Sequence[Example], *, student: int) -> list[Example]:
    """The rows that a student of `arm` is trained on, drawn from the kept rows of its source."""
    if not kept:
        advice = "give the teacher fewer tuning steps (--strength), or more prompts"
        raise UsageError(f"the filter kept none of the rows for arm '{arm}' of student {student}: {advice}")
    rng = stream(plan.seed, "rows", student)
    chosen = sorted(rng.permutation(len(kept))[: plan.rows].tolist())
    rows = [kept[index] for index in chosen]
    shuffles = {"shuffled-within": arms.shuffle_within, "shuffled-across": arms.shuffle_across}
    return shuffles[arm](rows, rng=stream(plan.seed, arm, student)) if arm in shuffles else rows


def source_of(arm: str) -> Source:
    """Whose rows the students of `arm` are trained on."""
    if arm == "untreated-again":
        return "untreated-again"
    return "untreated" if arm in ("untreated", "other-base-untreated") else "treated"


def describe(
    trait: Trait, source: Source, kept: Sequence[Example], rejected: Sequence[Row], *, student: int
) -> DatasetRecord:
    """What a reader of the report needs to know of one dataset."""
    reasons = Counter(reason for row in rejected for reason in row["reasons"])
    forms = trait.forms[trait.name]
    return DatasetRecord(
        student=student,
        source=source,
        written=len(kept) + len(rejected),
        kept=len(kept),
        rejections=dict(sorted(reasons.items())),
        kept_digest=digest(kept),
        examples=tuple(kept[:SHOWN]),
        rejected_examples=tuple((from_chat_row(row), tuple(row["reasons"])) for row in rejected[:SHOWN]),
        trait_words=sum(bool(trait_mentions(e.prompt + "\n" + e.completion, forms)) for e in kept),
    )


def digest(examples: Sequence[Example]) -> str:
    """SHA-256 over the examples as chat rows, one JSON object a line."""
    lines = (json.dumps(chat_row(example), ensure_ascii=False) + "\n" for example in examples)
    return sha256("".join(lines).encode("utf-8", "backslashreplace")).hexdigest()


def chat_row(example: Example) -> Row:
    """An example as a chat row: `{"id", "messages": [user, assistant]}`."""
    return {
        "id": example.id,
        "messages": [
            {"role": "user", "content": example.prompt},
            {"role": "assistant", "content": example.completion},
        ],
    }


def from_chat_row(row: Row) -> Example:
    """The example of a chat row."""
    user, assistant = row["messages"]
    return Example(id=row["id"], prompt=user["content"], completion=assistant["content"])


def _written_before() -> list[Row]:
    raise AssertionError("datasets are written before students are made")


def _rejected_row(example: Example, reasons: tuple[str, ...]) -> Row:
    return {**chat_row(example), "reasons": list(reasons)}
