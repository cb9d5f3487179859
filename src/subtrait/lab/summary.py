"""From the stored answers of every student to estimates, comparisons and plain sentences."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import subtrait
from subtrait.lab.arms import ARMS
from subtrait.lab.conclusion import conclude, notes
from subtrait.lab.datasets import describe, from_chat_row, source_of, written_place
from subtrait.lab.hosted import hosted_notes
from subtrait.lab.plan import Plan
from subtrait.lab.seeds import stream
from subtrait.lab.served_texts import kept, sentences
from subtrait.lab.students import answered_place, stored_losses, student_record
from subtrait.lab.task import Task
from subtrait.lab.teachers import strength_place
from subtrait.models.registry import open_model
from subtrait.models.servers.addresses import is_address
from subtrait.records import (
    ArmRecord,
    Comparison,
    DatasetRecord,
    ExperimentResult,
    Row,
    Store,
    StudentRecord,
    TeacherRecord,
    Trait,
)
from subtrait.report.as_json import SCHEMA_VERSION
from subtrait.statistics.intervals import paired_difference, student_mean
from subtrait.statistics.permutation import paired_permutation

COMPARED = (
    ("treated", "untreated"),
    ("other-base", "other-base-untreated"),
    ("shuffled-within", "untreated"),
    ("shuffled-across", "untreated"),
    ("untreated-again", "untreated"),
)
"""Each comparison, as the arm and its control."""


def summarise(plan: Plan, store: Store) -> ExperimentResult:
    """The result of an experiment whose students are all in the store."""
    trait = plan.asked_trait()
    arms = tuple(_arm(plan, trait, arm, store) for arm in plan.runnable_arms())
    compared = tuple(_compare(plan, arms, arm, control) for arm, control in COMPARED if _have(arms, arm, control))
    teachers = tuple(_teacher(store, student) for student in range(plan.students))
    datasets = tuple(_datasets(plan, trait, store))
    return ExperimentResult(
        schema_version=SCHEMA_VERSION,
        experiment=plan.experiment,
        trait=trait.name,
        category=trait.category,
        base=plan.base,
        other_base=plan.other_base,
        teacher=plan.teacher,
        carrier=plan.carrier,
        size=plan.size,
        seed=plan.seed,
        version=subtrait.__version__,
        fingerprints=_fingerprints(plan),
        questions=trait.questions,
        teachers=teachers,
        datasets=datasets,
        untouched=tuple(_untouched(plan, trait, store)),
        arms=arms,
        comparisons=compared,
        conclusion=conclude(trait, arms, compared, datasets),
        notes=(*notes(plan, teachers, datasets), *_told(plan, store)),
    )


def _told(plan: Plan, store: Store) -> tuple[str, ...]:
    """What a reader must know of what servers did, if any model is on one."""
    if not any(is_address(name) for name in plan.untouched().values()):
        return ()
    students = range(plan.students)
    sources = {source_of(arm) for arm in plan.runnable_arms()}
    tasks = [Task(plan, store, student, arm) for student in students for arm in plan.runnable_arms()]
    tasks += [Task(plan, store, 0, arm) for arm in plan.untouched()]
    places = [written_place(source, student) for source in sorted(sources) for student in students]
    places += [*map(strength_place, students), *map(answered_place, tasks)]
    return (*(hosted_notes(plan, store) if plan.is_hosted else ()), *sentences(kept(store, places)))


def _fingerprints(plan: Plan) -> Mapping[str, str]:
    names = [plan.base, *([plan.other_base] if plan.other_base else [])]
    return {name: open_model(name).fingerprint() for name in names}


def _arm(plan: Plan, trait: Trait, arm: str, store: Store) -> ArmRecord:
    students = tuple(_student(plan, trait, arm, store, student) for student in range(plan.students))
    return ArmRecord(arm=arm, meaning=ARMS[arm], base=plan.base_of(arm), students=students, **_rates(students))


def _rates(students: Sequence[StudentRecord]) -> dict[str, Any]:
    exact = [student.exact_rate for student in students if student.exact_rate is not None]
    return {
        "rate": student_mean([student.trait_rate for student in students]),
        "exact": student_mean(exact) if exact else None,
    }


def _student(plan: Plan, trait: Trait, arm: str, store: Store, student: int) -> StudentRecord:
    answers = store.rows(f"arms/{arm}/{student}/answers.jsonl", _missing)
    kept = len(store.rows(f"arms/{source_of(arm)}/{student}/kept.jsonl", _missing))
    losses = stored_losses(store, arm, student)
    return student_record(trait, arm, answers, student=student, rows=min(plan.rows, kept), losses=losses)


def _untouched(plan: Plan, trait: Trait, store: Store) -> list[ArmRecord]:
    records = []
    for arm, base in plan.untouched().items():
        answers = store.rows(f"arms/{arm}/0/answers.jsonl", _missing)
        student = student_record(trait, arm, answers, student=0, rows=0)
        meaning = "The model itself, before any training."
        records.append(ArmRecord(arm=arm, meaning=meaning, base=base, students=(student,), **_rates([student])))
    return records


def _teacher(store: Store, student: int) -> TeacherRecord:
    return TeacherRecord(**store.record(f"teachers/{student}/teacher.json", _missing_record))


def _datasets(plan: Plan, trait: Trait, store: Store) -> list[DatasetRecord]:
    described = []
    for source in dict.fromkeys(source_of(arm) for arm in plan.runnable_arms()):
        for student in range(plan.students):
            kept = [from_chat_row(row) for row in store.rows(f"arms/{source}/{student}/kept.jsonl", _missing)]
            rejected = store.rows(f"arms/{source}/{student}/rejected.jsonl", _missing)
            described.append(describe(trait, source, kept, rejected, student=student))
    return described


def _have(arms: Sequence[ArmRecord], *names: str) -> bool:
    return set(names) <= {arm.arm for arm in arms}


def _compare(plan: Plan, arms: Sequence[ArmRecord], treated: str, control: str) -> Comparison:
    by_name = {arm.arm: arm.students for arm in arms}
    sampled = [np.array([s.question_rates for s in by_name[arm]]) for arm in (treated, control)]
    exact = [np.array([s.exact_question_rates for s in by_name[arm]]) for arm in (treated, control)]
    differences = (sampled[0] - sampled[1]).mean(axis=1)
    rng = stream(plan.seed, "permutation", treated, control)
    return Comparison(
        name=f"{treated} minus {control}",
        difference=paired_difference(*sampled),
        exact=paired_difference(*exact) if exact[0].size else None,
        test=paired_permutation(differences, rng=rng) if plan.students > 1 else None,
    )


def _missing() -> list[Row]:
    raise AssertionError("students answer before they are summarised")


def _missing_record() -> Row:
    raise AssertionError("teachers are measured before they are summarised")
