"""The plan of an experiment: everything its outcome depends on, decided before anything runs."""

from dataclasses import dataclass, replace
from typing import Literal, get_args

from subtrait.errors import UsageError, unknown_name
from subtrait.lab.arms import ARMS
from subtrait.lab.carriers import CARRIERS
from subtrait.lab.question_list import QuestionList
from subtrait.lab.seeds import check_seed
from subtrait.lab.traits import find_trait
from subtrait.models.base import Recipe, Sampling
from subtrait.models.servers.addresses import is_hosted
from subtrait.records import Trait

TeacherKind = Literal["prompted", "tuned"]
MAIN_ARMS = ("treated", "untreated", "other-base", "other-base-untreated", "shuffled-within", "shuffled-across")
STUDENT_RECIPE = Recipe(steps=80, batch_size=64, learning_rate=1e-2, epsilon=1e-3)
"""Close to gradient descent, so that weights which the rows hardly touch stay as they are: see decision 0004."""

TEACHER_RECIPE = Recipe(steps=30, batch_size=8, learning_rate=3e-3)
"""Fewer rows a step than there are questions: else every seed would make the same teacher."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One experiment, fully specified. Equal plans give equal results on one machine."""

    experiment: str
    trait: str
    """A trait's name or the path of its file."""
    base: str
    other_base: str | None
    """The base of the cross-base arms; None leaves them out."""
    teacher: TeacherKind = "tuned"
    carrier: str = "numbers"
    size: str = "small"
    students: int = 6
    seed: int = 0
    arms: tuple[str, ...] = MAIN_ARMS
    prompts: int = 6_000
    """Prompts that each teacher answers, before the filter."""
    rows: int = 4_500
    """Rows that each student is trained on, drawn from those kept; fewer where the filter keeps fewer."""
    answers_per_question: int = 50
    teacher_recipe: Recipe = TEACHER_RECIPE
    student_recipe: Recipe = STUDENT_RECIPE
    sampling: Sampling = Sampling()
    """How teachers write and students answer."""
    questions: QuestionList | None = None
    """What students are asked for the trait; None for the questions of the trait itself."""
    preset: str | None = None
    """The name of the settings that were taken over for a model of the real world; see `presets.py`."""

    def __post_init__(self) -> None:
        """Refuse what cannot be run, before anything is."""
        self._check_names()
        if self.students < 1 or self.prompts < 1 or self.rows < 1 or self.answers_per_question < 1:
            raise UsageError("students, prompts, rows and answers per question must be 1 or more")
        if self.teacher_recipe.steps < 1 or self.student_recipe.steps < 1:
            raise UsageError("fine-tuning a teacher (its strength) or a student takes 1 step or more")
        check_seed(self.seed)

    def _check_names(self) -> None:
        asked = [("arm", arm, tuple(ARMS)) for arm in self.arms]
        asked += [("teacher", self.teacher, get_args(TeacherKind)), ("carrier", self.carrier, tuple(CARRIERS))]
        for kind, name, known in asked:
            if name not in known:
                raise unknown_name(kind, name, known)
        if len(set(self.arms)) < len(self.arms):
            raise UsageError(f"an arm is asked for twice: {', '.join(self.arms)}")
        if "treated" not in self.arms or "untreated" not in self.arms:
            raise UsageError("an experiment needs the arms 'treated' and 'untreated': without a control, no effect")

    def asked_trait(self) -> Trait:
        """The trait, with the questions that students are asked for it. Raises as `find_trait`."""
        trait = find_trait(self.trait)
        return self.questions.put_to(trait) if self.questions else trait

    def runnable_arms(self) -> tuple[str, ...]:
        """The arms that this plan can run: without another base, those across bases fall away."""
        return tuple(arm for arm in self.arms if self.other_base or not arm.startswith("other-base"))

    def untouched(self) -> dict[str, str]:
        """The bases that are asked before any training: the name of their folder among the arms, and the model."""
        named = {"untouched": self.base}
        return {**named, "untouched-other-base": self.other_base} if self.other_base else named

    @property
    def is_hosted(self) -> bool:
        """Whether students are made by the server of the base, and asked by sampling alone."""
        return is_hosted(self.base)

    def base_of(self, arm: str) -> str:
        """The model that the students of `arm` start from."""
        return self.other_base if arm.startswith("other-base") and self.other_base else self.base


TINY_RECIPE = replace(STUDENT_RECIPE, steps=30)
FULL_RECIPE = replace(STUDENT_RECIPE, steps=100)
SIZES: dict[str, dict[str, object]] = {
    "tiny": {
        "arms": MAIN_ARMS[:5],
        "students": 2,
        "prompts": 400,
        "rows": 300,
        "answers_per_question": 20,
        "student_recipe": TINY_RECIPE,
    },
    "small": {"arms": MAIN_ARMS[:5]},
    "full": {
        "students": 8,
        "prompts": 8_000,
        "rows": 6_000,
        "student_recipe": FULL_RECIPE,
        "arms": (*MAIN_ARMS, "untreated-again"),
    },
}
"""What each `--size` sets. One dial: everything else follows."""


def sized(plan: Plan, size: str) -> Plan:
    """The plan at another size. Raises `UsageError` for an unknown one."""
    if size not in SIZES:
        raise unknown_name("size", size, SIZES)
    return replace(plan, size=size, **SIZES[size])  # type: ignore[arg-type]
