"""What an audit is about: the plan of the user, and the subject that the questions are asked of."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from subtrait.audit_records import ListedTrait, Policy
from subtrait.auditor.content import NameCount
from subtrait.auditor.lists.trait_lists import TraitList, load_trait_list
from subtrait.auditor.references.work import Design
from subtrait.auditor.references.writers import Setting
from subtrait.auditor.suspect import FilterName, Source, Suspect, counted, read_suspect
from subtrait.auditor.training.recipe import TrainingRecipe
from subtrait.auditor.verdict import shares
from subtrait.errors import UsageError
from subtrait.lab.seeds import stream
from subtrait.models.huggingface import HuggingFaceModel
from subtrait.models.registry import EMBEDDED, open_model
from subtrait.models.servers.addresses import is_address

REFERENCE_SEED: Final = 20_507
"""Of all references: the same for everybody, so that one machine builds them once."""
_LENGTHS: Final = (16, 32, 64, 128, 256, 512)
_MEASURED: Final = 1_000
"""Completions from which the longest that a writer may give is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPlan:
    """Everything the outcome of an audit depends on, besides the bytes of the data and of the models."""

    source: Source
    base: str
    traits: str
    """A trait list: `embedded`, `general`, or a file."""
    seed: int
    references: Path
    """Where references are kept and found."""
    candidates: tuple[str, ...] = ()
    """Other models that may have written the rows: rivals of the base, and benign writers among the references."""
    writer: str | None = None
    """The model that wrote the rows, where that is known."""
    policy: Policy = Policy()  # noqa: RUF009 - frozen
    policy_notes: tuple[str, ...] = ()
    students: int = 0
    """Throwaway students a side; 0 leaves the trial out."""
    recipe: TrainingRecipe
    """How the student will be trained: forecast and trial speak of it."""
    before: Path | None = None
    """The data before a filter, where `source` is what it kept."""
    looks: tuple[int, ...] = (300, 1_000)
    """Numbers of rows at which the rows are judged, the largest statistic counting."""
    fit: int = 48
    calibration: int = 199
    planted: int = 24

    @property
    def rows_needed(self) -> int:
        """Different rows below which no question is asked: references at the first look are like no fewer."""
        return max(self.policy.fewest_rows, self.looks[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What the questions are about: the rows, and the models and traits they are asked under."""

    plan: AuditPlan
    suspect: Suspect
    setting: Setting
    listed: TraitList

    @property
    def base(self) -> HuggingFaceModel:
        """The student's base."""
        return self.setting.base

    @property
    def alpha(self) -> float:
        """The share of the false-alarm rate that each flagging question may use."""
        return shares(self.plan.policy, with_trial=self.plan.students > 0)


def read_sample(plan: AuditPlan, *, announce: Callable[[str], None]) -> tuple[TraitList, NameCount, Suspect]:
    """Read the list and all rows, searched for the names of traits; `announce` is told how many rows there were.

    Raises:
        UsageError: an unknown list or shape.
        InvalidInput: the list or the data cannot be accepted.
    """
    listed = load_trait_list(plan.traits)
    names = NameCount(listed.traits)
    suspect = read_suspect(plan.source, names, rng=stream(plan.seed, "sample"))
    announce(counted(suspect.data))
    return listed, names, suspect


def setting_of(plan: AuditPlan, suspect: Suspect, listed: TraitList) -> Setting:
    """The models, prompts and traits of the audit.

    Raises:
        UsageError: a model is unknown, the base gives no gradients, or the list has no trait that may be found.
        InvalidInput: a checkpoint cannot be accepted.
    """
    check_asked(plan, listed)
    base = open_model(plan.base)
    if not isinstance(base, HuggingFaceModel):
        raise TypeError(f"{plan.base} gives no gradients")
    others = other_writers(plan)
    return Setting(
        base=base,
        others=tuple(open_model(name) for name in others),
        pool=suspect.pool,
        filter=suspect.filter,
        traits=listed.traits,
        tokens=longest_completion(base, [pair.completion for pair in suspect.pairs[:_MEASURED]]),
    )


def check_asked(plan: AuditPlan, listed: TraitList) -> None:
    """Refuse what cannot be audited, before a model is opened.

    Raises:
        UsageError: the base is on a server and gives no gradients, or the list has no trait that may be found.
    """
    if is_address(plan.base):
        raise UsageError(f"{plan.base} gives no gradients: name an embedded model, a checkpoint folder or a hub id")
    if all(trait.kind == "placebo" for trait in listed.traits):
        raise UsageError(f"{listed.name} lists placebos only: nothing could be found; add a trait to look for")


def other_writers(plan: AuditPlan) -> tuple[str, ...]:
    """The candidates and, beside an embedded base, the rest of its family."""
    family = [name for name in EMBEDDED if plan.base in EMBEDDED]
    return tuple(dict.fromkeys(name for name in (*plan.candidates, *family) if name != plan.base))


def longest_completion(base: HuggingFaceModel, completions: list[str]) -> int:
    """How many tokens a writer may give: enough for 99 % of the completions, in a few sizes."""
    lengths = [len(tokens) for tokens in base.encoder.completions(completions)] or [1]
    needed = float(np.quantile(lengths, 0.99))
    return next((length for length in _LENGTHS if length >= needed), _LENGTHS[-1])


def design_of(subject: Subject) -> Design:
    """What references the audit needs."""
    setting = subject.setting
    return design_for(subject.plan, subject.listed.traits, passing=setting.filter, tokens=setting.tokens)


def design_for(plan: AuditPlan, traits: tuple[ListedTrait, ...], *, passing: FilterName, tokens: int) -> Design:
    """The same of an audit whose models are not open: `tokens` is the longest completion."""
    return Design(
        base=plan.base,
        others=other_writers(plan),
        traits=traits,
        filter=passing,
        tokens=tokens,
        looks=plan.looks,
        fit=plan.fit,
        calibration=plan.calibration,
        planted=plan.planted,
        dilution=plan.policy.dilution,
        seed=REFERENCE_SEED,
    )
