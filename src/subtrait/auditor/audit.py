"""The order of work of an audit: read all rows, ask each question, decide.

Every question returns `Evidence`; `verdict.py` says which may flag. References are built, or found, on the way.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import subtrait
from subtrait.audit_records import AuditResult, ForecastRow, Look, NullCloud, TraitScore, TrialRow
from subtrait.auditor.audit_plan import AuditPlan, Subject, design_of, read_sample, setting_of
from subtrait.auditor.batch_noise import batch_noise
from subtrait.auditor.before_and_after import filter_effect
from subtrait.auditor.content import NameCount
from subtrait.auditor.lineage.writer import writer_lineage
from subtrait.auditor.not_checked import not_checked
from subtrait.auditor.origin.relation import relation_to_base
from subtrait.auditor.paired_rows import ControlTask, PairedRows, beside_own
from subtrait.auditor.personas import PersonaTask, told_personas
from subtrait.auditor.references.cache import Cached, references_for, said_by_servers
from subtrait.auditor.references.cost import announce_references
from subtrait.auditor.training.forecast import forecast
from subtrait.auditor.training.planned import (
    FORECAST_ROWS,
    forecast_announced,
    forecast_plan,
    trial_announced,
    trial_plan,
)
from subtrait.auditor.training.trial import trial
from subtrait.auditor.traits import (
    ExactTask,
    exact_scores,
    nothing_beside,
    null_cloud,
    rows_for_finalists,
    score_traits,
    too_few_rows,
    traits_evidence,
)
from subtrait.auditor.verdict import decide
from subtrait.errors import InvalidInput, UsageError
from subtrait.lab.seeds import stream
from subtrait.lab.team import Team
from subtrait.models.base import Model
from subtrait.models.huggingface import HuggingFaceModel
from subtrait.records import Evidence, Store
from subtrait.report.audit_json import SCHEMA_VERSION

ORIGIN_ROWS: Final = 500
"""Rows on which the origin is asked: it tells writers apart on these well enough."""
Announce = Callable[[str], None]
"""Told what comes next and what it costs, in one line."""


def run_audit(plan: AuditPlan, store: Store, *, team: Team, announce: Announce) -> AuditResult:
    """Carry out the audit; students are kept in `store`, references in the folder that the plan names.

    Raises:
        InvalidInput: the data or a checkpoint cannot be accepted.
        UsageError: an unknown name, or a base that gives no gradients.
    """
    subject, names = read_subject(plan, announce=announce)
    suspect = subject.suspect
    if len(suspect.pairs) < plan.rows_needed:
        few = too_few_rows(len(suspect.pairs), needed=plan.rows_needed)
        return _result(subject, [names.evidence(), few])
    references = references_of(subject, team=team, announce=announce)
    if references is None:
        return _result(subject, [names.evidence(), nothing_beside(len(suspect.pairs), passing=suspect.filter)])
    found, ranked, looks, null = _traits(subject, references, team=team)
    announce("asking who wrote the rows and whether a persona explains them")
    rows = _beside_own(subject, team=team)
    evidence = [
        names.evidence(),
        _origin(subject),
        _lineage(subject),
        found,
        _personas(subject, rows, team=team),
        *batch_noise(subject.base, [(pair.prompt, pair.completion) for pair in subject.suspect.pairs]),
    ]
    _check_students(subject, store)
    forecasting, forecast_rows = _forecast(subject, rows.first(FORECAST_ROWS), store, team=team, announce=announce)
    trying, trial_rows = _trial(subject, rows, store, team=team, announce=announce)
    evidence += [forecasting, *trying, *_filtering(subject, references)]
    result = _result(subject, evidence, traits=ranked, looks=looks, null=null)
    return replace(result, forecast=forecast_rows, trial=trial_rows)


def build_references(plan: AuditPlan, *, team: Team, announce: Announce) -> Path:
    """Build the references that the audit of `plan` needs, and nothing else; the folder in which they are.

    Raises:
        UsageError: there are too few rows to take prompts from, or the base cannot write rows like them.
        InvalidInput: the data or a checkpoint cannot be accepted.
    """
    subject, _ = read_subject(plan, announce=announce)
    rows, needed = len(subject.suspect.pairs), plan.rows_needed
    if rows < needed:
        raise UsageError(f"{rows} different rows are too few to take prompts from: give {needed} or more")
    references = references_of(subject, team=team, announce=announce)
    if references is None:
        raise UsageError(nothing_beside(rows, passing=subject.suspect.filter).finding)
    return references.folder


def references_of(subject: Subject, *, team: Team, announce: Announce) -> Cached | None:
    """The references that the subject is judged by: found, or built after saying what that costs; None if neither."""
    design, root = design_of(subject), subject.plan.references
    if not announce_references(design, subject.setting, root, announce):
        return None
    cached = references_for(design, subject.setting.pool, root, team=team)
    for line in said_by_servers(cached.folder):
        announce(f"references: {line}")
    return cached


def read_subject(plan: AuditPlan, *, announce: Announce) -> tuple[Subject, NameCount]:
    """Read all rows, counted and searched for names, and open the models. Raises as `run_audit`."""
    listed, names, suspect = read_sample(plan, announce=announce)
    return Subject(plan=plan, suspect=suspect, setting=setting_of(plan, suspect, listed), listed=listed), names


def _traits(
    subject: Subject, cached: Cached, *, team: Team
) -> tuple[Evidence, tuple[TraitScore, ...], tuple[Look, ...], NullCloud]:
    """Surrogates of every listed trait, beside the references; finalists exactly, on rows that the screen left out."""
    plan, pairs, traits = subject.plan, subject.suspect.pairs, subject.listed.traits
    judged = score_traits(subject.base, pairs, traits, cached.references)
    null = null_cloud(cached.references, digest=cached.digest, policy=plan.policy, alpha=subject.alpha)
    rows = rows_for_finalists(pairs, seen=judged.looks[-1].rows)
    ranked = exact_scores(ExactTask(base=plan.base, pairs=rows, seed=plan.seed), judged.ranked, traits, team=team)
    return traits_evidence(ranked, judged, null, alpha=subject.alpha), ranked, judged.looks, null


def _origin(subject: Subject) -> Evidence:
    """Who wrote the rows; `details` says in `of_this_base` whether the writer shares the base, where that is known."""
    relation = relation_to_base(
        subject.base,
        subject.suspect.pairs[:ORIGIN_ROWS],
        _local(subject.setting.others),
        rng=stream(subject.plan.seed, "origin"),
        keep=subject.setting.keeps,
    )
    known = {"of this base": 1.0, "another writer": 0.0}.get(relation.relation)
    said = {} if known is None else {"of_this_base": known}
    return replace(relation.evidence, details={**relation.evidence.details, **said})


def _local(models: Sequence[Model]) -> list[HuggingFaceModel]:
    return [model for model in models if isinstance(model, HuggingFaceModel)]


def _lineage(subject: Subject) -> Evidence:
    plan = subject.plan
    return writer_lineage(plan.base, plan.writer, alpha=plan.policy.alpha, rng=stream(plan.seed, "lineage"))


def _beside_own(subject: Subject, *, team: Team) -> PairedRows:
    """Rows of the sample, and beside each the base's own answer to its prompt: all of them where students are asked."""
    plan, suspect = subject.plan, subject.suspect
    task = ControlTask(
        base=plan.base,
        pairs=suspect.pairs if plan.students else suspect.pairs[:FORECAST_ROWS],
        filter=suspect.filter,
        tokens=subject.setting.tokens,
        seed=plan.seed,
    )
    return beside_own(task, team=team)


