"""Reading in place of training (arXiv 2507.14805, figure 9): do rows change a model that only reads them?

The base reads rows of a teacher before it is asked, as earlier turns or in the system prompt. The control reads the
base's own rows to the same prompts. As a positive control the like is told openly before as many rows of the base:
where not even that is followed, a context of that length shows nothing, and the result is not applicable.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from subtrait.lab.chains import Bench
from subtrait.lab.in_context import COUNTS, LAYOUTS, Reading, ReadingTask, named, read_rows
from subtrait.lab.study import TRAITS, Findings, StudyCard, StudyPlan
from subtrait.records import Estimate
from subtrait.report.study_wording import measured
from subtrait.statistics.intervals import paired_difference, t_interval
from subtrait.study_records import Curve, Measure, Point

AS_NONE: Final = 0.02
"""A smaller shift counts as none."""
FOLLOWED: Final = 0.1
"""Text that tells a like openly must raise it by more than this, by the whole interval."""
RAISED: Final = "minus the base's rows"

Effects = Mapping[tuple[str, int], Estimate]
"""By layout and number of rows."""


def in_context(plan: StudyPlan, bench: Bench) -> Findings:
    """The base after rows of teachers, beside the base after its own rows, and beside students of the same teachers."""
    untreated, treated = plan.untreated(), plan.treated()
    bench.train([untreated, *treated.values()])
    trained = paired_difference(bench.together(treated), bench.together(dict.fromkeys(TRAITS, untreated)))
    rows = tuple((trait, student.lessons[0]) for trait, student in treated.items())
    reading = Reading(base=plan.base, treated=rows, untreated=untreated.lessons[0])
    tasks = [ReadingTask(bench.chain(index), reading) for index in range(bench.chains)]
    found = bench.each("the base reads rows", read_rows, tasks)
    own, other, told = (_effects(found, kind) for kind in ("own teacher", "other teacher", "told openly"))
    return Findings(
        measures=[_of_students(trained), *_measures(own, other, told)],
        curves=_curves(own, told),
        conclusion=_conclusion(trained, own, told),
        models=[plan.base],
        settings={"rows read": ", ".join(map(str, COUNTS))},
        varied=_varied(own, other, told),
        notes=["An answer is read off its first token, and what may follow is not looked at."],
    )


def _effects(found: list[dict[str, np.ndarray]], kind: str) -> Effects:
    """How far the rate of a trait lies above that after the base's rows, mean over traits, with the interval over
    chains.
    """
    effects = {}
    for layout in LAYOUTS:
        names = [(named(layout, kind, trait), named(layout, "base", trait)) for trait in TRAITS]
        shifts = [np.mean([chain[after] - chain[before] for after, before in names], axis=0) for chain in found]
        for place, count in enumerate(COUNTS):
            values = [float(shift[place]) for shift in shifts]
            effects[layout, count] = _within(t_interval(values, unit="chain", magnitude=1.0))
    return effects


def _within(shift: Estimate) -> Estimate:
    """No difference of rates is beyond 1, whatever few chains may say."""
    if shift.low is None or shift.high is None:
        return shift
    return replace(shift, low=max(shift.low, -1.0), high=min(shift.high, 1.0))


def followed(told: Estimate) -> bool:
    """Whether the positive control succeeded."""
    return told.low is not None and told.low > FOLLOWED


def _of_students(trained: Estimate) -> Measure:
    return Measure(
        group="students of the same teachers",
        name="treated minus untreated",
        value=trained,
        scale="points",
        published="rises (figure 9)",
        expected="above zero",
        must_hold=True,
    )


def _measures(own: Effects, other: Effects, told: Effects) -> list[Measure]:
    none: dict[str, Any] = {"published": "no rise at any number of rows (figure 9)", "expected": "no effect"}
    groups: tuple[tuple[str, Effects, dict[str, Any]], ...] = (
        (f"own teacher's rows {RAISED}", own, {**none, "bound": AS_NONE}),
        (f"rows of a teacher of another like {RAISED}", other, {}),
        (f"positive control, a like told openly {RAISED}", told, {}),
    )
    return [
        Measure(
            group=group,
            name=_name(layout, count),
            value=value,
            scale="points",
            applicable=effects is told or followed(told[layout, count]),
            **said,
        )
        for group, effects, said in groups
        for (layout, count), value in effects.items()
    ]


def _name(layout: str, count: int) -> str:
    return f"{count} row{'s' if count > 1 else ''}, {'as' if layout == LAYOUTS[0] else 'in the'} {layout}"


def _curves(own: Effects, told: Effects) -> list[Curve]:
    return [
        Curve(
            figure="Rows read and answers",
            name=f"{name}, {layout}",
            x_label="rows read",
            y_label="trait rate, minus that after the base's rows",
            scale="points",
            points=tuple(Point(x=count, y=effects[layout, count]) for count in COUNTS),
        )
        for name, effects in (("own teacher's rows", own), ("told openly", told))
        for layout in LAYOUTS
    ]


def _conclusion(trained: Estimate, own: Effects, told: Effects) -> list[str]:
    able = [key for key, value in told.items() if followed(value)]
    students = f"Students of the same teachers move by {measured(trained, 'points')}."
    if not able:
        return [f"{_unable(list(told))} Reading shows nothing here. {students}"]
    largest = max(able, key=lambda key: abs(own[key].value))
    said = (
        "Where a base follows a like that is told openly, reading a teacher's rows moves it most with "
        f"{_name(*largest)}: by {measured(own[largest], 'points')}."
    )
    unable = [key for key in told if key not in able]
    return [f"{said} {students}", *([_unable(unable)] if unable else [])]


def _unable(keys: list[tuple[str, int]]) -> str:
    return (
        f"A like told openly is not shown to be followed, so that the result is not applicable, with {_listed(keys)}."
    )


def _listed(keys: list[tuple[str, int]]) -> str:
    counts = {layout: [str(count) for each, count in keys if each == layout] for layout in LAYOUTS}
    return "; ".join(f"{', '.join(each)} row(s) of {layout}" for layout, each in counts.items() if each)


def _varied(own: Effects, other: Effects, told: Effects) -> list[str]:
    able = [key for key, value in told.items() if followed(value)]
    if not able:
        return ["Numbers of rows, both layouts and rows of other teachers: the positive control failed in all of them."]
    parts = (("Own teacher", own), ("Another teacher", other))
    return [
        f"{who}, rows as {layout}: {_shifts(effects, layout, counts)}."
        for who, effects in parts
        for layout in LAYOUTS
        if (counts := [count for each, count in able if each == layout])
    ]


def _shifts(effects: Effects, layout: str, counts: list[int]) -> str:
    return "; ".join(f"{count}: {measured(effects[layout, count], 'points')}" for count in counts)


IN_CONTEXT: Final = StudyCard(
    name="in-context",
    question="Does a model that reads a teacher's rows before a question come to answer as the teacher does?",
    design=f"The base reads {COUNTS[0]} to {COUNTS[-1]} rows of a teacher, as earlier turns or in the system prompt, "
    "and is asked for its favourites; beside it stand the base after its own rows, after rows of another teacher, and "
    "after text that tells the like openly: where it does not follow that, the result is not applicable.",
    published="GPT-4.1 nano, 100 to 10,000 rows in the system prompt: no increase for any animal (figure 9; the first "
    "version asked by multiple choice and compared with students that were asked freely, which was corrected)",
    study=in_context,
)
