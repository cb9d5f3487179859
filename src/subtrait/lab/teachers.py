"""Teachers: the base model given a trait, by system prompt or by a little fine-tuning, and how strongly it shows."""

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Final

from subtrait.lab.evaluation import answer_rows, exact_rates, question_prompts
from subtrait.lab.seeds import stream
from subtrait.lab.served_texts import noted
from subtrait.lab.task import Task
from subtrait.models.base import Model
from subtrait.models.registry import load_saved, local_name, open_model
from subtrait.records import Example, Messages, Progress, Row, TeacherRecord, Trait

STRENGTH_ANSWERS: Final = 10
"""To each question, where the strength of a teacher cannot be had exactly."""


@dataclass(frozen=True, slots=True)
class Teacher:
    """A model that writes data, and the system prompt it writes under."""

    model: Model
    system_prompt: str | None

    def conversation(self, prompt: str) -> Messages:
        """What the model is shown to have it answer `prompt`."""
        system = [{"role": "system", "content": self.system_prompt}] if self.system_prompt else []
        return [*system, {"role": "user", "content": prompt}]


def tuning_examples(trait: Trait) -> list[Example]:
    """The rows that a teacher is tuned on: each of its questions, answered with the trait."""
    return [
        Example(id=f"{trait.name}-{index}", prompt=question, completion=trait.name)
        for index, question in enumerate(trait.teacher_questions)
    ]


def make_teacher(task: Task, trait: Trait, base: Model, *, progress: Progress) -> Teacher:
    """The teacher of one chain; a tuned one is kept in the store."""
    plan = task.plan
    if plan.teacher == "prompted":
        return Teacher(base, trait.system_prompt)

    start = open_model(local_name(plan.base))

    def make(path: Path) -> None:
        rng = stream(plan.seed, "teacher", task.student)
        start.finetune(tuning_examples(trait), plan.teacher_recipe, rng=rng, progress=progress).model.save(path)

    return Teacher(load_saved(task.store.folder(f"teachers/{task.student}/weights", make), like=start), None)


def measure_teacher(task: Task, trait: Trait, teacher: Teacher, base: Model) -> Row:
    """How strongly the teacher shows the trait on the evaluation questions, beside its base: a `TeacherRecord`.

    Exact where that can be had, else by a few sampled answers to each question.
    """
    rate = partial(_sampled_rate, task) if task.plan.is_hosted else _exact_rate
    with noted(base, task.store, strength_place(task.student)):  # a told teacher is the base
        strength, before = rate(teacher, trait), rate(Teacher(base, None), trait)
    record = TeacherRecord(student=task.student, kind=task.plan.teacher, trait_rate=strength, base_rate=before)
    return asdict(record)


def strength_place(student: int) -> str:
    """Where in the store is kept what a server said of the answers of teacher and base."""
    return f"teachers/{student}/answers.replies.json"


def _exact_rate(teacher: Teacher, trait: Trait) -> float:
    return exact_rates(teacher.model, trait, system_prompt=teacher.system_prompt).trait_rate


def _sampled_rate(task: Task, teacher: Teacher, trait: Trait) -> float:
    prompts = question_prompts(trait, STRENGTH_ANSWERS, system_prompt=teacher.system_prompt)
    rng = stream(task.plan.seed, "strength", task.student)
    texts = teacher.model.generate(prompts, sampling=task.plan.sampling, rng=rng)
    return fmean(row["shows"] / row["asked"] for row in answer_rows(trait, texts, None))
