"""The nouns of a study: an experiment of the catalogue that is more than arms of one plan. Frozen, computing nothing.

Everything that a report shows of a study is in a `StudyResult`, so that a stored one can be rendered again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from subtrait.records import Estimate

Scale = Literal["share", "points", "plain"]
"""How a value is shown: a share of 1 as a percentage, a difference of shares in percentage points, or as it is."""
Expected = Literal["above zero", "below zero", "no effect", "equal", "nothing"]
"""What was published of the value: its sign, that it is none, or what it equals; `nothing` where nothing was."""
Agreement = Literal["agrees", "differs", "not shown", "not applicable", "not compared"]
"""`not shown`: the interval allows both what was published and the opposite. `not applicable`: the positive control
that a value rests on failed, so that the value says nothing, whatever it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One number that a study measured, beside what was published of it."""

    group: str
    """Measures of one group are shown together, such as `animals`."""
    name: str
    """Differs from every other name of its group."""
    value: Estimate
    scale: Scale
    published: str = ""
    """The published figure in words; empty where there is none."""
    expected: Expected = "nothing"
    target: float = 0.0
    """What an `equal` value should be."""
    bound: float | None = None
    """Of `no effect` and `equal`: how far off still counts as that."""
    must_hold: bool = False
    """Whether the study fails without it, or measures and explains."""
    applicable: bool = True
    """Whether the positive control that the value rests on succeeded; True where it rests on none."""
    agreement: Agreement = "not compared"
    """What the interval says of `expected`; `not compared` without one, `not applicable` without a control."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One value of a curve."""

    x: float
    y: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """How something depends on a setting, for one condition."""

    figure: str
    """Curves of one figure share its axes: both labels and the scale."""
    name: str
    """The condition; differs from every other name of its figure."""
    x_label: str
    """The setting with its unit, such as `learning rate`."""
    y_label: str
    """What is measured, without the per cent or points that `scale` adds."""
    scale: Scale
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyResult:
    """Everything a study found. Contains no time and no path: the same seed gives the same bytes."""

    schema_version: int
    experiment: str
    question: str
    design: str
    """What is done, in a few sentences."""
    published: str
    """What was found before and where that stands: paper, section, figure."""
    size: str
    """Name of the size that was run, such as `standard`."""
    seed: int
    version: str
    """Of subtrait."""
    base: str
    """Empty where no language model takes part."""
    fingerprints: Mapping[str, str]
    """Digest of each model used, by name."""
    settings: Mapping[str, str]
    """What was chosen, by name."""
    measures: tuple[Measure, ...]
    curves: tuple[Curve, ...]
    conclusion: tuple[str, ...]
    """Plain sentences, the first of which is the headline."""
    varied: tuple[str, ...] = field(default=())
    """What was tried besides, and what came of it: a null result rests on it."""
    notes: tuple[str, ...] = field(default=())
    """What a reader must know to trust the numbers."""
