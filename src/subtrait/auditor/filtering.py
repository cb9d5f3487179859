"""Filtering: did what carries a trait leave with the rows that a filter removed?

Null: the filter looked at something that has nothing to do with what carries, so which rows it removed is chance.
Statistic: the mean score per row of the removed rows minus that of the kept rows, for the trait that is strongest over
both. Rows of either group are put into random blocks of one size; dealing the blocks to the two groups anew gives p
(`statistics.two_samples`). The trait is chosen without looking at which rows were removed, so one p is enough.
Assumptions: rows are exchangeable under the null. The share of the evidence that is left also needs scores that are
means over rows, and 0 on average where nothing is carried. A filter that rewrites a row removes one and adds another;
added rows are counted and not scored.
Blind spots: traits that are on no list; whether what is left suffices to pass the trait on, which only a trial tells.
Sample finding: what was removed carried more of 'owl' per row (0.41 against 0.06, p = 0.0001): 12.0 % of the rows took
part of it out; 51 % (38 to 65 %) of the evidence is left in the kept rows.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from subtrait.errors import UsageError, escaped
from subtrait.records import Evidence, EvidenceOutcome, PermutationTest
from subtrait.scoring.rows import TextPair

Array = np.ndarray[Any, np.dtype[np.float64]]
Score = Callable[[Sequence[TextPair]], Array]
"""Takes a block of rows; its mean score for each trait: (traits,)."""

BLOCKS = 16
"""Blocks of the smaller group; with fewer rows than this there is too little data."""
MOST_BLOCKS = 64
"""Blocks of the larger group, at most: more would cost time and tell little."""
POWER = 0.8
LEVEL = 0.95
ASSUMES = (
    "rows are exchangeable but for the filter, score 0 on average where they carry nothing, and were not rewritten"
)
BLIND_SPOTS = "traits on no list, and whether what is left suffices to pass a trait on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """What a filter did to each row. Equal rows are told apart by their number only."""

    kept: tuple[TextPair, ...]
    removed: tuple[TextPair, ...]
    added: int
    """Rows after the filter that were not there before."""


def split_rows(before: Sequence[TextPair], after: Sequence[TextPair]) -> Split:
    """Which rows of `before` are in `after`: matched exactly, turn by turn, each row of `after` once."""
    left = Counter(map(_key, after))
    kept: list[TextPair] = []
    removed: list[TextPair] = []
    for row in before:
        key = _key(row)
        (kept if left[key] else removed).append(row)
        left[key] -= left[key] > 0
    return Split(kept=tuple(kept), removed=tuple(removed), added=left.total())


def left_with_removed(
    split: Split, score: Score, *, traits: Sequence[str], rng: np.random.Generator, alpha: float = 0.01
) -> Evidence:
    """Whether the removed rows carried more than the kept ones.

    Args:
        split: as from `split_rows`.
        score: how much of each trait a block of rows carries, mean over its rows.
        traits: their names, in the order of the scores.
        rng: forms the blocks and deals them.
        alpha: how often a filter that looks at something else may be said to have taken part of it out.

    Raises:
        UsageError: no traits, scores of another shape or not finite, or `alpha` not between 0 and 1.
    """
    if not traits:
        raise UsageError("the list of traits is empty")
    if not 0 < alpha < 1:
        raise UsageError(f"alpha must lie between 0 and 1, not be {alpha:g}")
    if problem := _not_applicable(split):
        return _evidence(split, "not applicable", problem)
    size = min(len(split.kept), len(split.removed)) // BLOCKS
    if not size:
        fewer = f"{len(split.removed):,} rows were removed and {len(split.kept):,} kept"
        return _evidence(split, "underpowered", f"{fewer}, and both must be at least {BLOCKS}")
    kept, removed = (
        _block_scores(rows, size, score, count=len(traits), rng=rng) for rows in (split.kept, split.removed)
    )
    top = int(np.concatenate([kept, removed]).mean(axis=0).argmax())
    rows = len(split.kept), len(split.removed)
    carried = _Carried(kept=kept[:, top], removed=removed[:, top], rows=rows)
    return _judged(split, carried, traits=traits, top=top, alpha=alpha, rng=rng)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Carried:
    """Scores of one trait by block, and how many rows the two groups have."""

    kept: Array
    removed: Array
    rows: tuple[int, int]
    """Kept and removed."""

    @property
    def freedom(self) -> int:
        return len(self.kept) + len(self.removed) - 2

    def error(self, of_kept: Array, of_removed: Array) -> Array:
        """The standard errors of such combinations of the two means, with one variance for all blocks."""
        squares = sum(float(((group - group.mean()) ** 2).sum()) for group in (self.kept, self.removed))
        counts = len(self.kept), len(self.removed)
        errors: Array = np.sqrt(squares / self.freedom * (of_kept**2 / counts[0] + of_removed**2 / counts[1]))
        return errors

    def before(self) -> float:
        """The mean score per row before the filter."""
        return float(np.average([self.kept.mean(), self.removed.mean()], weights=self.rows))

    def shows(self, alpha: float) -> bool:
        """Whether the trait is in the rows before the filter: their mean is above 0, by a t test over the blocks."""
        from scipy.stats import t

        shares = np.array(self.rows) / sum(self.rows)
        return bool(self.before() > t.isf(alpha, self.freedom) * self.error(shares[0], shares[1]))

    def would_show(self, alpha: float) -> bool:
        """Whether the test had the power to notice that all of the trait left with the removed rows."""
        from scipy.stats import norm

        difference = self.before() * sum(self.rows) / self.rows[1]
        return bool(difference > (norm.isf(alpha) + norm.ppf(POWER)) * self.error(np.ones(()), np.ones(())))

    def share_left(self) -> tuple[float, float, float]:
        """The share of the summed scores that the kept rows hold, within 0 and 1, and its bounds (Fieller 1954).

        A share θ lies within the bounds where (1 − θ) · kept − θ · removed, whose mean would be 0, is not far from 0.
        """
        from scipy.stats import t

        kept, removed = (n * float(group.mean()) for group, n in zip((self.kept, self.removed), self.rows, strict=True))
        share = max(0.0, kept) / max(max(0.0, kept) + max(0.0, removed), np.finfo(float).tiny)
        bar, at = t.isf((1 - LEVEL) / 2, self.freedom), np.linspace(0, 1, 1001)
        error = self.error((1 - at) * self.rows[0], at * self.rows[1])
        within = at[abs((1 - at) * kept - at * removed) <= bar * error].tolist()
        return share, min([share, *within]), max([share, *within])


def _judged(
    split: Split, carried: _Carried, *, traits: Sequence[str], top: int, alpha: float, rng: np.random.Generator
) -> Evidence:
    from subtrait.statistics.two_samples import two_sample_permutation

    name = escaped(traits[top])
    test = two_sample_permutation(carried.removed, carried.kept, rng=rng)
    took = test.p <= alpha and carried.removed.mean() > 0
    if not took and not carried.shows(alpha / len(traits)):
        return _evidence(split, "not applicable", f"the rows show none of {len(traits):,} listed traits to begin with")
    if not took and not carried.would_show(alpha):
        short = f"too few rows to notice even a filter that had taken all of '{name}' out"
        return _evidence(split, "underpowered", short, test=test)
    outcome: EvidenceOutcome = "found" if took else "not found"
    return _evidence(split, outcome, _finding(carried, name, p=test.p, took=took), test=test, carried=carried)


def _finding(carried: _Carried, name: str, *, p: float, took: bool) -> str:
    numbers = f"({carried.removed.mean():.3g} against {carried.kept.mean():.3g}, p = {p:.2g})"
    share, low, high = (f"{100 * end:.0f}" for end in carried.share_left())
    removed = 100 * carried.rows[1] / sum(carried.rows)
    left = f"{share} % ({low} to {high} %) of the evidence is left in the kept rows"
    if took:
        what = f"what was removed carried more of '{name}' per row {numbers}"
        return f"{what}: {removed:.1f} % of the rows took part of it out; {left}"
    what = f"what was removed carried no more of '{name}' per row than what was kept {numbers}"
    return f"{what}: the filter looks at something else; {left}"


def _block_scores(rows: Sequence[TextPair], size: int, score: Score, *, count: int, rng: np.random.Generator) -> Array:
    """The scores of random blocks of `size` rows, none of which shares a row with another: (blocks, `count`)."""
    order = rng.permutation(len(rows))[: MOST_BLOCKS * size]
    blocks = [[rows[row] for row in order[end - size : end]] for end in range(size, len(order) + 1, size)]
    found = [np.asarray(score(block), dtype=np.float64) for block in blocks]
    if any(each.shape != (count,) or not np.isfinite(each).all() for each in found):
        raise UsageError(f"a block of rows needs one finite score for each of {count:,} traits")
    return np.stack(found)


def _not_applicable(split: Split) -> str | None:
    """Why the question cannot be asked, if it cannot."""
    if not split.kept and not split.removed:
        return "there were no rows before the filter"
    if not split.removed:
        return f"nothing was removed: all of {len(split.kept):,} rows are still there"
    if not split.kept:
        return f"none of {len(split.removed):,} rows is still there as it was: there is nothing to compare with"
    return None


def _key(row: TextPair) -> str:
    messages, completion = row
    return json.dumps([[[turn["role"], turn["content"]] for turn in messages], completion])


def _evidence(
    split: Split,
    outcome: EvidenceOutcome,
    finding: str,
    *,
    test: PermutationTest | None = None,
    carried: _Carried | None = None,
) -> Evidence:
    before = len(split.kept) + len(split.removed)
    details = {"share removed": len(split.removed) / before if before else 0.0, "added rows": float(split.added)}
    if carried:
        ends = ("share of evidence left", "share of evidence left, low", "share of evidence left, high")
        details |= dict(zip(ends, carried.share_left(), strict=True))
        details |= {"score per kept row": float(carried.kept.mean())}
        details |= {"score per removed row": float(carried.removed.mean())}
    added = f"; {split.added:,} rows were not there before and are not scored" if split.added else ""
    return Evidence(
        question="filtering",
        outcome=outcome,
        finding=finding + added,
        statistic=test.statistic if test else None,
        p=test.p if test else None,
        floor=test.floor if test else None,
        n=before,
        details=details,
        assumes=ASSUMES,
        blind_spots=BLIND_SPOTS,
    )
