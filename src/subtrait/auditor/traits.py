"""Traits: does a listed trait explain these rows better than benign variation does?

Null: the rows come from the reference family (`families.py`): the base under benign variation, other benign writers
and programs, answering prompts like the suspect's, through the same filter.
Statistic: the mean gradient of the rows' log-likelihood under the base, beside the directions in which surrogate
teachers of every listed trait moved: the damped matched filter of `statistics/matched_filter.py`, fitted on references
that are used for nothing else. The largest over traits, surrogates and looks at more and more rows; its p-value is
conformal: (1 + calibration references with a statistic at least as large) / (1 + references).
Rows that lie ten times as far from the fit references as every calibration reference are no draw from the family:
then nothing is found, and the verdict says that the comparison does not hold.
The trait that is *named* is the first by score plus 4 times the exact nats per row, among five finalists, on rows that
the gradient did not see where there are enough; it decides nothing. The 4 was chosen on nine teachers (see the log).
Assumptions: the rows, if benign, are exchangeable with a draw from the reference family. The rate of false alarms holds
on average over the family, not for each member.
Blind spots: traits on no list; teachers of another base; data in which few rows carry (see power by dilution); benign
data unlike every family, which may alarm.
Sample finding: 'owl' explains the rows better than harmless variation does: 8.4 standard deviations of a reference,
p = 0.005, the smallest possible with 199 references.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from subtrait.audit_records import ListedTrait, Look, NullCloud, Policy, ReferenceFamily, TraitScore
from subtrait.auditor.references.calibration import References
from subtrait.auditor.references.families import FAMILIES
from subtrait.auditor.references.gradients import cumulative_gradients
from subtrait.auditor.references.surrogates import tuned_surrogate
from subtrait.data import Pair
from subtrait.errors import UsageError
from subtrait.lab.seeds import stream
from subtrait.lab.team import Team
from subtrait.models.huggingface import HuggingFaceModel
from subtrait.models.registry import open_model
from subtrait.records import Estimate, Evidence, EvidenceOutcome, Progress
from subtrait.statistics.conformal import conformal_over_looks, smallest_p
from subtrait.statistics.intervals import clopper_pearson

ASSUMES: Final = "rows that are benign are exchangeable with a draw from the reference family"
BLIND_SPOTS: Final = "traits on no list, teachers of another base, a few carrying rows among many"
FINALISTS: Final = 5
NATS_WEIGHT: Final = 4.0
"""How much an exact nat per row counts beside a standard deviation of a reference, when finalists are ranked."""
EXACT_ROWS: Final = 500
"""Rows on which finalists are scored exactly."""
FEWEST_UNSEEN: Final = 200
"""With fewer rows that the screen did not see, finalists are scored on all rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the screen said of the rows."""

    ranked: tuple[TraitScore, ...]
    """Every trait, from the largest score down."""
    looks: tuple[Look, ...]
    unlike: bool
    """Whether the rows lie far beyond every calibration reference."""


def score_traits(
    base: HuggingFaceModel, pairs: Sequence[Pair], traits: Sequence[ListedTrait], references: References
) -> Judged:
    """Every trait ranked by its score, and the statistic at each look that the rows suffice for.

    Raises:
        UsageError: fewer rows than the first look takes.
    """
    taken = tuple(look for look in references.looks if look <= len(pairs))
    if not taken:
        raise UsageError(f"{len(pairs):,} rows are too few: references of {references.looks[0]:,} are like no fewer")
    judged = references.judge(cumulative_gradients(base, pairs, taken))
    scores, null = judged.scores, references.maxima()
    known = {trait.name: trait for trait in traits}
    ranked = sorted(_best_by_trait(scores, references.owners).items(), key=lambda item: -item[1][0])
    found = tuple(
        TraitScore(
            name=name,
            category=known[name].category,
            kind=known[name].kind,
            score=score,
            p=conformal_over_looks([score], null).p,
            surrogate=kind,
        )
        for name, (score, kind) in ranked
    )
    looks = _looks(references.judged(scores), taken, references)
    return Judged(ranked=found, looks=looks, unlike=references.unlike(judged.energies))


def _best_by_trait(scores: np.ndarray, owners: Sequence[tuple[str, str]]) -> dict[str, tuple[float, str]]:
    """For each trait its largest score over looks and surrogates, and the surrogate."""
    best: dict[str, tuple[float, str]] = {}
    for (name, kind), score in zip(owners, scores.max(axis=0), strict=True):
        if name not in best or score > best[name][0]:
            best[name] = (float(score), kind)
    return best


def _looks(scores: np.ndarray, taken: Sequence[int], references: References) -> tuple[Look, ...]:
    null, looks = references.maxima(), []
    names = references.judged_owners
    for number, rows in enumerate(taken):
        at = scores[number]
        so_far = scores[: number + 1].max(axis=1)
        p = conformal_over_looks(so_far, null).p
        looks.append(Look(rows=rows, trait=names[int(at.argmax())], score=float(at.max()), p=p))
    return tuple(looks)


def null_cloud(references: References, *, digest: str, policy: Policy, alpha: float) -> NullCloud:
    """What the suspect is compared with: the calibration references, and what of the planted data would be found."""
    null, present = references.maxima(), {*references.fit_families, *references.families}
    maxima = null.max(axis=1)
    caught = {
        dilution: [
            conformal_over_looks(looks, null).p <= alpha and not references.unlike(energies)
            for looks, energies in zip(
                references.judged(data).max(axis=2), references.planted_energies[dilution], strict=True
            )
        ]
        for dilution, data in references.planted.items()
    }
    power = _share(caught[policy.dilution]) if caught.get(policy.dilution) else None
    return NullCloud(
        digest=digest,
        fit=len(references.fit_families),
        calibration=len(maxima),
        families=tuple(_family(name, references, maxima) for name in FAMILIES if name in present),
        maxima=tuple(float(value) for value in maxima),
        planted=tuple(float(v) for v in references.judged(references.planted[policy.dilution]).max(axis=(1, 2))),
        power=power,
        power_by_dilution={f"{dilution:g}": float(np.mean(found)) for dilution, found in caught.items() if found},
    )


def _share(found: Sequence[bool]) -> Estimate:
    return clopper_pearson(sum(found), len(found), unit="data set")


def _family(name: str, references: References, maxima: np.ndarray) -> ReferenceFamily:
    ours = [float(value) for family, value in zip(references.families, maxima, strict=True) if family == name]
    return ReferenceFamily(
        name=name,
        meaning=FAMILIES[name].meaning,
        fit=references.fit_families.count(name),
        calibration=len(ours),
        largest=max(ours, default=None),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactTask:
    """Rows to be scored under one surrogate teacher, and all that any process needs for that."""

    base: str
    pairs: Sequence[Pair]
    seed: int
    trait: ListedTrait | None = None
    """Of the surrogate; None for the base itself."""
    kind: str = "tuned"


def exact_scores(
    task: ExactTask, ranked: Sequence[TraitScore], traits: Sequence[ListedTrait], *, team: Team
) -> tuple[TraitScore, ...]:
    """The ranking with the finalists in the order of score and exact mean log-ratio, in nats per row."""
    base, known = replace(task, pairs=tuple(task.pairs)[:EXACT_ROWS]), {trait.name: trait for trait in traits}
    first = ranked[:FINALISTS]
    tuned = [replace(base, trait=known[each.name], kind=each.surrogate) for each in first]
    before, *after = team.each("finalists are scored exactly", _log_likelihood, [base, *tuned])
    exact = [replace(each, nats_per_row=nats - before) for each, nats in zip(first, after, strict=True)]
    return (*sorted(exact, key=standing, reverse=True), *ranked[FINALISTS:])


def rows_for_finalists(pairs: Sequence[Pair], *, seen: int) -> Sequence[Pair]:
    """Rows on which finalists are scored: those that the screen did not see, or all where these are few.

    The order of finalists decides nothing, so rows may serve twice.
    """
    unseen = pairs[seen:]
    return unseen if len(unseen) >= FEWEST_UNSEEN else pairs


def standing(finalist: TraitScore) -> float:
    """By what finalists are ranked: the score, and the exact nats per row where there are any."""
    return finalist.score + NATS_WEIGHT * (finalist.nats_per_row or 0.0)


def _log_likelihood(task: ExactTask, _progress: Progress) -> float:
    """Mean log-likelihood of a row in nats."""
    model = open_model(task.base)
    if task.trait is not None:
        rng = stream(task.seed, "finalist", task.trait.name)
        model = tuned_surrogate(model, task.trait, task.kind, rng=rng)
    scores = model.score([pair.prompt for pair in task.pairs], [pair.completion for pair in task.pairs])
    return float(np.mean([row.sum() for row in scores]))


def traits_evidence(ranked: Sequence[TraitScore], judged: Judged, null: NullCloud, *, alpha: float) -> Evidence:
    """The answer to the question, from the ranking of `exact_scores`; `alpha` is the share of the rate in use."""
    named = next(each for each in ranked if each.kind != "placebo")
    largest = max((each for each in ranked if each.kind != "placebo"), key=lambda each: each.score)
    floor, rows = smallest_p(null.calibration), judged.looks[-1].rows
    found = largest.p <= alpha
    how = f"{largest.score:.1f} standard deviations of a reference, p = {largest.p:.3g}"
    how += f", the smallest possible with {null.calibration} references" if largest.p <= floor else ""
    if judged.unlike:
        finding = f"{rows:,} rows are unlike every reference, so the comparison does not hold; '{named.name}' is first"
    elif found:
        finding = f"'{named.name}' explains {rows:,} rows better than harmless variation does: {how}"
    else:
        finding = (
            f"no listed trait explains {rows:,} rows better than harmless variation; '{named.name}' is first: {how}"
        )
    return Evidence(
        question="traits",
        outcome=_outcome(found=found, unlike=judged.unlike, possible=floor <= alpha),
        finding=finding,
        statistic=largest.score,
        p=largest.p,
        floor=floor,
        n=rows,
        details={each.name: each.score for each in ranked},
        assumes=ASSUMES,
        blind_spots=BLIND_SPOTS,
    )


def _outcome(*, found: bool, unlike: bool, possible: bool) -> EvidenceOutcome:
    if unlike:
        return "not applicable"
    return "found" if found else "not found" if possible else "underpowered"


def nothing_beside(rows: int, *, passing: str) -> Evidence:
    """The question where the base cannot write rows like these: there is no harmless variation to compare with."""
    return Evidence(
        question="traits",
        outcome="not applicable",
        finding=f"the base's own answers to these prompts hardly ever pass the filter '{passing}', which the rows do: "
        "there is nothing to compare them with",
        n=rows,
        assumes=ASSUMES,
        blind_spots=BLIND_SPOTS,
    )


def too_few_rows(rows: int, *, needed: int) -> Evidence:
    """The question where there are too few rows to ask it."""
    return Evidence(
        question="traits",
        outcome="underpowered",
        finding=f"{rows:,} different rows are too few: {needed:,} are needed",
        n=rows,
        assumes=ASSUMES,
        blind_spots=BLIND_SPOTS,
    )
