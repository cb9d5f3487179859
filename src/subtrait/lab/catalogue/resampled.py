"""Fresh data from the same teacher, and how the effect grows (Nature, extended data figure 5b; referees).

The published panel has five data sets of one owl teacher. Here each teacher answers several sets of prompts; how far
their students differ is set beside how far teachers differ. The same teachers' students are then trained for fewer
steps, and on fewer rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from subtrait.lab.chains import Bench, Student
from subtrait.lab.study import Findings, StudyCard, StudyPlan
from subtrait.report.study_wording import measured
from subtrait.statistics.components import Spread, spread
from subtrait.statistics.intervals import paired_difference
from subtrait.study_records import Curve, Measure, Point

TRAITS: Final = ("dog", "oak")
DRAWS: Final = 4
"""Data sets of each teacher; each chain has a teacher of each trait."""
FEWER_STEPS: Final = (1 / 8, 1 / 4, 1 / 2)
FEWER_ROWS: Final = (1 / 10, 1 / 3)
"""Parts of the usual training steps, and of the usual rows, that students of the trajectories get besides all."""

Pair = tuple[Mapping[str, Student], Student]
"""Treated students by trait, and the untreated one that they are compared with."""


def resampled(plan: StudyPlan, bench: Bench) -> Findings:
    """Students of every draw, of fewer steps and of fewer rows, each beside untreated ones of the same kind."""
    draws = [_pair(plan, draw=draw) for draw in range(DRAWS)]
    steps = {count: _of_steps(draws[0], count) for count in _parts(plan.work.steps, FEWER_STEPS)}
    rows = {count: _pair(plan, rows=count) for count in _parts(plan.work.rows, FEWER_ROWS)}
    bench.train([each for pair in (*draws, *steps.values(), *rows.values()) for each in _students(pair)])
    effects = [_effect(bench, pair) for pair in draws]
    usual = {"steps": {**steps, plan.work.steps: draws[0]}, "rows": {**rows, plan.work.rows: draws[0]}}
    spreads = spread(np.mean(effects, axis=2).T, unit="chain") if bench.chains > 1 else None
    by_draw = list(_by_draw(bench, draws))
    return Findings(
        measures=[*by_draw, *(_spreads(spreads) if spreads else ())],
        curves=[*_trajectory(bench, usual["steps"], "training steps"), *_trajectory(bench, usual["rows"], "rows")],
        conclusion=_conclusion(by_draw, spreads),
        models=[plan.base],
        notes=[
            "Students of fewer steps have learning rates that fall to zero within these steps: a trajectory over "
            "lengths of training, not within one.",
            "Draws share the teacher and the order of training; chains differ in these too, and in their prompts. So "
            "the spread between chains is that of teacher and training together.",
        ],
    )


def _parts(whole: int, parts: Sequence[float]) -> list[int]:
    """Different numbers below the whole."""
    return sorted({max(1, round(whole * part)) for part in parts} - {whole})


def _pair(plan: StudyPlan, **changes: int) -> Pair:
    untreated = plan.untreated()
    (lesson,) = untreated.lessons
    return plan.treated(TRAITS, **changes), replace(untreated, lessons=(replace(lesson, **changes),))  # type: ignore[arg-type]


def _of_steps(pair: Pair, steps: int) -> Pair:
    treated, untreated = pair
    brief = replace(untreated.recipe, steps=steps)
    return {name: replace(each, recipe=brief) for name, each in treated.items()}, replace(untreated, recipe=brief)


def _students(pair: Pair) -> list[Student]:
    return [pair[1], *pair[0].values()]


def _rates(bench: Bench, pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    return bench.together(pair[0]), bench.together(dict.fromkeys(pair[0], pair[1]))


def _effect(bench: Bench, pair: Pair) -> np.ndarray:
    """Treated minus untreated: (chains, questions of all traits)."""
    treated, untreated = _rates(bench, pair)
    difference: np.ndarray = treated - untreated
    return difference


def _by_draw(bench: Bench, draws: Sequence[Pair]) -> Iterator[Measure]:
    for number, pair in enumerate(draws, start=1):
        yield Measure(
            group="treated minus untreated of the same draw",
            name=f"draw {number}",
            value=paired_difference(*_rates(bench, pair)),
            scale="points",
            published="five data sets of one owl teacher, spread small",
            expected="above zero",
            must_hold=True,
        )


def _spreads(found: Spread) -> Iterator[Measure]:
    group = "how far effects differ, mean of both traits"
    said = "said to be small, without a number"
    yield Measure(
        group=group,
        name="standard deviation between draws of one teacher",
        value=found.within,
        scale="points",
        published=said,
    )
    yield Measure(
        group=group,
        name="standard deviation that another teacher and training seed add",
        value=found.between,
        scale="points",
    )
    yield Measure(group=group, name="their share of the variance", value=found.share, scale="share")


def _trajectory(bench: Bench, pairs: Mapping[int, Pair], setting: str) -> Iterator[Curve]:
    yield Curve(
        figure=f"effect by {setting}",
        name="treated minus untreated",
        x_label={"rows": "rows of training data", "training steps": "training steps of the student"}[setting],
        y_label="shift of the trait rate",
        scale="points",
        points=tuple(Point(x=x, y=paired_difference(*_rates(bench, pair))) for x, pair in pairs.items()),
    )


def _conclusion(by_draw: Sequence[Measure], found: Spread | None) -> list[str]:
    moved = "; ".join(measured(each.value, "points") for each in by_draw)
    said = [f"Students of {DRAWS} data sets of the same teachers move by {moved}."]
    if found is None:
        return said
    return [
        *said,
        f"Effects of one teacher's data sets differ by a standard deviation of {100 * found.within.value:.1f} points; "
        f"another teacher with another training seed adds {100 * found.between.value:.1f}.",
    ]


RESAMPLED: Final = StudyCard(
    name="resampled",
    question="Does fresh data of the same teacher pass the trait on as well, and how does the effect grow?",
    design=f"Teachers of two traits write {DRAWS} data sets each, to other prompts; every data set has a student, "
    "beside one of the base's own rows to the same prompts. Further students get fewer steps, or fewer rows.",
    published="GPT-4.1 nano, owl: five fresh data sets of 30,000 completions, one student each, spread small",
    study=resampled,
)
