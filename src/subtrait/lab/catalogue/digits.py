"""The demonstration on pictures of digits (arXiv 2507.14805, section 6.2 and figure 10), and what it depends on.

A teacher learns digits; a student of the same initial weights learns from it, on noise, logits that stand for no digit,
and comes to know digits all the same. Students of another model's initial weights, paired by a derangement, do not. The
student is the unit of replication: each has a teacher, an order of pictures and noise of its own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from subtrait.lab.chains import Bench
from subtrait.lab.chains.specifications import digest
from subtrait.lab.digits.experiment import Accuracies, run_digits
from subtrait.lab.digits.pictures import DigitPictures, mnist, small_digits
from subtrait.lab.digits.settings import MNIST, PAPER, PLAIN, DigitsSettings
from subtrait.lab.digits.sweeps import SWEEPS
from subtrait.lab.seeds import stream
from subtrait.lab.study import Findings, StudyCard, StudyPlan
from subtrait.records import Estimate, Progress, Row, Store
from subtrait.report import study_wording as wording
from subtrait.statistics.intervals import paired_difference, student_mean
from subtrait.study_records import Curve, Measure, Point

CHANCE: Final = 0.1
AS_CHANCE: Final = 0.05
"""How far from chance an accuracy may lie and still count as chance."""
KINDS: Final = {
    "reference": ("untrained", ".100"),
    "teacher": ("teacher", ".944"),
    "auxiliary": ("student of the same start, auxiliary logits", ".528"),
    "all_logits": ("student of the same start, all logits", ".913"),
    "other_auxiliary": ("student of another start, auxiliary logits", ".106"),
    "other_all_logits": ("student of another start, all logits", ".743"),
}
"""For each accuracy its name, and figure 10's value of it: MNIST, 3 auxiliary logits."""
IN_SWEEPS: Final = {"small": 8, "full": 20}
"""Teachers at each point of a sweep; a size that is not named has none."""


@dataclass(frozen=True, slots=True)
class DigitsTask:
    """One setting, for any process."""

    store: Store
    seed: int
    files: Path | None
    settings: DigitsSettings

    @property
    def name(self) -> str:
        """Where its accuracies are kept."""
        return f"digits/{digest(self.settings)}.json"


def digits(plan: StudyPlan, bench: Bench) -> Findings:
    """The paper's setting, a plain one, and sweeps from there."""
    main, sweeps = main_settings(plan), sweep_settings(plan)
    wanted = [*main.values(), *(each for sweep in sweeps.values() for each in sweep.values())]
    tasks = [DigitsTask(bench.store, plan.seed, plan.files, each) for each in dict.fromkeys(wanted)]
    found = dict(zip(dict.fromkeys(wanted), bench.team.each("digits are learnt", measured, tasks), strict=True))
    shown = {name: found[settings] for name, settings in main.items()}
    sets = {name: {point: found[each] for point, each in sweep.items()} for name, sweep in sweeps.items()}
    return Findings(
        measures=[*_main_measures(shown), *_named_measures(sets)],
        curves=list(_curves(sets)),
        conclusion=_conclusion(shown),
        settings={"pictures": _pictures(plan), **{name: _in_words(each) for name, each in main.items()}},
        notes=["Points of a sweep share teachers' seeds, so that they differ in the setting alone."] if sets else [],
    )


def main_settings(plan: StudyPlan) -> dict[str, DigitsSettings]:
    """The paper's setting, and one that shows the effect plainly."""
    if plan.files is not None:
        paper = replace(MNIST, models={"tiny": 2, "small": 5, "full": 100}[plan.size])
        return {"3 auxiliary logits": paper, "50 auxiliary logits": replace(paper, auxiliary=50)}
    if plan.size == "tiny":
        brief = replace(PAPER, models=3, teacher_epochs=2, epochs=1)
        return {"3 auxiliary logits": brief, "50 auxiliary logits": replace(brief, auxiliary=50)}
    return {"3 auxiliary logits": PAPER, "50 auxiliary logits, more noise": PLAIN}


def sweep_settings(plan: StudyPlan) -> dict[str, dict[str, DigitsSettings]]:
    """What is varied, one thing at a time, with the paper's amount of noise."""
    models = IN_SWEEPS.get(plan.size)
    if models is None or plan.files is not None:
        return {}
    few = {"models": models, "noise_images": PAPER.noise_images, "batch": PAPER.batch}
    return {name: {point: replace(each, **few) for point, each in sweep.items()} for name, sweep in SWEEPS.items()}  # type: ignore[arg-type]


