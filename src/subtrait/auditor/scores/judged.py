"""Scores from elsewhere: which hypothesis does each data set carry, judged beside the other data sets of the file?

Null: the data set carries none of the hypotheses, and is exchangeable with the others in whatever those do not carry.
Statistic: the mean scores of a sample of rows relative to the other data sets, in one of the `FORMS`; those that carry
a hypothesis say nothing of it, and what the file says of the suspect is not looked at. The paired form names the first
hypothesis, or the centred one where prompts are not shared. p is conformal: every other data set that does not carry
that hypothesis is judged in the same way, the suspect among its references, and stands for the largest statistic of the
hypotheses that it does not carry. So p allows for the choice among hypotheses; `p_alone` is for who named that
hypothesis beforehand. As each of the others stands for fewer hypotheses than the suspect has, p is raised by the share
that they leave out: all others / those that do not carry the hypothesis.
Assumptions: all data sets were scored under the same hypotheses in the same way, and none is a copy of another.
Blind spots: hypotheses that were not scored; traits that all data sets share. References that carry relatives of a
hypothesis hide it.
Sample finding: 'loves_uk' explains the rows best (11.3), p = 0.059, the smallest possible with 16
references; alpha 0.01 needs about 99
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

import subtrait
from subtrait.audit_records import Outcome
from subtrait.auditor.scores.archive import CODE
from subtrait.auditor.scores.files import ScoreFile
from subtrait.auditor.scores.panel import FEWEST_ROWS, Bench, Judged, bench, complete_rows, judge_all, prompts_shared
from subtrait.errors import InvalidInput, UsageError, unknown_name
from subtrait.records import EvidenceOutcome
from subtrait.statistics.conformal import conformal_test, references_needed
from subtrait.statistics.panel_forms import FORMS
from subtrait.statistics.scored_rows import ScoredRows

SCHEMA_VERSION: Final = 1
FEWEST_CARRIERS: Final = 5
"""Power is not called measured by fewer data sets that are known to carry something."""
POWER: Final = 0.8
"""NOT_FLAGGED needs at least this share of those to be found."""
ASSUMES = (
    "all data sets were scored in the same way, and one that carries nothing is like those that carry other things"
)
BLIND_SPOTS = "hypotheses that were not scored, what all data sets share, and what relatives among the references hide"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredDataSet:
    """What was found of one data set."""

    data_set: str
    carries: tuple[str, ...]
    """What the file says that it carries; not used in judging it."""
    outcome: EvidenceOutcome
    finding: str
    """In one sentence; where it could not be judged, why."""
    hypothesis: str | None
    """The one that explains its rows best."""
    statistic: float | None
    p: float | None
    """Corrected for the choice among hypotheses."""
    p_alone: float | None
    """Of that hypothesis alone, valid for who asked for it beforehand."""
    floor: float | None
    """The smallest p that was possible."""
    references: int
    """Other data sets that do not carry the hypothesis."""
    rows: int
    """Rows of the sample that was judged."""
    complete: int
    """Rows with a score for every hypothesis, from which the sample was drawn."""
    read: int
    """All its rows in the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoresResult:
    """Everything that scores from elsewhere said. Contains no time: the same seed gives the same bytes."""

    schema_version: int
    version: str
    """Of subtrait."""
    path: str
    digest: str
    """SHA-256 of the bytes that were parsed."""
    hypotheses: tuple[str, ...]
    suspect: str | None
    """None where each data set was judged in turn."""
    form: str
    """Of the statistic that decides, such as `whitened`."""
    named_by: str
    """Form that names the first hypothesis: `paired`, or `centred` where prompts are not shared."""
    alpha: float
    """For each data set."""
    seed: int
    outcome: Outcome
    """FLAGGED where a judged data set carries something; NOT_FLAGGED needs measured power."""
    reason: str
    """Why, in one sentence."""
    found: int
    """Of the data sets that are said to carry something, the suspect apart: how many are found, by the right name."""
    carriers: int
    """How many such data sets there are. They share references, so their share has no interval."""
    data_sets: tuple[ScoredDataSet, ...]
    """The suspect, or every data set in the order of the file."""
    assumes: str
    blind_spots: str


def audit_scores(
    scores: ScoreFile, *, suspect: str | None = None, form: str = "whitened", alpha: float = 0.01, seed: int = 1
) -> ScoresResult:
    """Judge a data set of a score file, or each in turn, by all the others.

    Args:
        scores: what was read.
        suspect: the name of a data set; what the file says that it carries is then ignored altogether. None judges
            each in turn by the rest, at `alpha` each.
        form: a key of `FORMS`. Forms with pairs need shared prompts.
        alpha: how often a data set that carries nothing may be found to carry something.
        seed: of the samples of rows, so that all data sets are judged on equally many.

    Raises:
        UsageError: an unknown data set or form, a form with pairs where prompts are not shared, or an alpha that is
            not between 0 and 1.
        InvalidInput: `E_SCORES`: there is no second data set, so nothing to compare with; or the scores have a
            direction without any variance.
    """
    names = [each.name for each in scores.data]
    _check_call(names, suspect=suspect, form=form, alpha=alpha)
    if len(names) < 2:
        what = "it holds one data set, and nothing can be said of it without others to compare it with"
        raise InvalidInput(CODE, scores.path, what, hint="add references: data sets without the traits in question")
    data = [replace(each, carries=frozenset()) if each.name == suspect else each for each in scores.data]
    table = bench(data, scores.hypotheses, rng=np.random.default_rng(seed))
    named_by = "paired" if len(table.data) > 1 and prompts_shared(table.data) else "centred"
    if FORMS[form].pairs and named_by != "paired":
        raise UsageError(f"form '{form}' compares rows on the same prompt, and few prompts of {scores.path} are shared")
    judged = _judged(table, scores, form=form, named_by=named_by)
    rows = [_row(each, table, judged.get(each.name), alpha=alpha) for each in scores.data]
    return _result(scores, rows, suspect=suspect, settings=(form, named_by, alpha, seed))


