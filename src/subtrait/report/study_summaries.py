"""What a report of studies needs from the records and they do not hold themselves: groups, figures and counts."""

from collections.abc import Iterable, Sequence
from typing import TypeVar, get_args

from subtrait.study_records import Agreement, Curve, Measure, StudyResult

_Each = TypeVar("_Each", Measure, Curve)


def by_group(measures: Sequence[Measure]) -> list[tuple[str, list[Measure]]]:
    """The measures of each group, in the order in which the groups and they first appear."""
    return _gathered((measure.group, measure) for measure in measures)


def by_scale(measures: Sequence[Measure]) -> list[list[Measure]]:
    """The measures of one group in the parts that can share an axis."""
    return [part for _, part in _gathered((measure.scale, measure) for measure in measures)]


def by_figure(curves: Sequence[Curve]) -> list[tuple[str, list[Curve]]]:
    """The curves of each figure, in the order in which the figures and they first appear."""
    return _gathered((curve.figure, curve) for curve in curves)


def compared(result: StudyResult) -> list[Measure]:
    """The measures by which a study is judged: those that must hold and those with a published sign."""
    return [measure for measure in result.measures if measure.must_hold or measure.expected != "nothing"]


def tally(measures: Iterable[Measure]) -> dict[Agreement, int]:
    """How many of the measures stand how to what was published; every kind is there."""
    found = [measure.agreement for measure in measures]
    return {kind: found.count(kind) for kind in get_args(Agreement)}


def settings(result: StudyResult) -> list[tuple[str, object]]:
    """What the study was made with, by name, without what `result.settings` says itself."""
    return [
        ("experiment", result.experiment),
        ("size", result.size),
        ("seed", result.seed),
        ("base", result.base or "no language model takes part"),
        ("subtrait", result.version),
        ("schema version", result.schema_version),
    ]


def _gathered(pairs: Iterable[tuple[str, _Each]]) -> list[tuple[str, list[_Each]]]:
    found: dict[str, list[_Each]] = {}
    for name, each in pairs:
        found.setdefault(name, []).append(each)
    return list(found.items())
