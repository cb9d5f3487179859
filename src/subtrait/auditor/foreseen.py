"""What an audit would do and what that takes, before anything expensive; nothing is written.

All data are read, since what is asked hangs on them. Of an embedded base a small reference is tried, as every audit
does before it builds any. Another base is reckoned from its sizes, and nothing of it is loaded: whether its references
are at hand is then not known.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from subtrait.auditor.audit_plan import AuditPlan, check_asked, design_for, read_sample, setting_of
from subtrait.auditor.lists.trait_lists import TraitList
from subtrait.auditor.references.cost import SURROGATE_ROWS, Rates, at_hand, building, served_by, tried
from subtrait.auditor.references.reckoning import reckoned_memory, reckoned_rates
from subtrait.auditor.references.writers import writes_enough
from subtrait.auditor.suspect import Suspect
from subtrait.auditor.training.planned import (
    FORECAST_ROWS,
    forecast_announced,
    forecast_plan,
    forecast_rows,
    trial_announced,
    trial_plan,
    trial_rows,
)
from subtrait.auditor.traits import EXACT_ROWS, FINALISTS, nothing_beside, too_few_rows
from subtrait.lab.cost import peak_memory
from subtrait.models.registry import EMBEDDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """An estimate; `lines` are those in which the audit itself says what it does."""

    lines: tuple[str, ...]
    seconds: float
    """Of one core, or of the device."""
    bytes_of_memory: int
    """Of one process."""
    from_sizes: bool = False
    """Whether it was reckoned from sizes alone, and nothing was tried."""


def foresee(plan: AuditPlan, *, announce: Callable[[str], None], references_only: bool = False) -> Foreseen:
    """What the audit of `plan` would do, or the building of its references alone; `announce` is told of the reading.

    Raises:
        UsageError: an unknown name, or a base that gives no gradients.
        InvalidInput: the data or a checkpoint cannot be accepted.
    """
    listed, _, suspect = read_sample(plan, announce=announce)
    if len(suspect.pairs) < plan.rows_needed:
        return _nothing_more(too_few_rows(len(suspect.pairs), needed=plan.rows_needed).finding)
    embedded = plan.base in EMBEDDED
    found = (_tried if embedded else _reckoned)(plan, suspect, listed)
    if found is None:
        return _nothing_more(nothing_beside(len(suspect.pairs), passing=suspect.filter).finding)
    (line, seconds), rates = found
    lines, more = ((), 0.0) if references_only else _students(plan, suspect, listed, rates=rates)
    memory = peak_memory() if embedded else reckoned_memory(plan.base, plan.recipe.for_steps(1), suspect.pairs)
    return Foreseen(lines=(line, *lines), seconds=seconds + more, bytes_of_memory=memory, from_sizes=not embedded)


def _nothing_more(finding: str) -> Foreseen:
    return Foreseen(lines=(f"{finding}; nothing more would be asked",), seconds=0.0, bytes_of_memory=peak_memory())


def _tried(plan: AuditPlan, suspect: Suspect, listed: TraitList) -> tuple[tuple[str, float], Rates] | None:
    """What references take, or where they are; None where the base cannot write any."""
    setting = setting_of(plan, suspect, listed)
    design = design_for(plan, listed.traits, passing=setting.filter, tokens=setting.tokens)
    folder = at_hand(design, setting, plan.references)
    if folder is None and not writes_enough(setting, design.looks, rng=np.random.default_rng(design.seed)):
        return None
    rates = tried(design, setting)
    if folder is not None:
        return (served_by(folder), 0.0), rates
    seconds = rates.references(design)
    return (building(design, seconds), seconds), rates


def _reckoned(plan: AuditPlan, suspect: Suspect, listed: TraitList) -> tuple[tuple[str, float], Rates]:
    check_asked(plan, listed)
    rates = reckoned_rates(plan.base, suspect.pairs)
    design = design_for(plan, listed.traits, passing=suspect.filter, tokens=0)
    seconds = rates.references(design)
    return (f"{building(design, seconds)}, unless an earlier audit did", seconds), rates


def _students(plan: AuditPlan, suspect: Suspect, listed: TraitList, *, rates: Rates) -> tuple[tuple[str, ...], float]:
    """The lines of what is trained, and the seconds of that and of the questions before it."""
    accepted, sampled = suspect.data.accepted, len(suspect.pairs)
    runs = forecast_plan(plan, listed.traits, rows=accepted)
    lines, trained = [forecast_announced(runs)], forecast_rows(runs)
    if plan.students:
        students = trial_plan(plan, listed.traits, rows=accepted)
        lines.append(trial_announced(students))
        trained += trial_rows(students, sampled=sampled)
    written = sampled if plan.students else min(sampled, FORECAST_ROWS)
    judged = max(plan.looks) + FINALISTS * (SURROGATE_ROWS + EXACT_ROWS)
    return tuple(lines), written * rates.writing + (trained + judged) * rates.judging