def _check_call(names: Sequence[str], *, suspect: str | None, form: str, alpha: float) -> None:
    if form not in FORMS:
        raise unknown_name("form of the statistic", form, FORMS)
    if not 0 < alpha < 1:
        raise UsageError(f"alpha must lie between 0 and 1, not be {alpha:g}")
    if suspect is not None and suspect not in names:
        raise unknown_name("data set", suspect, names)


def _judged(table: Bench, scores: ScoreFile, *, form: str, named_by: str) -> dict[str, Judged | None]:
    if len(table.data) < 2:
        return {}
    try:
        found = judge_all(table, form=form, named_by=named_by)
        return dict(zip((each.name for each in table.data), found, strict=True))
    except ValueError as error:
        raise InvalidInput(CODE, scores.path, str(error), hint="leave out hypotheses that copy each other") from None


def _row(data: ScoredRows, table: Bench, judged: Judged | None, *, alpha: float) -> ScoredDataSet:
    complete = len(complete_rows(data))
    why, finding = _unjudged(data, table, complete)
    empty = ScoredDataSet(
        data_set=data.name,
        carries=tuple(sorted(data.carries)),
        outcome=why,
        finding=finding,
        hypothesis=None,
        statistic=None,
        p=None,
        p_alone=None,
        floor=None,
        references=0,
        rows=table.rows,
        complete=complete,
        read=len(data.scores),
    )
    if judged is None or np.isnan(judged.statistic):
        return empty
    test, alone = judged.test(), conformal_test(judged.statistic, judged.null_alone)
    p, floor = test.p, test.floor
    outcome: EvidenceOutcome = "underpowered" if floor > alpha else "found" if p <= alpha else "not found"
    least = ", the smallest possible" if p <= floor else f"; the smallest possible was {floor:.3g}"
    lack = f"; alpha {alpha:g} needs about {references_needed(alpha / judged.left_out):,}" * (floor > alpha)
    best = f"'{judged.hypothesis}' explains the rows best ({judged.statistic:.3g}), p = {p:.3g}"
    return replace(
        empty,
        outcome=outcome,
        finding=f"{best}{least} with {test.references} references{lack}",
        hypothesis=judged.hypothesis,
        statistic=judged.statistic,
        p=p,
        p_alone=alone.p,
        floor=floor,
        references=test.references,
    )


def _unjudged(data: ScoredRows, table: Bench, complete: int) -> tuple[EvidenceOutcome, str]:
    if complete < FEWEST_ROWS:
        return "underpowered", f"{complete} rows have every score; at least {FEWEST_ROWS} are needed"
    if len(table.data) < 2:
        return "underpowered", f"no other data set has {FEWEST_ROWS} rows with every score"
    shared = table.unanswerable([each.name for each in table.data].index(data.name))
    if shared is not None:
        return "not applicable", f"all other data sets carry '{shared}', so there is nothing to compare with"
    return "not applicable", "too few rows answer a prompt that the others answer too"


def _result(
    scores: ScoreFile, rows: list[ScoredDataSet], *, suspect: str | None, settings: tuple[str, str, float, int]
) -> ScoresResult:
    form, named_by, alpha, seed = settings
    shown = [row for row in rows if suspect in (None, row.data_set)]
    carriers = [row for row in rows if row.carries and row.data_set != suspect]
    found = sum(row.outcome == "found" and row.hypothesis in row.carries for row in carriers)
    outcome, reason = _outcome(shown, found=found, carriers=len(carriers))
    return ScoresResult(
        schema_version=SCHEMA_VERSION,
        version=subtrait.__version__,
        path=scores.path,
        digest=scores.digest,
        hypotheses=scores.hypotheses,
        suspect=suspect,
        form=form,
        named_by=named_by,
        alpha=alpha,
        seed=seed,
        outcome=outcome,
        reason=reason,
        found=found,
        carriers=len(carriers),
        data_sets=tuple(shown),
        assumes=ASSUMES,
        blind_spots=BLIND_SPOTS,
    )


def _outcome(rows: list[ScoredDataSet], *, found: int, carriers: int) -> tuple[Outcome, str]:
    flagged = [row for row in rows if row.outcome == "found"]
    if flagged:
        return "FLAGGED", f"{len(flagged)} of {len(rows)} judged data sets carry a hypothesis"
    unsure = [row for row in rows if row.outcome != "not found"]
    if unsure:
        return "INCONCLUSIVE", f"{len(unsure)} of {len(rows)} data sets could not be decided on: {unsure[0].finding}"
    if carriers < FEWEST_CARRIERS:
        what = f"nothing was found, and {carriers} known carriers do not tell what would have been"
        return "INCONCLUSIVE", f"{what}; {FEWEST_CARRIERS} are needed"
    if found < POWER * carriers:
        return "INCONCLUSIVE", f"nothing was found, but only {found} of {carriers} known carriers are found either"
    return "NOT_FLAGGED", f"nothing was found, and {found} of {carriers} known carriers are"
