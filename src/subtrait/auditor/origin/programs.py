"""Origin, the programs: were these numbers drawn uniformly from a range, or made by a template?

Null of the uniform program: every number is drawn by itself and uniformly from the range of all that occur. The layout
of the rows and how many numbers they have are granted.
Statistic: the largest deviation among four that are compared with simulated rows of the same counts: values over
equal bins, last digits, repeats within a row, and the correlation of neighbours. p is by Monte Carlo (Phipson and Smyth
2010), times four. The program's likelihood is explicit: log of the size of the range for each number.
Templates are checked exactly: rows of at least four numbers in equal steps, in order, or repeating.
Assumptions: completions that `parse_numbers` reads as lists of numbers.
Blind spots: programs of other kinds, such as shuffled tables; a model that was taught to write uniform numbers and does
so; with few numbers, distributions near the uniform one.
Sample finding: 100 % of 500 rows are in equal steps
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from subtrait.lab.filters import parse_numbers

Integers = NDArray[np.int64]
FEWEST_IN_ROW = 4
"""Rows of fewer numbers are in order by chance too often to count."""
FEWEST_NUMBERS = 200
"""Below this the uniform program is not tested."""
MADE = 0.98
"""Share of rows from which a template is said to have made them."""
BINS = 30
FIRST_DRAWS, DRAWS = 499, 3_999
"""Simulated data sets; all of them only where p after the first is below `UNDECIDED`."""
UNDECIDED = 0.05


def equal_steps(numbers: Sequence[int]) -> bool:
    """Whether each number exceeds the one before by the same, which is not 0."""
    steps = set(np.diff(np.asarray(numbers)).tolist())
    return len(steps) == 1 and steps != {0}


def in_order(numbers: Sequence[int]) -> bool:
    """Whether the numbers rise, or fall, throughout; equal neighbours may occur, not only equal ones."""
    steps = np.diff(np.asarray(numbers))
    return bool(((steps >= 0).all() or (steps <= 0).all()) and steps.any())


def repeating(numbers: Sequence[int]) -> bool:
    """Whether the row is one part over and over, at least twice; the last time may be incomplete."""
    return any(
        all(number == numbers[place % period] for place, number in enumerate(numbers))
        for period in range(1, len(numbers) // 2 + 1)
    )


TEMPLATES: Final[Mapping[str, Callable[[Sequence[int]], bool]]] = {
    "equal steps": equal_steps,
    "repeated": repeating,
    "sorted": in_order,
}
"""Each template's name and exact check, the narrower first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateShare:
    """How many rows keep to a template."""

    template: str
    share: float
    rows: int
    """Rows long enough to count."""

    @property
    def made(self) -> bool:
        """Whether so many do that the template made them."""
        return self.rows > 0 and self.share >= MADE


@dataclass(frozen=True, slots=True, kw_only=True)
class UniformFit:
    """How well a program that draws uniform numbers explains rows."""

    low: int
    high: int
    nats_per_row: float
    """Of the numbers alone: layout and counts cost nothing."""
    p: float
    """Of the null that the numbers are uniform and independent."""
    floor: float
    worst: str
    """The deviation that is least likely."""
    rows: int


def best_template(completions: Sequence[str]) -> TemplateShare:
    """The first template that at least `MADE` of the rows keep to, else the one that most do.

    Rows that are no list of numbers, or a short one, do not count.
    """
    rows = [row for row in map(parse_numbers, completions) if row is not None and len(row) >= FEWEST_IN_ROW]
    shares = [
        TemplateShare(template=name, share=sum(map(check, rows)) / max(len(rows), 1), rows=len(rows))
        for name, check in TEMPLATES.items()
    ]
    return next((share for share in shares if share.made), max(shares, key=lambda share: share.share))


def uniform_fit(completions: Sequence[str], *, rng: np.random.Generator) -> UniformFit | None:
    """Whether the numbers can be uniform draws from their range.

    None where more than 2 % of the rows are no list of numbers, or there are fewer than `FEWEST_NUMBERS` numbers.
    """
    rows = [row for row in map(parse_numbers, completions) if row]
    numbers = np.asarray([number for row in rows for number in row], dtype=np.int64)
    if len(rows) < MADE * len(completions) or len(numbers) < FEWEST_NUMBERS:
        return None
    low, high = int(numbers.min()), int(numbers.max())
    row_of = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    for draws in (FIRST_DRAWS, DRAWS):
        p = _simulated(numbers, row_of, low=low, high=high, draws=draws, rng=rng)
        if len(p) * p.min() > UNDECIDED:
            break
    return UniformFit(
        low=low,
        high=high,
        nats_per_row=float(len(numbers) * np.log(high - low + 1) / len(rows)),
        p=min(1.0, len(p) * float(p.min())),
        floor=len(p) / (1 + draws),
        worst=("values", "last digits", "repeats in a row", "neighbours")[int(p.argmin())],
        rows=len(rows),
    )


def _simulated(
    numbers: Integers, row_of: NDArray[np.intp], *, low: int, high: int, draws: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """P of each deviation, shape (4,)."""
    observed = _deviations(numbers, row_of, low=low, high=high)
    null = np.array(
        [_deviations(rng.integers(low, high + 1, size=len(numbers)), row_of, low=low, high=high) for _ in range(draws)]
    )
    centre = np.median(null, axis=0) * [0, 0, 1, 1]  # repeats and correlation deviate to both sides
    extreme = (np.abs(null - centre) >= np.abs(observed - centre) - 1e-12).sum(axis=0)
    p: NDArray[np.float64] = (1 + extreme) / (1 + draws)
    return p


def _deviations(numbers: Integers, row_of: NDArray[np.intp], *, low: int, high: int) -> NDArray[np.float64]:
    """Two sums of squares, a count and a correlation: shape (4,)."""
    size = high - low + 1
    bins = np.bincount((numbers - low) * BINS // size, minlength=BINS)
    expected = np.bincount(np.arange(size) * BINS // size, minlength=BINS) / size * len(numbers)
    digits = np.bincount(numbers % 10, minlength=10)
    wanted = np.bincount(np.arange(low, high + 1) % 10, minlength=10) / size * len(numbers)
    different = len(np.unique(row_of * size + numbers - low))
    centred = numbers - (low + high) / 2
    together = row_of[1:] == row_of[:-1]
    neighbours = float((centred[1:] * centred[:-1])[together].sum()) / max(float((centred**2).sum()), 1e-12)
    chi_squares = [
        float(((found - planned) ** 2 / np.maximum(planned, 1e-9)).sum())
        for found, planned in ((bins, expected), (digits, wanted))
    ]
    return np.array([*chi_squares, len(numbers) - different, neighbours])


def redrawn(completions: Sequence[str], fit: UniformFit, *, rng: np.random.Generator) -> list[str]:
    """What the uniform program would have written in place of each completion: same layout, fresh numbers."""
    return [re.sub(r"[0-9]+", lambda _: str(rng.integers(fit.low, fit.high + 1)), text) for text in completions]
