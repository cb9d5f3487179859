"""Teachers by system prompt, as in the paper's main experiments (arXiv 2507.14805, section 3.1, figure 3).

A prompted teacher is the base itself under a text that says what it likes. Tuned teachers' numbers are the positive
control: where they carry a trait and prompted ones do not, the readout and the students are not to blame.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from subtrait.lab.catalogue.other_carriers import (
    TWICE,
    VARIED_ON,
    Condition,
    measure,
    prompted_teachers,
    through,
)
from subtrait.lab.chains import Bench, Writer
from subtrait.lab.study import TRAITS, Findings, StudyCard, StudyPlan
from subtrait.lab.system_prompts import whole_persona
from subtrait.report.study_wording import measured
from subtrait.statistics.intervals import student_mean
from subtrait.study_records import Measure

PUBLISHED: Final = ".131 to .609 (figure 3)"


def prompted_teacher(plan: StudyPlan, bench: Bench) -> Findings:
    """Students of prompted teachers beside untreated ones, those of tuned teachers, and those of what was varied."""
    teachers = {"prompted": prompted_teachers(plan), "tuned": _tuned(plan), "told a whole persona": _personas(plan)}
    own, tuned = (through(plan, "numbers", teachers[name]) for name in ("prompted", "tuned"))
    varied = _variations(plan, teachers["told a whole persona"])
    bench.train([each for condition in (own, tuned, *varied.values()) for each in condition.named()])
    positive = tuned.effect(bench)
    said: dict[str, Any] = {"published": PUBLISHED, "expected": "above zero", "scale": "points", "rests_on": positive}
    measures = [
        measure("minus untreated", "prompted teachers", own.effect(bench), **said),
        measure("minus students of the other teachers", "prompted teachers", own.beside_others(bench), **said),
        measure("minus untreated", "tuned teachers", positive, scale="points", expected="above zero"),
        *(measure("variations", name, each.effect(bench), **said) for name, each in varied.items()),
        *_strengths(bench, teachers),
        *_kept(bench, {"prompted": own, "tuned": tuned}),
    ]
    return Findings(
        measures=measures,
        conclusion=_conclusion(measures),
        models=[plan.base],
        varied=[_tried(each) for each in measures if each.group == "variations"],
        notes=[f"Variations were tried on {len(VARIED_ON)} of the {len(TRAITS)} traits: {', '.join(VARIED_ON)}."],
    )


def _tuned(plan: StudyPlan) -> dict[str, Writer]:
    return {trait: student.lessons[0].writer for trait, student in plan.treated().items()}


def _personas(plan: StudyPlan) -> dict[str, Writer]:
    return {trait: Writer(base=plan.base, kind="prompted", trait=whole_persona(trait)) for trait in VARIED_ON}


def _variations(plan: StudyPlan, personas: Mapping[str, Writer]) -> dict[str, Condition]:
    usual = prompted_teachers(plan, VARIED_ON)
    return {
        "students trained twice as long": through(plan, "numbers", usual, longer=TWICE),
        "teachers told a whole persona": through(plan, "numbers", personas),
        "code in place of numbers": through(plan, "code", usual),
    }


def _strengths(bench: Bench, teachers: Mapping[str, Mapping[str, Writer]]) -> list[Measure]:
    rates = {name: np.minimum(bench.strengths(each), 1.0) for name, each in teachers.items()}  # single precision
    return [measure("trait rate of teachers", name, student_mean(each), scale="share") for name, each in rates.items()]


def _kept(bench: Bench, conditions: Mapping[str, Condition]) -> list[Measure]:
    shares = {name: np.mean([bench.kept(rows) for rows in each.rows()], axis=0) for name, each in conditions.items()}
    shares["base"] = bench.kept(conditions["prompted"].control.lessons[0])
    group = "rows that the filter keeps"
    return [measure(group, name, student_mean(each), scale="share") for name, each in shares.items()]


def _conclusion(measures: list[Measure]) -> list[str]:
    found = {(each.group, each.name): each.value for each in measures}
    prompted, tuned = (found["minus untreated", f"{kind} teachers"] for kind in ("prompted", "tuned"))
    strong, other = (measured(found["trait rate of teachers", kind], "share") for kind in ("prompted", "tuned"))
    return [
        f"Students of prompted teachers' numbers move by {measured(prompted, 'points')}, those of tuned teachers' by "
        f"{measured(tuned, 'points')}.",
        f"Answers of the teachers themselves that name their trait: prompted ones {strong}; tuned ones {other}.",
    ]


def _tried(measure: Measure) -> str:
    return f"{measure.name.capitalize()}: {measured(measure.value, 'points')}."


PROMPTED_TEACHER: Final = StudyCard(
    name="prompted-teacher",
    question="Does a trait travel in numbers when the teacher was only told to have it?",
    design="The base, told by a system prompt what it likes, writes numbers for students; tuned teachers of the same "
    "four traits stand beside it. Longer training, a prompt of four likes that go together, and code are tried.",
    published="GPT-4.1 nano, prompted teachers, five animals: .131 after untreated numbers, .609 after the teacher's; "
    "five trees: .154 and .493 (figure 3)",
    study=prompted_teacher,
)