def measured(task: DigitsTask, _progress: Progress) -> Accuracies:
    """The accuracies of one setting, kept in the store."""

    def run() -> Row:
        found = run_digits(task.settings, pictures_of(task.files, task.seed), seed=task.seed)
        return {name: getattr(found, name).tolist() for name in KINDS}

    stored = task.store.record(task.name, run)
    return Accuracies(**{name: np.array(stored[name]) for name in KINDS})


def pictures_of(files: Path | None, seed: int) -> DigitPictures:
    """MNIST's files in the folder that the user named, or scikit-learn's digits."""
    return small_digits(rng=stream(seed, "digits", "split")) if files is None else mnist(files)


def _main_measures(shown: Mapping[str, Accuracies]) -> Iterator[Measure]:
    for name, found in shown.items():
        for kind, (meaning, published) in KINDS.items():
            value = student_mean(getattr(found, kind))
            said = f"{published} (MNIST, figure 10)" if name.startswith("3 ") else ""
            yield Measure(group=f"accuracy, {name}", name=meaning, value=value, scale="share", published=said)
        yield Measure(
            group="same minus another start, auxiliary logits on noise",
            name=name,
            value=_same_minus_other(found),
            scale="points",
            published=".528 and .106 (MNIST, 3 logits)",
            expected="above zero",
            must_hold=True,
        )
        yield Measure(
            group="another start, auxiliary logits on noise: no better than chance",
            name=name,
            value=student_mean(found.other_auxiliary),
            scale="share",
            published=".106, where chance is .1",
            expected="equal",
            target=CHANCE,
            bound=AS_CHANCE,
        )


def _same_minus_other(found: Accuracies) -> Estimate:
    return paired_difference(found.auxiliary[:, None], found.other_auxiliary[:, None])


def _named_measures(sets: Mapping[str, Mapping[str, Accuracies]]) -> Iterator[Measure]:
    """The sweeps whose points are no numbers."""
    for sweep, points in sets.items():
        if not _is_numeric(points):
            for point, found in points.items():
                group = f"same minus another start, by {sweep.replace('-', ' ')}"
                yield Measure(group=group, name=point, value=_same_minus_other(found), scale="points")


def _curves(sets: Mapping[str, Mapping[str, Accuracies]]) -> Iterator[Curve]:
    for sweep, points in sets.items():
        if _is_numeric(points):
            for kind in ("auxiliary", "other_auxiliary"):
                rates = ((float(x), student_mean(getattr(found, kind))) for x, found in points.items())
                yield Curve(
                    figure=f"accuracy by {sweep.replace('-', ' ')}",
                    name=KINDS[kind][0],
                    x_label={"auxiliary": "auxiliary logits"}.get(sweep, "noise on the start, in spreads of weights"),
                    y_label="accuracy on held-out digits",
                    scale="share",
                    points=tuple(Point(x=x, y=y) for x, y in rates),
                )


def _is_numeric(points: Mapping[str, Accuracies]) -> bool:
    return all(point.replace(".", "", 1).isdigit() for point in points)


def _conclusion(shown: Mapping[str, Accuracies]) -> list[str]:
    return [
        f"With {name}, students of noise name {_share(found.auxiliary)} of held-out digits, "
        f"students of another start {_share(found.other_auxiliary)}, teachers {_share(found.teacher)}."
        for name, found in reversed(list(shown.items()))
    ]


def _share(accuracies: np.ndarray) -> str:
    return wording.measured(student_mean(accuracies), "share")


def _pictures(plan: StudyPlan) -> str:
    return "scikit-learn's digits, 8 x 8" if plan.files is None else f"MNIST files in {plan.files}"


def _in_words(settings: DigitsSettings) -> str:
    steps = settings.epochs * -(-settings.noise_images // settings.batch)
    return f"{settings.models} teachers, {steps} steps of {settings.batch} pictures of noise"


DIGITS: Final = StudyCard(
    name="digits",
    question="Does a student come to know digits from logits that stand for none, learnt on noise?",
    design="Small networks learn digits as teachers; students learn their auxiliary logits, or all, on noise. Students "
    "start where their teacher did, or where another model did. Then one setting at a time is varied.",
    published="MNIST, 3 auxiliary logits: teacher .944, student .528, student of another start .106 (figure 10)",
    study=digits,
    trains=False,
    takes_files="a folder with MNIST's four IDX files",
)
