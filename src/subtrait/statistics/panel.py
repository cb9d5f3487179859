"""The panel statistics: does any hypothesis explain these rows better than it explains references?

A raw score mostly says that a data set was written under *some* instruction, or in some style. So every statement is
made relative to references: data sets known not to carry what is asked about.

**No label leaks.** Whatever is said of hypothesis k uses only references that do not carry k, in the centre, in the
pairs and in the covariance. Otherwise the true trait's centre would contain other data of that trait, the wrong
hypotheses' centres would not, and the labels of the references would betray the answer. A data set is never among its
own references.

Three forms (larger means more evidence for the hypothesis):
- centred: the mean score minus the mean over references;
- paired: the same with each row compared with the references' rows on the same prompt, which removes what prompts
  do. The form for *naming* a trait;
- whitened: the vector of shifts times the inverse of a covariance of references. The form for *deciding* about one.

None of them has a known null distribution: benign data sets differ from each other by much more than samples of one do.
Judge references in the same way and compare (`conformal`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from subtrait.statistics.prompt_table import PromptTable, prompt_table
from subtrait.statistics.scored_rows import Average, PromptMeans, ScoredRows, column_means, means_by_prompt
from subtrait.statistics.whitening import ROW_SHRINKAGE, inverse, row_covariance, shift_covariance, shrunk, spread
from subtrait.statistics.whitening import whiten as _whiten

Whitening = Literal["rows", "shifts", "spread"]
"""What to whiten by: the covariance of rows within references, that of the references' mean shifts, its diagonal."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """A data set to compare with, and its summary, computed once for any number of panels."""

    data: ScoredRows
    mean: NDArray[np.float64]
    """Shape (hypotheses,)."""
    covariance: NDArray[np.float64]
    """Of its rows: shape (hypotheses, hypotheses)."""
    by_prompt: PromptMeans


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Background:
    """What may be used to speak of some hypotheses: the references that carry none of them."""

    hypotheses: NDArray[np.intp]
    """Columns of the panel."""
    left_out: tuple[int, ...]
    """Numbers of the references that carry one of them."""
    centre: NDArray[np.float64]
    """The mean over the other references, each weighing the same: shape (hypotheses,)."""
    precision: NDArray[np.float64]
    """Their inverse covariance: shape (hypotheses, hypotheses)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """References fitted for judging other data sets on the same hypotheses."""

    hypotheses: tuple[str, ...]
    references: tuple[str, ...]
    """Their names."""
    table: PromptTable
    backgrounds: tuple[Background, ...]
    """One for each set of references that may be used; together they cover every hypothesis once."""

    def centred(self, data: ScoredRows, average: Average = column_means) -> NDArray[np.float64]:
        """The mean score minus the mean over references: shape (..., hypotheses), as `average` gives it.

        Raises:
            ValueError: if `data` is one of the references or has another number of hypotheses.
        """
        self._check(data)
        means = average(data.scores)
        result = np.empty_like(means)
        for background in self.backgrounds:
            columns = background.hypotheses
            result[..., columns] = means[..., columns] - background.centre[columns]
        return result

    def paired(self, data: ScoredRows, average: Average = column_means) -> NDArray[np.float64]:
        """The mean over rows of the score minus the references' score on the same prompt: shape (..., hypotheses).

        Rows whose prompt no reference answers do not count; NaN where none is left.

        Raises:
            ValueError: as `centred`.
        """
        self._check(data)
        rows = np.empty_like(data.scores)
        for background in self.backgrounds:
            columns = background.hypotheses
            rows[:, columns] = self.table.residuals(data, background.left_out, columns)
        return average(rows)

    def whitened(
        self, data: ScoredRows, average: Average = column_means, *, paired: bool = False
    ) -> NDArray[np.float64]:
        """The shifts, centred or paired, whitened (`whitening`): shape (..., hypotheses).

        All hypotheses enter each of these, so where one has no score at all every one is NaN.

        Raises:
            ValueError: as `centred`.
        """
        self._check(data)
        means = average(data.scores)
        result = np.empty_like(means)
        for background in self.backgrounds:
            columns = background.hypotheses
            left_out = background.left_out
            shifts = average(self.table.residuals(data, left_out)) if paired else means - background.centre
            result[..., columns] = _whiten(shifts, background.precision)[..., columns]
        return result

    def _check(self, data: ScoredRows) -> None:
        if data.scores.shape[1] != len(self.hypotheses):
            raise ValueError(f"{data.name} has {data.scores.shape[1]} hypotheses, the panel {len(self.hypotheses)}")
        if data.name in self.references:
            raise ValueError(f"{data.name} is a reference of this panel; fit one without it to judge it")


def reference(data: ScoredRows) -> Reference:
    """`data` with what any panel needs of it.

    Raises:
        ValueError: if a hypothesis has no score in any row, or fewer than two rows have every score.
    """
    mean = column_means(data.scores)
    if np.isnan(mean).any():
        raise ValueError(f"{data.name}: hypothesis {int(np.flatnonzero(np.isnan(mean))[0])} has no score in any row")
    try:
        covariance = row_covariance(data.scores)
    except ValueError as error:
        raise ValueError(f"{data.name}: {error}") from error
    return Reference(data=data, mean=mean, covariance=covariance, by_prompt=means_by_prompt(data))


def fit_panel(
    references: Sequence[Reference],
    hypotheses: Sequence[str],
    *,
    whitening: Whitening = "rows",
    shrinkage: float | None = None,
) -> Panel:
    """Fit centre, pairs and covariance on `references`, apart for each hypothesis that some of them carry.

    `hypotheses` names the columns of the scores. `shrinkage` is added to the diagonal as a share of the mean variance
    (`shrunk`); by default 1e-3 for "rows" and nothing for the others: "shifts" is shrunk by its own estimate.

    Raises:
        ValueError: if names repeat, shapes disagree, a hypothesis has too few references that do not carry it (one for
            "rows", two for the others), or the covariance cannot be inverted.
    """
    names = [each.data.name for each in references]
    _check_panel(references, names, hypotheses)
    carried = np.array([[name in each.data.carries for name in hypotheses] for each in references])
    fewest = 1 if whitening == "rows" else 2
    for name, free in zip(hypotheses, (~carried).sum(axis=0), strict=True):
        if free < fewest:
            raise ValueError(f"{free} references do not carry '{name}'; at least {fewest} are needed")
    share = shrinkage if shrinkage is not None else ROW_SHRINKAGE if whitening == "rows" else 0.0
    patterns, member = np.unique(carried, axis=1, return_inverse=True)
    backgrounds = tuple(
        _background(
            references, carries, columns=np.flatnonzero(member.ravel() == number), whitening=whitening, share=share
        )
        for number, carries in enumerate(patterns.T)
    )
    table = prompt_table([each.by_prompt for each in references])
    return Panel(hypotheses=tuple(hypotheses), references=tuple(names), table=table, backgrounds=backgrounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """One hypothesis with its statistic."""

    hypothesis: str
    statistic: float


def ranking(statistic: NDArray[np.float64], hypotheses: Sequence[str]) -> tuple[Ranked, ...]:
    """The hypotheses from the largest statistic down: the first is the name, its statistic the panel's maximum.

    Ties keep the order given; what could not be computed (NaN) comes last.

    Raises:
        ValueError: if the lengths differ.
    """
    if statistic.shape != (len(hypotheses),):
        raise ValueError(f"statistic has shape {statistic.shape}; needed is one for each of {len(hypotheses)}")
    order = np.argsort(-statistic, kind="stable")
    return tuple(Ranked(hypothesis=hypotheses[number], statistic=float(statistic[number])) for number in order)


def _background(
    references: Sequence[Reference],
    carries: NDArray[np.bool_],
    *,
    columns: NDArray[np.intp],
    whitening: Whitening,
    share: float,
) -> Background:
    """What the references where `carries` is false say of these columns."""
    kept = [each for each, leaks in zip(references, carries, strict=True) if not leaks]
    return Background(
        hypotheses=columns,
        left_out=tuple(int(number) for number in np.flatnonzero(carries)),
        centre=np.mean([each.mean for each in kept], axis=0),
        precision=inverse(shrunk(_covariance(kept, whitening), share)),
    )


def _covariance(references: Sequence[Reference], whitening: Whitening) -> NDArray[np.float64]:
    if whitening == "rows":
        mean: NDArray[np.float64] = np.mean([each.covariance for each in references], axis=0)
        return mean
    means = np.array([each.mean for each in references])
    return shift_covariance(means) if whitening == "shifts" else spread(means)


def _check_panel(references: Sequence[Reference], names: list[str], hypotheses: Sequence[str]) -> None:
    if not references:
        raise ValueError("there is no reference; every statement of a panel is relative to references")
    for kind, given in (("reference", names), ("hypothesis", list(hypotheses))):
        repeated = next((name for name in given if given.count(name) > 1), None)
        if repeated is not None:
            raise ValueError(f"{kind} '{repeated}' is given more than once")
    for each in references:
        if each.mean.size != len(hypotheses):
            raise ValueError(f"{each.data.name} has {each.mean.size} hypotheses, the panel {len(hypotheses)}")
