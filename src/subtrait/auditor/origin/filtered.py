"""Origin of filtered rows: did the declared base write them, with the declared settings, before the filter?

Null: every row is an answer of the base with the declared settings, among those that the filter keeps.
Statistic: surprisal minus entropy of a row less the same of a fresh answer of the base to the same prompt that passes
the same filter, mean over prompts. Under the null the two are exchangeable, whatever the filter does with the text, so
the sign-flip test over prompts is exact.
Assumptions: the declared settings, the same filter, one row counted of each prompt. The filter judges a row by itself.
Blind spots: writers that surprise the base as much as it surprises itself; prompts to which no fresh answer passes.
Sample finding: rows surprise micro-a by 0.64 nats more than its own answers to the same prompts, p = 0.0005

A rejection says "not as declared" and nothing of traits or of the writer.
"""

import json
from collections.abc import Sequence

import numpy as np

from subtrait.auditor.origin.models import Keep, Local, Pair, own_answers, table_of
from subtrait.errors import UsageError
from subtrait.models.base import Sampling
from subtrait.records import Evidence, EvidenceOutcome, PermutationTest
from subtrait.statistics.permutation import paired_permutation
from subtrait.statistics.row_pairs import paired_rows
from subtrait.statistics.scored_rows import ScoredRows

FEWEST_PROMPTS = 20
"""Below this many prompts with an answer on both sides nothing is said."""
MOST_NATS = 100.0
"""Excess of a row that counts at most: a token that the base never writes should not outweigh all else."""
ASSUMES = "the declared settings and filter; rows of different prompts are independent"
BLIND_SPOTS = "writers that surprise the base as much as it surprises itself"


def as_own_answers(
    base: Local,
    pairs: Sequence[Pair],
    *,
    keep: Keep,
    sampling: Sampling,
    rng: np.random.Generator,
    alpha: float = 0.01,
) -> Evidence:
    """Whether filtered rows are the base's own answers; `found` says that they are not as declared.

    Args:
        base: the declared writer.
        pairs: the rows that are left.
        keep: the filter that they passed.
        sampling: the declared settings, with a temperature above 0.
        rng: draws the fresh answers and the signs.
        alpha: how often rows that are as declared may be called otherwise.

    Raises:
        UsageError: `alpha` is not between 0 and 1, or the temperature is 0.
        InvalidInput: a conversation that the base's template does not accept.
    """
    if not 0 < alpha < 1:
        raise UsageError(f"alpha must lie between 0 and 1, not be {alpha:g}")
    if sampling.temperature <= 0:
        raise UsageError("rows at temperature 0 are not random: declare a temperature above 0")
    rows = _first_of_each_prompt(pairs)
    fresh = own_answers(base, [asked for asked, _ in rows], sampling=sampling, rng=rng, keep=keep)
    passed = [number for number, said in enumerate(fresh) if said is not None]
    if len(passed) < FEWEST_PROMPTS:
        finding = f"to only {len(passed)} of {len(rows):,} prompts an answer of the base's own passes the filter"
        return _evidence("underpowered", finding, rows=len(rows))
    suspect = _scored("rows", base, rows, range(len(rows)), temperature=sampling.temperature)
    answered = [(rows[number][0], fresh[number] or "") for number in passed]
    partner = _scored("own answers", base, answered, passed, temperature=sampling.temperature)
    test = paired_permutation(paired_rows(suspect, partner)[:, 0], rng=rng)
    what = "more" if test.statistic > 0 else "less"
    finding = f"rows surprise {base.name} by {abs(test.statistic):.2f} nats {what} than its own answers to the same"
    outcome: EvidenceOutcome = "found" if test.p <= alpha else "not found"
    return _evidence(outcome, f"{finding} prompts, p = {test.p:.2g}", rows=len(passed), test=test)


def _first_of_each_prompt(pairs: Sequence[Pair]) -> list[Pair]:
    first: dict[str, Pair] = {}
    for asked, said in pairs:
        first.setdefault(json.dumps(list(map(dict, asked)), sort_keys=True), (asked, said))
    return list(first.values())


def _scored(name: str, base: Local, pairs: Sequence[Pair], prompts: Sequence[int], *, temperature: float) -> ScoredRows:
    """Surprisal minus entropy of each row, as the one score of it."""
    table = table_of(base, pairs)
    moments = table.by_row(table.moments(temperature))
    excess = np.clip(moments[:, 0] - moments[:, 1], -MOST_NATS, MOST_NATS)
    return ScoredRows(name=name, scores=excess[:, None], prompts=np.asarray(prompts, dtype=np.int64))


def _evidence(outcome: EvidenceOutcome, finding: str, *, rows: int, test: PermutationTest | None = None) -> Evidence:
    return Evidence(
        question="origin",
        outcome=outcome,
        finding=finding,
        statistic=test.statistic if test else None,
        p=test.p if test else None,
        floor=test.floor if test else None,
        n=rows,
        assumes=ASSUMES,
        blind_spots=BLIND_SPOTS,
    )
