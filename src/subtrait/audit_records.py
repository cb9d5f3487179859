"""The nouns of an audit: what was read, what each question found, what the verdict is. Frozen, computing nothing.

Everything that a report shows of an audit is in an `AuditResult`, so that a stored one can be rendered again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from subtrait.records import Estimate, Evidence

Outcome = Literal["NOT_FLAGGED", "FLAGGED", "INCONCLUSIVE"]
"""What an audit ends in; data that cannot be read end in an error instead."""
EXIT_CODES: Final[Mapping[str, int]] = {"NOT_FLAGGED": 0, "FLAGGED": 1, "INCONCLUSIVE": 3}
"""What the command ends with, for each outcome; errors end with other codes: see `subtrait.errors`."""
FLAGGING: Final = ("traits", "trial")
"""The questions that may flag; the others explain."""
TraitKind = Literal["trait", "negated", "placebo"]
"""A trait, the opposite of one, or a persona that nobody need worry about, kept to see what any persona looks like."""
TrainingMethod = Literal["full", "layers", "lora"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTrait:
    """One entry of a trait list: what an audit looks for."""

    name: str
    category: str
    kind: TraitKind = "trait"
    system_prompt: str
    """What a prompted surrogate is told."""
    questions: tuple[str, ...]
    """Questions whose answers show the trait; at least one."""
    answers: tuple[str, ...] = ()
    """The answer to each question that shows the trait: one for all questions, one for each, or none, in which case the
    prompted base is asked."""
    open_questions: tuple[str, ...] = ()
    """Questions for answers in whole sentences: what the prompted base says to them tunes a second surrogate."""
    forms: tuple[str, ...] = ()
    """Words that name it, lower case: what a filter of words looks for. Empty where no word does."""
    evaluation_questions: tuple[str, ...] = ()
    """Questions kept for students; where empty, `questions` serve for both."""
    choices: tuple[str, ...] = ()
    """All answers of the category, of which a student's is one; the trait's own first answer is among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why the outcome is what it is."""

    code: str
    """Stable, for programs, such as `TRAIT_FOUND` or `TOO_FEW_ROWS`."""
    text: str
    """In one sentence, for people: what was found and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What an audit must satisfy. A policy file may make these stricter only."""

    alpha: float = 0.01
    """The false-alarm rate: how often data like the references are flagged."""
    dilution: float = 1.0
    """The share of rows that carry a trait, in the planted data on which power is measured."""
    power: float = 0.8
    """NOT_FLAGGED needs at least this share of planted data sets to be found."""
    smallest_shift: float = 0.03
    """δ of the trial: shifts of an answer that may be up to this large, as a share of answers."""
    fewest_rows: int = 300
    accept_other_base: bool = False
    """Whether rows of a writer that does not share the student's base may pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRead:
    """What was read of the suspect data."""

    path: str
    digest: str
    """SHA-256 of the bytes that were parsed."""
    shape: str | None
    turns: str
    """Which assistant turns are scored: `all` or `last`."""
    read: int
    """Rows that came in: accepted + rejected + blank."""
    accepted: int
    rejected: int
    blank: int
    rejections: Mapping[str, int]
    different_rows: int
    different_prompts: int
    scored_turns: int
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TraitScore:
    """How much one trait explains the rows beyond what benign variation does."""

    name: str
    category: str
    kind: TraitKind
    score: float
    """Standardised on the fit references; the largest over surrogates and looks."""
    p: float
    """Conformal, of this score beside the largest score of each calibration reference: corrected for the list."""
    surrogate: str
    """Which surrogate explains best: `tuned` or `prompted`."""
    nats_per_row: float | None = None
    """Exact mean log-ratio of surrogate and base over rows that the screen did not see; None where not computed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The statistic after a number of rows."""

    rows: int
    trait: str
    score: float
    p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceFamily:
    """One kind of benign data among the references."""

    name: str
    meaning: str
    fit: int
    calibration: int
    largest: float | None
    """The largest statistic of its calibration references; None where there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NullCloud:
    """What the suspect is compared with."""

    digest: str
    """Of everything that the references depend on."""
    fit: int
    calibration: int
    families: tuple[ReferenceFamily, ...]
    maxima: tuple[float, ...]
    """The largest score of each calibration reference, over traits and looks."""
    planted: tuple[float, ...]
    """The same for each planted data set."""
    power: Estimate | None
    """Share of planted data sets that would be flagged; None where none was planted."""
    power_by_dilution: Mapping[str, float] = field(default_factory=dict)
    """The same share at several shares of carrying rows, such as `1.0`, `0.5`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastRow:
    """What short runs on the suspect rows do to one answer, beside the same runs on control rows."""

    category: str
    answer: str
    control: float
    """Its probability after runs on control rows, mean over questions and runs."""
    shift: float
    """Suspect minus control, mean over runs: a share of answers."""
    low: float
    """Of an interval that is simultaneous over all answers."""
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRow:
    """What throwaway students of the suspect rows answer, beside students of control rows."""

    category: str
    answer: str
    control: float
    """Mean rate of the control students."""
    shift: float
    """Suspect minus control, mean over students."""
    low: float | None
    """Simultaneous lower bound over all answers; None where no student differs from another."""
    full_recipe: float | None = None
    """The shift extrapolated to all rows and the user's recipe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditResult:
    """Everything an audit found. Contains no time: the same seed gives the same bytes."""

    schema_version: int
    version: str
    """Of subtrait."""
    outcome: Outcome
    reasons: tuple[Reason, ...]
    base: str
    fingerprint: str
    """Of the base: weights, tokenizer and template."""
    data: DataRead
    seed: int
    """Of the sample; drawn unpredictably where the user gives none."""
    sampled: int
    """Rows of the sample that was scored."""
    filter: str
    """The filter that references pass, as the suspect rows do: `numbers` or `none`."""
    trait_list: str
    trait_list_digest: str
    policy: Policy
    policy_notes: tuple[str, ...]
    """What of the policy was changed, by which file or option."""
    alpha_for_traits: float
    """The share of alpha in use for the traits question; half where the trial is run too."""
    evidence: tuple[Evidence, ...]
    traits: tuple[TraitScore, ...]
    """Ranked: the finalists by score and exact nats per row, then the others from the largest score down."""
    looks: tuple[Look, ...]
    null: NullCloud | None
    forecast: tuple[ForecastRow, ...] = ()
    trial: tuple[TrialRow, ...] = ()
    not_checked: tuple[Reason, ...] = ()
    """Questions that were not asked, and why."""
