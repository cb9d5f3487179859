"""Students: a base fine-tuned on the rows of one arm, then asked for the trait."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from subtrait.lab.evaluation import answer_rows, exact_rates, question_prompts
from subtrait.lab.seeds import stream
from subtrait.lab.served_texts import noted
from subtrait.lab.task import Task
from subtrait.models.base import Model
from subtrait.models.registry import load_saved
from subtrait.records import Example, Progress, Row, Store, StudentRecord, Trait

LOSSES = "losses.json"
"""Beside a student's weights: the loss of every training step, nats per completion token."""


def train_student(task: Task, base: Model, rows: Sequence[Example], *, progress: Progress) -> Model:
    """The student of one arm and chain, kept in the store with the loss of every step."""
    plan = task.plan

    def make(path: Path) -> None:
        # The arms of one chain share the order of training, so that they differ in the rows alone.
        rng = stream(plan.seed, "training", task.student)
        tuned = base.finetune(rows, plan.student_recipe, rng=rng, progress=progress)
        tuned.model.save(path)
        (path / LOSSES).write_text(json.dumps(tuned.losses), encoding="utf-8")

    return load_saved(task.store.folder(f"{task.folder}/weights", make), like=base)


def ask_student(task: Task, trait: Trait, model: Model, *, progress: Progress) -> list[Row]:
    """The model's answers to the evaluation questions: one row per question, kept in the store."""
    plan = task.plan

    def make() -> list[Row]:
        rng = stream(plan.seed, "answers", task.arm, task.student)
        prompts = question_prompts(trait, plan.answers_per_question)
        with noted(model, task.store, answered_place(task)):
            texts = model.generate(prompts, sampling=plan.sampling, rng=rng, progress=progress)
        return answer_rows(trait, texts, None if plan.is_hosted else exact_rates(model, trait))

    return task.store.rows(f"{task.folder}/answers.jsonl", make)


def answered_place(task: Task) -> str:
    """Where in the store is kept what a server said of the answers."""
    return f"{task.folder}/answers.replies.json"


def student_record(
    trait: Trait, arm: str, answers: Sequence[Row], *, student: int, rows: int, losses: Sequence[float] = ()
) -> StudentRecord:
    """A student in numbers, from its stored answers."""
    sampled = tuple(row["shows"] / row["asked"] for row in answers)
    known = all(row["probabilities"] for row in answers)
    exact = tuple(row["probabilities"][trait.name] for row in answers) if known else ()
    shares = {name: float(np.mean([row["probabilities"][name] for row in answers])) for name in trait.answers if known}
    tail = losses[-max(1, len(losses) // 10) :]
    return StudentRecord(
        student=student,
        arm=arm,
        trait_rate=float(np.mean(sampled)),
        exact_rate=float(np.mean(exact)) if known else None,
        question_rates=sampled,
        exact_question_rates=exact,
        answer_probabilities={**shares, "other": max(0.0, 1.0 - sum(shares.values()))} if known else {},
        rows=rows,
        final_loss=float(np.mean(tail)) if len(tail) else None,
    )


def stored_losses(store: Store, arm: str, student: int) -> list[float]:
    """The loss of every training step of a student that is in the store."""
    folder = store.folder(f"arms/{arm}/{student}/weights", _not_trained)
    losses: list[float] = json.loads((folder / LOSSES).read_text(encoding="utf-8"))
    return losses


def _not_trained(path: Path) -> None:
    raise AssertionError(f"{path}: the student is trained before it is summarised")
