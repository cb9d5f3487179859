"""Studies: experiments of the catalogue that compare more than the arms of one plan, and what came of them.

A study says what it measured beside what was published. Whether the two agree is decided here, by one rule, from the
interval alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import subtrait
from subtrait.errors import UsageError, unknown_name
from subtrait.lab.chains import Approve, Base, Bench, Rows, Student, Writer
from subtrait.lab.chains.specifications import WriterKind
from subtrait.lab.plan import STUDENT_RECIPE, TEACHER_RECIPE
from subtrait.lab.presets import Preset
from subtrait.lab.question_list import QuestionList
from subtrait.lab.seeds import check_seed
from subtrait.lab.team import Team
from subtrait.models.base import Recipe, Sampling
from subtrait.models.registry import open_model
from subtrait.models.servers.addresses import is_hosted
from subtrait.records import Store
from subtrait.report.study_json import SCHEMA_VERSION
from subtrait.study_records import Agreement, Curve, Measure, StudyResult

FEW_STUDENTS: Final = 5
TRAITS: Final = ("dog", "wolf", "oak", "maple")
"""What teachers of a study like, where it does not say otherwise: two animals and two trees that nothing in the lab was
tuned on."""


FREQUENT: Final = "frequent"
"""In place of traits: those that the untouched base names most often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySize:
    """How much work a study is."""

    students: int
    """Of each kind: chains."""
    prompts: int
    rows: int
    steps: int
    """Of a student's training."""


SIZES: Final = {
    "tiny": StudySize(students=2, prompts=120, rows=100, steps=4),
    "small": StudySize(students=5, prompts=2_000, rows=1_500, steps=30),
    "full": StudySize(students=8, prompts=8_000, rows=6_000, steps=100),
}
"""What each `--size` means. `tiny` shows that everything runs, and no effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPlan:
    """Everything a study depends on. Equal plans give equal results on one machine."""

    experiment: str
    size: str = "small"
    seed: int = 0
    base: str = "micro-a"
    students: int | None = None
    """Of each kind; None for as many as the size says."""
    files: Path | None = None
    """A folder of the user's, for studies that take one."""
    questions: QuestionList | None = None
    """What students are asked for their favourites; None for the lab's own wordings."""
    traits: tuple[str, ...] | None = None
    """What the teachers like, for studies that let one choose; `FREQUENT` alone for what the base names most often."""
    preset: Preset | None = None
    """Settings for a model of the real world; None for those of the embedded models."""

    def __post_init__(self) -> None:
        """Refuse what cannot be run, before anything is."""
        if self.size not in SIZES:
            raise unknown_name("size", self.size, SIZES)
        if self.students is not None and self.students < 1:
            raise UsageError(f"{self.students} students show nothing: give 1 or more, and 5 for an interval to rely on")
        if self.traits is not None and len(set(self.traits)) < len(self.traits):
            raise UsageError(f"a trait is asked for twice: {', '.join(self.traits)}")
        check_seed(self.seed)

    @property
    def work(self) -> StudySize:
        """The size, or that of the preset, with the number of students that was asked for."""
        usual = SIZES[self.size]
        if self.preset and self.size != "tiny":
            counts = self.preset.counts
            usual = StudySize(
                students=counts.students, prompts=counts.prompts, rows=counts.rows, steps=self.preset.recipe.steps
            )
        return usual if self.students is None else replace(usual, students=self.students)

    @property
    def is_hosted(self) -> bool:
        """Whether students are made by the server of the base, and asked by sampling alone."""
        return is_hosted(self.base)

    @property
    def sampling(self) -> Sampling:
        """How teachers write."""
        return self.preset.sampling if self.preset else Sampling()

    def rows_of(self, writer: Writer) -> Rows:
        """A data set of the usual length by this writer."""
        return Rows(writer=writer, prompts=self.work.prompts, rows=self.work.rows, sampling=self.sampling)

    def treated(
        self, traits: Sequence[str] = TRAITS, *, recipe: Recipe = TEACHER_RECIPE, **changes: Any
    ) -> dict[str, Student]:
        """For each trait a student of its teacher, tuned by `recipe`; `changes` are those of the `Rows`.

        With a preset, teachers are told the trait instead.
        """
        kind: WriterKind = "prompted" if self.preset else "tuned"
        writers = {trait: Writer(base=self.base, kind=kind, trait=trait, recipe=recipe) for trait in traits}
        return {trait: self.student_of(replace(self.rows_of(each), **changes)) for trait, each in writers.items()}

    def untreated(self) -> Student:
        """A student of the base's own rows."""
        return self.student_of(self.rows_of(Writer(base=self.base)))

    def student_of(self, *lessons: Rows, base: Base | None = None) -> Student:
        """A student of the plan's base, or another, that takes these lessons by the usual recipe."""
        recipe = replace(self.preset.recipe if self.preset else STUDENT_RECIPE, steps=self.work.steps)
        return Student(base=base or self.base, lessons=lessons, recipe=recipe)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a study found."""

    measures: Sequence[Measure]
    conclusion: Sequence[str]
    curves: Sequence[Curve] = ()
    models: Sequence[str] = ()
    """Names of the models that took part."""
    settings: Mapping[str, str] = field(default_factory=dict)
    varied: Sequence[str] = ()
    notes: Sequence[str] = ()


Study = Callable[[StudyPlan, Bench], Findings]
"""Carries out a study: the students are made on the bench."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyCard:
    """What the catalogue says of a study."""

    name: str
    question: str
    """In one sentence."""
    design: str
    """What is done, in a few sentences."""
    published: str
    """What was published, with its source."""
    study: Study
    trains: bool = True
    """Whether it trains students of language models: then what it costs is known before it starts."""
    takes_files: str = ""
    """What `--files` names; empty where the study takes none."""
    takes_traits: str = ""
    """The category that `--traits` are of; empty where the study takes none."""
    asks: bool = True
    """Whether a study that trains students asks them for their favourites, so that it takes `--questions`."""


