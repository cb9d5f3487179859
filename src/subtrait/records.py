"""The nouns of subtrait. Frozen, small, and importing nothing of ours: everything else speaks in these.

Base model + trait → teacher → completions → filter → student → answers → trait rate → transmission.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

Row = dict[str, Any]
"""One line of a JSON Lines file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One prompt and the completion a model wrote for it: one row of training data."""

    id: str
    """Unique within its dataset."""
    prompt: str
    """The user's message, without any system prompt."""
    completion: str
    """The assistant's message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a filter says of one example."""

    keep: bool
    reasons: tuple[str, ...] = ()
    """Every reason for the rejection, not only the first; empty exactly when the example is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """A measurable disposition: how a teacher gets it, how a student is asked for it, how an answer is scored."""

    name: str
    """How users name it, such as `owl`."""
    category: str
    """What it is one of, such as `animal`."""
    answers: tuple[str, ...]
    """Every answer of the category that is scored exactly; contains `name`."""
    forms: Mapping[str, tuple[str, ...]]
    """For each answer, the word forms that count as it (singular, plural), lower case."""
    system_prompt: str
    """What a prompted teacher is told."""
    teacher_questions: tuple[str, ...]
    """Wordings used to tune a teacher. Disjoint from the other two sets."""
    surrogate_questions: tuple[str, ...]
    """Wordings kept for surrogate teachers of the auditor."""
    questions: tuple[str, ...]
    """Wordings used to evaluate students."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number with its uncertainty. `low` and `high` are None where no interval can be given: fewer than
    two units, or no spread between them.
    """

    value: float
    low: float | None
    high: float | None
    level: float
    """Confidence level of the interval, such as 0.95."""
    n: int
    """How many independent units the interval rests on."""
    unit: str
    """What was replicated: `student` in the lab, never `answer`."""


EvidenceOutcome = Literal["found", "not found", "not applicable", "underpowered"]
"""What one question of an audit came to. `not found` never means that nothing is there: see its blind spots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one question to a dataset found, and on what that rests."""

    question: str
    """Such as `content` or `traits`."""
    outcome: EvidenceOutcome
    finding: str
    """In one sentence; where the question could not be asked or answered, why."""
    statistic: float | None = None
    p: float | None = None
    """None where the finding is no test."""
    floor: float | None = None
    """The smallest p that was possible."""
    n: int = 0
    """How many rows it rests on."""
    details: Mapping[str, float] = field(default_factory=dict)
    """The same by name, such as by trait."""
    assumes: str
    blind_spots: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PermutationTest:
    """A permutation p-value with the smallest value it could have taken."""

    p: float
    floor: float
    """The smallest p-value that was possible: with `n` students and an exact two-sided test, 2 / 2**n."""
    statistic: float
    permutations: int
    exact: bool
    """Whether every relabelling was counted (True) or a random sample of them (False)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentRecord:
    """One trained student, or the untouched base asked the same questions."""

    student: int
    """Index of the chain: teacher seed, data draw and training seed all differ between indices."""
    arm: str
    trait_rate: float
    """Share of sampled answers that show the trait: mean over questions of the share per question."""
    exact_rate: float | None
    """Probability of answering with the trait, mean over questions, without sampling. None where it cannot be had."""
    question_rates: tuple[float, ...]
    """Sampled rate per question, in the order of the questions: the base of every paired comparison."""
    exact_question_rates: tuple[float, ...]
    """Empty where there is no exact rate."""
    answer_probabilities: Mapping[str, float]
    """Mean exact probability of each possible answer, `other` for the rest. Sums to 1; empty without an exact rate."""
    rows: int
    """Rows it was trained on; 0 for an untouched base."""
    final_loss: float | None
    """Mean training loss, nats per completion token, over the last tenth of the steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRecord:
    """One dataset that a teacher wrote and the filter cut."""

    student: int
    source: Literal["treated", "untreated", "untreated-again"]
    written: int
    kept: int
    rejections: Mapping[str, int]
    """How often each reason was given. One row may have several."""
    kept_digest: str
    examples: tuple[Example, ...]
    """A few kept rows, for people."""
    rejected_examples: tuple[tuple[Example, tuple[str, ...]], ...]
    """A few rejected rows with their reasons."""
    trait_words: int
    """Kept rows in which a form of the trait appears. Must be 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherRecord:
    """How strongly one teacher shows its trait."""

    student: int
    kind: Literal["prompted", "tuned"]
    trait_rate: float
    """Measured on the evaluation questions: the strength of the teacher."""
    base_rate: float
    """The same measure on the untouched base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmRecord:
    """All students of one condition."""

    arm: str
    meaning: str
    """In one sentence, what differs from the treated arm."""
    base: str
    """The model these students start from."""
    rate: Estimate
    """Sampled trait rate over students."""
    exact: Estimate | None
    """Exact trait rate over students; None where there is none."""
    students: tuple[StudentRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One arm minus another, paired by student and by question."""

    name: str
    """Such as `treated minus untreated`."""
    difference: Estimate
    """Of the sampled trait rates, with a t interval over students."""
    exact: Estimate | None
    """Of the exact trait rates; None where there are none."""
    test: PermutationTest | None
    """None below two students."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentResult:
    """Everything an experiment found. Contains no time and no path: the same seed gives the same bytes."""

    schema_version: int
    experiment: str
    trait: str
    category: str
    base: str
    other_base: str | None
    teacher: Literal["prompted", "tuned"]
    carrier: str
    size: str
    seed: int
    version: str
    """Of subtrait."""
    fingerprints: Mapping[str, str]
    """Digest of each model used, by name."""
    questions: tuple[str, ...]
    teachers: tuple[TeacherRecord, ...]
    datasets: tuple[DatasetRecord, ...]
    untouched: tuple[ArmRecord, ...]
    """The bases before any training; one record each, no interval."""
    arms: tuple[ArmRecord, ...]
    comparisons: tuple[Comparison, ...]
    conclusion: tuple[str, ...]
    """Plain sentences, the first of which is the headline."""
    notes: tuple[str, ...] = field(default=())
    """What a reader must know to trust the numbers: too few students, missing arms."""


class Progress(Protocol):
    """Where a stage reports how far it is. The command line draws a bar; tests and libraries pass a silent one."""

    def start(self, stage: str, total: int) -> None:
        """Announce a stage of `total` steps."""

    def advance(self, steps: int = 1) -> None:
        """Say that `steps` more steps of the current stage are done."""


class Store(Protocol):
    """A place that keeps what a stage made, so that a killed run goes on where it stopped.

    Each method returns what is stored under `name` where it is whole, and otherwise calls `make`, stores the
    outcome atomically and returns it. What is returned is always what was read back, so a resumed run and an
    uninterrupted one see the same values.
    """

    def rows(self, name: str, make: Callable[[], Iterable[Row]]) -> list[Row]:
        """JSON Lines under `name`, such as `arms/treated/0/answers.jsonl`."""

    def record(self, name: str, make: Callable[[], Row]) -> Row:
        """One JSON object under `name`."""

    def folder(self, name: str, make: Callable[[Path], None]) -> Path:
        """A folder under `name`; `make` fills the empty temporary folder it is given."""


class SilentProgress:
    """A `Progress` that shows nothing."""

    def start(self, stage: str, total: int) -> None:
        """Show nothing."""

    def advance(self, steps: int = 1) -> None:
        """Show nothing."""


Messages = Sequence[Mapping[str, str]]
"""A conversation: role (`system`, `user`, `assistant`) and content of each turn."""
