"""The paper's lemma and theorem, checked numerically (arXiv 2507.14805, section 6), and where they stop holding.

Random networks, data and losses in float64; a trial is the unit of replication. `lab/theorem/` has the checks.
"""

from collections.abc import Iterator
from typing import Final

from subtrait.lab.chains import Bench
from subtrait.lab.study import Findings, StudyCard, StudyPlan
from subtrait.lab.theorem.checks import TOLERANCE
from subtrait.lab.theorem.foreign import StartCheck
from subtrait.lab.theorem.limits import Limit
from subtrait.lab.theorem.verification import Verification, verify
from subtrait.records import Estimate
from subtrait.report.study_wording import measured
from subtrait.study_records import Curve, Measure, Point

TRIALS: Final = {"tiny": (12, 4), "small": (200, 60), "full": (1_000, 200)}
"""For each size: trials, and trials of many steps."""
ALL: Final = 0.1
"""How far below 1 the interval of a share may reach that is 1 in every trial: 200 trials reach down to .98."""


def theorem(plan: StudyPlan, bench: Bench) -> Findings:  # noqa: ARG001 - no student is trained
    """Lemma, theorem, students of another start, and limits."""
    trials, long_trials = TRIALS[plan.size]
    found = verify(plan.seed, trials=trials, long_trials=long_trials)
    return Findings(
        measures=[*_holds(found), *(measure for start in found.starts for measure in _start(start))],
        curves=[curve for limit in found.limits for curve in _limit(limit)],
        conclusion=_conclusion(found),
        settings={"trials": f"{trials}", "trials of many steps": f"{long_trials}"},
        notes=["Curves of one figure share their trials, so their intervals hold point by point, not all at once."],
    )


def _holds(found: Verification) -> Iterator[Measure]:
    lemma, slope = found.lemma, found.theorem.slope
    yield _in_all("lemma", "trials with a positive cosine of the two updates", lemma.positive, "all (Lemma 1)")
    yield _in_all("theorem", "trials whose teacher's loss falls at every step size", found.theorem.decreased, "all")
    yield _in_all("theorem", f"trials whose slope is 1 ± {TOLERANCE}", found.theorem.within, "all")
    if slope is not None:
        yield Measure(
            group="theorem: slope of the fall of the teacher's loss in its step, on a log-log plot",
            name="mean over trials",
            value=slope,
            scale="plain",
            published="1, as the proof gives it (Theorem 1)",
            expected="equal",
            target=1.0,
            bound=TOLERANCE,
            must_hold=True,
        )


def _in_all(group: str, name: str, value: Estimate, published: str) -> Measure:
    return Measure(
        group=group,
        name=name,
        value=value,
        scale="share",
        published=published,
        expected="equal",
        target=1.0,
        bound=ALL,
        must_hold=True,
    )


def _start(start: StartCheck) -> Iterator[Measure]:
    """What a teacher's training changes for a student: the size of it, and whether it has a direction."""
    who = f"{start.start} start, {start.imitated} outputs imitated"
    yield Measure(group="slope of what the teacher's training changes", name=who, value=start.slope, scale="plain")
    foreign = start.start == "other" and start.imitated == "auxiliary"
    yield Measure(
        group="mean cosine of that change with the teacher's own step",
        name=who,
        value=start.along_teacher.mean,
        scale="plain",
        published="none: no common start, no transmission" if foreign else "",
        expected="no effect" if foreign else "above zero" if start.start == "same" else "nothing",
        bound=0.05 if foreign else None,
        must_hold=start.imitated == "auxiliary",
    )


def _limit(limit: Limit) -> Iterator[Curve]:
    for curve in (limit.positive, limit.fell):
        yield Curve(
            figure=limit.name,
            name=curve.measured,
            x_label=curve.setting,
            y_label="share of trials",
            scale="share",
            points=tuple(Point(x=x, y=y) for x, y in zip(curve.x, curve.estimates, strict=True)),
        )


def _conclusion(found: Verification) -> list[str]:
    lemma, slope = found.lemma, found.theorem.slope
    cosines = f"the smallest of {len(lemma.cosines)} cosines is {lemma.smallest:.3f}, the median {lemma.median:.3f}"
    said = [f"A student's step towards a teacher of the same start points the teacher's way in every trial: {cosines}."]
    if lemma.positive.value < 1:
        said = [f"A student's step pointed away from the teacher's in some trials: {cosines}."]
    if slope is not None:
        said.append(
            f"The teacher's loss falls with its step by a power of {measured(slope, 'plain')}, mean over trials."
        )
    return [*said, *(_stops(limit) for limit in found.limits if limit.fell.first_below() is not None)]


def _stops(limit: Limit) -> str:
    where = limit.fell.first_below()
    return (
        f"Not covered, {limit.name}: the teacher's loss surely falls in fewer than 95 % of trials, first at {where:g} "
        f"({limit.fell.setting})."
    )


THEOREM: Final = StudyCard(
    name="theorem",
    question="Does one step of imitating a teacher move a student of the same start its way, whatever the data?",
    design="Random networks in float64: a teacher takes a small step on a loss, a student one step on imitating it on "
    "other inputs. Then many steps, sampled labels, Adam and large steps, which the theorem does not cover.",
    published="Lemma 1 and Theorem 1 (arXiv 2507.14805): yes to leading order; nothing was checked numerically",
    study=theorem,
    trains=False,
)