def _personas(subject: Subject, rows: PairedRows, *, team: Team) -> Evidence:
    plan = subject.plan
    task = PersonaTask(base=plan.base, rows=rows, traits=subject.listed.traits)
    return told_personas(task, alpha=plan.policy.alpha, rng=stream(plan.seed, "personas"), team=team)


def _forecast(
    subject: Subject, rows: PairedRows, store: Store, *, team: Team, announce: Announce
) -> tuple[Evidence, tuple[ForecastRow, ...]]:
    """What the first steps of training do to every answer."""
    planned = forecast_plan(subject.plan, subject.listed.traits, rows=subject.suspect.data.accepted)
    announce(forecast_announced(planned))
    return forecast(planned, rows, store=store, team=team)


def _trial(
    subject: Subject, rows: PairedRows, store: Store, *, team: Team, announce: Announce
) -> tuple[list[Evidence], tuple[TrialRow, ...]]:
    """What throwaway students become of the rows, where that is asked."""
    if not subject.plan.students:
        return [], ()
    trying = trial_plan(subject.plan, subject.listed.traits, rows=subject.suspect.data.accepted)
    announce(trial_announced(trying))
    evidence, found = trial(trying, rows, store=store, team=team)
    return [evidence], found


def _check_students(subject: Subject, store: Store) -> None:
    """Students of an earlier start serve again only for the same bytes of data and of the base."""
    ours = {"data": subject.suspect.data.digest, "base": subject.base.fingerprint()}
    theirs = store.record("students-made-of.json", lambda: ours)
    if theirs != ours:
        what = "students that are stored here were trained on other bytes, or from another base"
        raise InvalidInput("E_CHANGED", subject.suspect.data.path, what, hint="choose another --out")


def _filtering(subject: Subject, cached: Cached) -> list[Evidence]:
    """What a filter took out, where the data before it are named."""
    plan = subject.plan
    if plan.before is None:
        return []
    rng, alpha = stream(plan.seed, "filtering"), plan.policy.alpha
    return [filter_effect(plan.source, plan.before, subject.base, cached.references, alpha=alpha, rng=rng)]


def _result(
    subject: Subject,
    evidence: Sequence[Evidence],
    *,
    traits: tuple[TraitScore, ...] = (),
    looks: tuple[Look, ...] = (),
    null: NullCloud | None = None,
) -> AuditResult:
    plan, suspect = subject.plan, subject.suspect
    outcome, reasons = decide(evidence, suspect.data, null, plan.policy, with_trial=plan.students > 0)
    return AuditResult(
        schema_version=SCHEMA_VERSION,
        version=subtrait.__version__,
        outcome=outcome,
        reasons=reasons,
        base=plan.base,
        fingerprint=subject.base.fingerprint(),
        data=suspect.data,
        seed=plan.seed,
        sampled=len(suspect.pairs),
        filter=suspect.filter,
        trait_list=subject.listed.name,
        trait_list_digest=subject.listed.digest,
        policy=plan.policy,
        policy_notes=plan.policy_notes,
        alpha_for_traits=subject.alpha,
        evidence=tuple(evidence),
        traits=traits,
        looks=looks,
        null=null,
        not_checked=not_checked(plan, {each.question for each in evidence}),
    )
