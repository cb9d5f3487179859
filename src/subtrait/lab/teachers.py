"""Teachers: the base model given a trait, by system prompt or by a little fine-tuning, and how strongly it shows."""

from dataclasses import asdict, dataclass
from pathlib import Path

from subtrait.lab.evaluation import exact_rates
from subtrait.lab.seeds import stream
from subtrait.lab.task import Task
from subtrait.models.base import Model
from subtrait.models.registry import load_saved, local_name, open_model
from subtrait.records import Example, Messages, Progress, Row, TeacherRecord, Trait


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
    """How strongly the teacher shows the trait on the evaluation questions, beside its base: a `TeacherRecord`."""
    strength = exact_rates(teacher.model, trait, system_prompt=teacher.system_prompt).trait_rate
    before = exact_rates(base, trait).trait_rate
    record = TeacherRecord(student=task.student, kind=task.plan.teacher, trait_rate=strength, base_rate=before)
    return asdict(record)