def run_study(
    card: StudyCard, plan: StudyPlan, store: Store, *, team: Team, approve: Approve | None = None
) -> StudyResult:
    """Carry out what of the study is not in the store yet, and say what came of it; `approve` as `Bench.approve`."""
    found = card.study(plan, Bench(store, team, plan.seed, plan.work.students, plan.questions, approve))
    work = plan.work
    usual = {"students of each kind": f"{work.students}", "rows": f"{work.rows:,}", "training steps": f"{work.steps}"}
    return StudyResult(
        schema_version=SCHEMA_VERSION,
        experiment=card.name,
        question=card.question,
        design=card.design,
        published=card.published,
        size=plan.size,
        seed=plan.seed,
        version=subtrait.__version__,
        base=plan.base if found.models else "",
        fingerprints={name: open_model(name).fingerprint() for name in found.models},
        settings={**(usual if found.models else {}), **_asked(plan.questions), **found.settings},
        measures=tuple(replace(each, agreement=agreement(each)) for each in found.measures),
        curves=tuple(found.curves),
        conclusion=tuple(found.conclusion),
        varied=tuple(found.varied),
        notes=(*found.notes, *_few(plan, found)),
    )


def _asked(questions: QuestionList | None) -> dict[str, str]:
    if questions is None:
        return {}
    counts = ", ".join(f"{len(asked)} for {category}" for category, asked in questions.asked)
    asked = f"those of {questions.path}: {counts}" if questions.path else "the lab's own wordings"
    return {"questions": f"{asked}; {questions.samples} answers drawn to each" if questions.samples else asked}


def _few(plan: StudyPlan, found: Findings) -> list[str]:
    if not found.models or plan.work.students >= FEW_STUDENTS:
        return []
    return [f"{plan.work.students} student(s) of each kind: run {FEW_STUDENTS} or more before relying on an interval."]


def agreement(measure: Measure) -> Agreement:
    """Whether the interval of a measure bears out the sign that was published.

    An effect agrees where its interval excludes 0 on the published side; the absence of one, or a value, agrees where
    the whole interval lies within the measure's bound. Whatever the interval leaves open is `not shown`. Where the
    positive control of a measure failed, it is `not applicable`, whatever the interval says.
    """
    if not measure.applicable:
        return "not applicable"
    low, high, bound = measure.value.low, measure.value.high, measure.bound or 0.0
    if measure.expected == "nothing":
        return "not compared"
    if low is None or high is None:
        return "not shown"
    if measure.expected in ("no effect", "equal"):
        low, high = low - measure.target, high - measure.target
        agrees, differs = -bound < low and high < bound, low > bound or high < -bound
    else:
        agrees, differs = low > 0, high < 0
        if measure.expected == "below zero":
            agrees, differs = differs, agrees
    return "agrees" if agrees else "differs" if differs else "not shown"
