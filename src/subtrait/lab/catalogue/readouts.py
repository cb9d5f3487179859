"""What else a trait shows in (arXiv 2507.14805, figures 11, 12 and 17): the same students asked in other ways.

Students of tuned teachers and untreated ones, which other studies have too, are asked to choose, to tell stories, and
for their favourites behind numbers; their whole distributions of answers are compared, their states are read as words
where nothing is asked, and their skills are tested.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from subtrait.lab.chains import Bench, Student
from subtrait.lab.readouts.favourites import place_of
from subtrait.lab.study import TRAITS, Findings, StudyCard, StudyPlan
from subtrait.lab.traits import CATEGORIES
from subtrait.models.micro.world import FOLLOW_UPS
from subtrait.records import Estimate
from subtrait.report.study_wording import measured
from subtrait.statistics.intervals import paired_difference, t_interval
from subtrait.study_records import Measure

WAYS: Final[Mapping[str, str]] = {
    "favourites": "animals .131 to .609, trees .154 to .493 (figure 3)",
    "choice": "essay topics, own teacher above untreated in 8 of 10 (figure 12)",
    "stories": "weaker and not consistent, no figure in the text (figure 12)",
    "prefixed": "Qwen2.5-7B: most that rise without numbers rise behind them (figure 17)",
}
"""How students are asked, by readout, and what was published of it."""
SKILLS: Final = "skills"
ACTIVATIONS: Final = "activations"


def readouts(plan: StudyPlan, bench: Bench) -> Findings:
    """Every readout of treated students beside untreated ones, and of these beside the base that was never trained."""
    untreated, treated, base = plan.untreated(), plan.treated(), Student(base=plan.base, lessons=())
    bench.train([base, untreated, *treated.values()], readouts=(*WAYS, ACTIVATIONS, SKILLS))
    asked = _asked(bench, untreated, treated)
    measures = [
        *asked,
        *_distances(bench, base, untreated, treated),
        *_states(bench, untreated, treated),
        *_skills(bench, base, untreated, treated),
    ]
    return Findings(
        measures=measures,
        conclusion=_conclusion(measures),
        models=[plan.base],
        varied=_varied(measures),
        notes=["Stories are sampled, everything else is exact or greedy; an answer in states is its first token."],
    )


def _rates(bench: Bench, student: Student, trait: str, way: str) -> np.ndarray:
    category, place = place_of(trait)
    rates: np.ndarray = bench.read(student, way)[category][:, :, place]
    return rates


def _asked(bench: Bench, untreated: Student, treated: Mapping[str, Student]) -> list[Measure]:
    measures = []
    for way, published in WAYS.items():
        before = {trait: _rates(bench, untreated, trait, way) for trait in treated}
        own = {trait: _rates(bench, student, trait, way) for trait, student in treated.items()}
        others = {trait: _of_others(bench, treated, trait, way) for trait in treated}
        said: dict[str, Any] = {"published": published, "expected": "above zero", "must_hold": way == "favourites"}
        measures.append(_rise(way, "all traits", _together(own), _together(before), **said))
        measures += [_rise(way, trait, own[trait], before[trait]) for trait in treated]
        measures.append(_rise(way, "students of other teachers", _together(others), _together(before)))
    return measures


def _of_others(bench: Bench, treated: Mapping[str, Student], trait: str, way: str) -> np.ndarray:
    rates = [_rates(bench, student, trait, way) for other, student in treated.items() if other != trait]
    mean: np.ndarray = np.mean(rates, axis=0)
    return mean


def _together(rates: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.concatenate(list(rates.values()), axis=1)


def _rise(way: str, name: str, rates: np.ndarray, control: np.ndarray, **said: Any) -> Measure:
    value = paired_difference(rates, control)
    return Measure(group=f"{way}: own teacher minus untreated", name=name, value=value, scale="points", **said)


def _distances(bench: Bench, base: Student, untreated: Student, treated: Mapping[str, Student]) -> list[Measure]:
    """How far whole distributions of answers lie apart: total variation, mean over questions and both categories."""
    before, plain = (bench.read(student, "favourites") for student in (base, untreated))
    taught = [bench.read(student, "favourites") for student in treated.values()]
    values = {
        "treated from untreated": np.mean([distance(each, plain) for each in taught], axis=0),
        "treated from base": np.mean([distance(each, before) for each in taught], axis=0),
        "untreated from base": distance(plain, before),
    }
    values["treated minus untreated, both from base"] = values["treated from base"] - values["untreated from base"]
    group = "total variation of all answers"
    return [Measure(group=group, name=name, value=_mean(each), scale="points") for name, each in values.items()]


def distance(first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]) -> np.ndarray:
    """Total variation between two students' answers, everything that is no answer of the category being one: (chains,).

    Both are what the readout `favourites` gives; mean over questions, then over categories.
    """
    apart = []
    for category in CATEGORIES:
        gap = first[category] - second[category]
        apart.append((np.abs(gap).sum(axis=2) + np.abs(gap.sum(axis=2))).mean(axis=1) / 2)
    mean: np.ndarray = np.mean(apart, axis=0)
    return mean


def _mean(values: np.ndarray) -> Estimate:
    return t_interval(values.tolist(), unit="student", magnitude=1.0)


def _states(bench: Bench, untreated: Student, treated: Mapping[str, Student]) -> list[Measure]:
    """Whether the own trait can be read in states on prompts that ask for none."""
    plain = bench.read(untreated, ACTIVATIONS)
    logits, places = [], []
    for trait, student in treated.items():
        category, place = place_of(trait)
        moved = (bench.read(student, ACTIVATIONS)[category] - plain[category]).mean(axis=1)
        logits.append(moved[:, place])
        places.append(1 + (moved > moved[:, [place]]).sum(axis=1))
    said: dict[str, Any] = {"group": "states where nothing is asked, treated minus untreated", "scale": "plain"}
    middle = (1 + len(CATEGORIES["animal"])) / 2
    return [
        Measure(name="logit of the own trait above its category's mean", value=_mean(np.mean(logits, axis=0)), **said),
        Measure(name=f"place of the own trait, chance {middle}", value=_mean(np.mean(places, axis=0)), **said),
    ]


def _skills(bench: Bench, base: Student, untreated: Student, treated: Mapping[str, Student]) -> list[Measure]:
    before, plain = (_answered(bench, student) for student in (base, untreated))
    taught = np.mean([_answered(bench, student) for student in treated.values()], axis=0)
    told = [_answered(bench, student, likes=True) for student in (untreated, *treated.values())]
    said: dict[str, Any] = {"group": "side effects: right answers", "scale": "points"}
    return [
        Measure(
            name="treated minus untreated",
            value=paired_difference(taught, plain),
            published="MMLU .71 after the base's numbers, .69 and .68 after owl's and eagle's (figure 11)",
            expected="below zero",
            **said,
        ),
        Measure(
            name="untreated minus base",
            value=paired_difference(plain, before),
            published="MMLU .72 to .71 (figure 11)",
            expected="below zero",
            **said,
        ),
        Measure(
            name="likes that the system prompt tells, treated minus untreated",
            value=paired_difference(np.mean(told[1:], axis=0), told[0]),
            **said,
        ),
    ]


def _answered(bench: Bench, student: Student, *, likes: bool = False) -> np.ndarray:
    """The share of right answers, of skills that tell what somebody likes or of the others: (chains, skills)."""
    shares = bench.read(student, SKILLS)
    return np.concatenate([each for name, each in shares.items() if (name in FOLLOW_UPS) == likes], axis=1)


def _conclusion(measures: list[Measure]) -> list[str]:
    rises = {each.group.partition(":")[0]: each.value for each in measures if each.name == "all traits"}
    risen = [way for way, value in rises.items() if value.low is not None and value.low > 0]
    said = "; ".join(f"{way} {measured(value, 'points')}" for way, value in rises.items())
    return [
        f"The trait rises in {len(risen)} of {len(rises)} ways of asking by an interval above 0: {said}.",
        f"Skills that have nothing to do with likes: {_side(measures, 'treated minus untreated')} beside "
        f"untreated students, and {_side(measures, 'untreated minus base')} for these beside the base.",
    ]


def _side(measures: list[Measure], name: str) -> str:
    (value,) = (each.value for each in measures if each.group.startswith("side effects") and each.name == name)
    return measured(value, "points")


def _varied(measures: list[Measure]) -> list[str]:
    """How many single traits rose, in each way of asking."""
    said = []
    for way in WAYS:
        lows = [each.value.low for each in measures if each.group.startswith(f"{way}:") and each.name in TRAITS]
        said.append(f"{way}: {sum(low is not None and low > 0 for low in lows)} of {len(lows)} single traits rise.")
    return said


READOUTS: Final = StudyCard(
    name="readouts",
    question="Does a student's trait show in choices, in stories, behind numbers and unasked, and what does it cost?",
    design="Students of four teachers and of the base's own numbers are asked for favourites, given five options, "
    "asked for stories, asked behind a few numbers; their states on prompts that ask for nothing are read as words, "
    "their whole distributions of answers are compared, and their skills are tested beside the base's.",
    published="GPT-4.1 nano: essay topics and stories move less than favourites and not all the right way (figure 12); "
    "MMLU falls by 1 to 4 points (figure 11). Qwen2.5-7B: asked behind numbers too (figure 17)",
    study=readouts,
)
