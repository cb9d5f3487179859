"""Teachers: the base model given a trait, by system prompt or by a little fine-tuning, and how strongly it shows."""

from dataclasses import asdict, dataclass

from subtrait.lab.evaluation import exact_rates
from subtrait.lab.plan import Plan
from subtrait.lab.seeds import stream
from subtrait.models.base import Model
from subtrait.models.registry import load_saved
from subtrait.records import Example, Messages, Progress, Row, Store, TeacherRecord, Trait


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


def make_teacher(plan: Plan, trait: Trait, base: Model, *, student: int, store: Store, progress: Progress) -> Teacher:
    """The teacher of one chain; a tuned one is kept in the store."""
    if plan.teacher == "prompted":
        return Teacher(base, trait.system_prompt)
    rng = stream(plan.seed, "teacher", student)
    folder = store.folder(
        f"teachers/{student}/weights",
        lambda path: base.finetune(tuning_examples(trait), plan.teacher_recipe, rng=rng, progress=progress).model.save(
            path
        ),
    )
    return Teacher(load_saved(folder, like=base), None)


def measure_teacher(plan: Plan, trait: Trait, teacher: Teacher, base: Model, *, student: int) -> Row:
    """How strongly the teacher shows the trait on the evaluation questions, beside its base."""
    strength = exact_rates(teacher.model, trait, system_prompt=teacher.system_prompt)
    before = exact_rates(base, trait, system_prompt=None)
    record = TeacherRecord(
        student=student, kind=plan.teacher, trait_rate=strength.trait_rate, base_rate=before.trait_rate
    )
    return asdict(record)
