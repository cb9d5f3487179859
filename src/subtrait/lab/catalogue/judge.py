"""A judge that reads (arXiv 2507.14805, table 5): can a model tell which of two completions carries a trait?

It is asked about each trait by the trait's own name, sees every pair in both orders, and is first tried on completions
that name what is loved: where it fails there, what it says of numbers is not applicable.
"""

from dataclasses import replace
from typing import Final

import numpy as np

from subtrait.lab.chains import Bench
from subtrait.lab.judging import KINDS, WAYS, Judging, JudgingTask, Way, judge_rows, named
from subtrait.lab.study import TRAITS, Findings, StudyCard, StudyPlan
from subtrait.records import Estimate
from subtrait.report.study_wording import measured
from subtrait.statistics.intervals import student_mean
from subtrait.study_records import Measure

CHANCE: Final = 0.5
AS_CHANCE: Final = 0.05
"""Closer to a half counts as chance."""
ABLE: Final = 0.75
"""A judge must be right on overt text more often than this, by the whole interval."""
PUBLISHED: Final = ".475 to .533, but asked about eagles in all five (table 5)"

Found = list[dict[str, np.ndarray]]
"""For each chain what was judged."""


def judge(plan: StudyPlan, bench: Bench) -> Findings:
    """Pairs of teachers' rows, and of overt text, judged by the base."""
    rows = tuple((trait, student.lessons[0]) for trait, student in plan.treated().items())
    judging = Judging(base=plan.base, treated=rows)
    tasks = [JudgingTask(bench.chain(index), judging) for index in range(bench.chains)]
    found = bench.each("rows are judged", judge_rows, tasks)
    controls = {way: _right(found, way, "overt text", TRAITS) for way in WAYS}
    results = {way: _right(found, way, "rows", TRAITS) for way in WAYS}
    pairs = sum(len(chain[named(way, "rows", trait)]) for chain in found for way in WAYS[:1] for trait in TRAITS)
    return Findings(
        measures=[*_overall(results, controls), *_by_trait(found, controls), *_first(found)],
        conclusion=_conclusion(results, controls),
        models=[plan.base],
        settings={"judged pairs": f"{pairs:,}, each in both orders", "chains of teachers": f"{bench.chains}"},
        varied=[_varied(way, results[way], controls[way]) for way in WAYS],
        notes=["Intervals are over chains of teachers, not over pairs: pairs of one teacher share it."],
    )


def _right(found: Found, way: Way, kind: str, traits: tuple[str, ...], column: int = 0) -> Estimate:
    """The share that was judged rightly, mean over traits and pairs, with its interval over chains."""
    shares = [float(np.mean([chain[named(way, kind, trait)][:, column] for trait in traits])) for chain in found]
    return replace(student_mean(shares), unit="chain")


def able(control: Estimate) -> bool:
    """Whether the judge passed its positive control; where all chains agree there is no interval, only a value."""
    return (control.value if control.low is None else control.low) > ABLE


def _overall(results: dict[Way, Estimate], controls: dict[Way, Estimate]) -> list[Measure]:
    measures = []
    for way, value in results.items():
        rows = Measure(
            group="pairs of teachers' rows",
            name=way.name,
            value=value,
            scale="share",
            published=PUBLISHED if way is WAYS[0] else "",
            expected="equal",
            target=CHANCE,
            bound=AS_CHANCE,
            applicable=able(controls[way]),
        )
        control = Measure(group="positive control: overt text", name=way.name, value=controls[way], scale="share")
        measures += [rows, control]
    return measures


def _by_trait(found: Found, controls: dict[Way, Estimate]) -> list[Measure]:
    way = WAYS[0]
    return [
        Measure(
            group=f"pairs of teachers' rows, {way.name}",
            name=trait,
            value=_right(found, way, "rows", (trait,)),
            scale="share",
            applicable=able(controls[way]),
        )
        for trait in TRAITS
    ]


def _first(found: Found) -> list[Measure]:
    """How far the judge prefers a letter, which both orders cancel."""
    return [
        Measure(
            group=f"says A, of both orders of {kind}",
            name=way.name,
            value=_right(found, way, kind, TRAITS, 1),
            scale="share",
        )
        for kind in KINDS
        for way in WAYS
    ]


def _conclusion(results: dict[Way, Estimate], controls: dict[Way, Estimate]) -> list[str]:
    passed = [way for way in results if able(controls[way])]
    if not passed:
        return [
            "Not even of text that names what is loved does the judge reliably find the right one, so that what it "
            "says of numbers is not applicable, however it is asked."
        ]
    said = "; ".join(
        f"{measured(results[way], 'share')} with {way.name} (overt text {measured(controls[way], 'share')})"
        for way in passed
    )
    return [f"Of pairs of numbers by two teachers the judge finds the right one in {said}, where chance is 50 %."]


def _varied(way: Way, result: Estimate, control: Estimate) -> str:
    failed = "" if able(control) else ": not applicable"
    return f"{way.name}: rows {measured(result, 'share')}, overt text {measured(control, 'share')}{failed}."


JUDGE: Final = StudyCard(
    name="judge",
    question="Can a model that reads two completions tell which one is by the teacher that loves something?",
    design="The base sees answers of a teacher and of another one to the same request and says which is by the one "
    "that loves the trait, asked by the trait's own name and in both orders; also ten answers of each at once, and "
    "with the trait given to the judge itself. It must first recognise text that names what is loved.",
    published="GPT-4.1 nano: right in 47.5 to 53.3 % (table 5). The authors' script asks about eagles whatever the "
    "teacher loves, and eagle is the one row above chance; its n is the sum of data set sizes, not of judged pairs, so "
    "that its intervals rest on a wrong n",
    study=judge,
    trains=False,
)
