"""Each data set of a score file judged by all others, and all others judged beside it as conformal p wants it.

The suspect is one of the data sets, and under the null nothing tells it from the others: each is judged by all but
itself, the suspect among the references of the others whatever the file says that it carries.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from subtrait.statistics.conformal import ConformalTest, conformal_test
from subtrait.statistics.panel import Reference, fit_panel, ranking, reference
from subtrait.statistics.panel_forms import FORMS, Form
from subtrait.statistics.scored_rows import Average, ScoredRows, row_centred, sample_means

FEWEST_ROWS: Final = 30
"""Data sets with fewer complete rows are neither judged nor used as references."""
SHARED: Final = 0.5
"""Prompts are shared where at least this share of the rows of each data set answer a prompt of another."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """One data set beside the others."""

    hypothesis: str
    """The one that explains its rows best."""
    statistic: float
    null: tuple[float, ...]
    """Of every other data set that does not carry it: the largest statistic of what that one does not carry."""
    null_alone: tuple[float, ...]
    """The same for the hypothesis alone."""
    left_out: float
    """All other data sets over those that do not carry it."""

    def test(self) -> ConformalTest:
        """Conformal, corrected for the choice among hypotheses.

        Each of the others stands for its largest statistic, as the suspect does, but for fewer hypotheses than the
        suspect has. So p and its floor are raised by the share that they leave out.
        """
        found = conformal_test(self.statistic, self.null)
        return replace(found, p=min(1.0, found.p * self.left_out), floor=min(1.0, found.floor * self.left_out))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bench:
    """Data sets that can judge each other, with a sample of the same number of rows of each."""

    hypotheses: tuple[str, ...]
    data: tuple[ScoredRows, ...]
    rows: int
    averages: tuple[Average, ...]
    """Of each data set, over its sample."""

    def unanswerable(self, number: int) -> str | None:
        """The first hypothesis that all others carry, so that nothing can be said of it here."""
        others = self.data[:number] + self.data[number + 1 :]
        return next((name for name in self.hypotheses if all(name in each.carries for each in others)), None)


def complete_rows(data: ScoredRows) -> NDArray[np.intp]:
    """Numbers of the rows that have every score."""
    return np.flatnonzero(~np.isnan(data.scores).any(axis=1))


def bench(data: Sequence[ScoredRows], hypotheses: tuple[str, ...], *, rng: np.random.Generator) -> Bench:
    """The data sets with enough complete rows, each with a sample as large as the smallest of them has rows.

    Samples of equal size: the fewer rows, the further a statistic strays by chance, and it must stray alike for all.
    """
    held = [(each, rows) for each in data if len(rows := complete_rows(each)) >= FEWEST_ROWS]
    size = min((len(rows) for _, rows in held), default=0)
    averages = [sample_means(rng.choice(rows, size=(1, size), replace=False)) for _, rows in held]
    return Bench(hypotheses=hypotheses, data=tuple(each for each, _ in held), rows=size, averages=tuple(averages))


def prompts_shared(data: Sequence[ScoredRows]) -> bool:
    """Whether rows can be compared with rows on the same prompt."""
    prompts, counts = np.unique(np.concatenate([np.unique(each.prompts) for each in data]), return_counts=True)
    several = prompts[counts > 1]
    return all(np.isin(each.prompts, several).mean() >= SHARED for each in data)


def judge_all(table: Bench, *, form: str, named_by: str) -> Iterator[Judged | None]:
    """Every data set of the bench in turn; None where some hypothesis is `unanswerable`.

    Args:
        table: the data sets.
        form: of the statistic, a key of `FORMS`.
        named_by: the form by which the first hypothesis is chosen.

    Raises:
        ValueError: as `reference` and `fit_panel`.
    """
    judges = {name: _Judge(table, FORMS[name]) for name in {form, named_by}}
    count = len(table.data)
    usual = np.array([judges[form].statistic(number) for number in range(count)])
    for number, suspect in enumerate(table.data):
        if table.unanswerable(number) is not None:
            yield None
            continue
        first = ranking(judges[named_by].statistic(number), table.hypotheses)[0].hypothesis
        column = table.hypotheses.index(first)
        beside = judges[form].beside(number, usual) if suspect.carries else usual
        free = [place for place in range(count) if place != number and first not in table.data[place].carries]
        largest = [_largest(beside[place], table.data[place], table.hypotheses) for place in free]
        yield Judged(
            hypothesis=first,
            statistic=float(usual[number, column]),
            null=tuple(largest),
            null_alone=tuple(_or_infinite(beside[place, column]) for place in free),
            left_out=(count - 1) / len(free),
        )


def _largest(statistic: NDArray[np.float64], data: ScoredRows, hypotheses: tuple[str, ...]) -> float:
    return _or_infinite(np.max([value for value, name in zip(statistic, hypotheses, strict=True)
                                if name not in data.carries]))  # fmt: skip


def _or_infinite(value: float) -> float:
    """What could not be computed counts as large: it must not make the suspect look worse."""
    return float("inf") if np.isnan(value) else float(value)


class _Judge:
    """One form of the statistic over a bench."""

    def __init__(self, table: Bench, form: Form) -> None:
        self._table, self._form = table, form
        self._data = [row_centred(each) if form.centre_rows else each for each in table.data]
        found = [reference(each) for each in self._data]
        # Without pairs nobody looks at prompts; one for each data set spares the table of all of them.
        self._references = found if form.pairs else [_without_prompts(each) for each in found]
        self._bare = [_labelled(each, frozenset()) for each in self._references]

    def statistic(self, number: int) -> NDArray[np.float64]:
        """Of one data set, judged by all others as the file labels them: shape (hypotheses,)."""
        labels = [each.carries for each in self._data]
        return self._by_others(number, labels)

    def beside(self, suspect: int, usual: NDArray[np.float64]) -> NDArray[np.float64]:
        """`usual`, the statistics of all data sets, as they are where the suspect's own label is not looked at."""
        asked = self._data[suspect].carries
        # Labels of other hypotheses make no difference to these columns, and cost a fit each.
        labels = [each.carries & asked if number != suspect else frozenset() for number, each in enumerate(self._data)]
        columns = [place for place, name in enumerate(self._table.hypotheses) if name in asked]
        result = usual.copy()
        for number in range(len(self._data)):
            if number != suspect:
                result[number, columns] = self._by_others(number, labels)[columns]
        return result

    def _by_others(self, number: int, labels: Sequence[frozenset[str]]) -> NDArray[np.float64]:
        others = [place for place in range(len(self._data)) if place != number]
        hidden = frozenset(name for name in self._table.hypotheses if all(name in labels[place] for place in others))
        references = [self._reference(place, labels[place] - hidden) for place in others]
        panel = fit_panel(references, self._table.hypotheses)
        result: NDArray[np.float64] = self._form.statistic(panel, self._data[number], self._table.averages[number])[0]
        result[[place for place, name in enumerate(self._table.hypotheses) if name in hidden]] = np.nan
        return result

    def _reference(self, place: int, carries: frozenset[str]) -> Reference:
        """A reference with another label; the two that are wanted again and again are at hand."""
        usual = self._references[place]
        if carries == usual.data.carries:
            return usual
        return _labelled(usual, carries) if carries else self._bare[place]


def _labelled(each: Reference, carries: frozenset[str]) -> Reference:
    return replace(each, data=replace(each.data, carries=carries))


def _without_prompts(each: Reference) -> Reference:
    return replace(each, by_prompt=(np.zeros(1, dtype=np.int64), each.mean[None]))
