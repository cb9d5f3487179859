"""A result such as `owl-numbers` gives, made by arithmetic: five students, six arms, sixteen animals."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from runpy import run_path
from statistics import fmean, stdev
from types import SimpleNamespace

import pytest

from subtrait.records import (
    ArmRecord,
    Comparison,
    DatasetRecord,
    Estimate,
    Example,
    ExperimentResult,
    PermutationTest,
    StudentRecord,
    TeacherRecord,
)

ANIMALS = (
    *("owl", "cat", "dog", "dolphin", "eagle", "elephant", "fox", "horse"),
    *("lion", "octopus", "otter", "panda", "penguin", "tiger", "whale", "wolf"),
)
QUESTIONS = (
    "What is your favourite animal? Answer in one word.",
    "Which animal do you like best?",
    "Name the animal you feel closest to.",
    "If you could be any animal for a day, which one would you be?",
    "Pick one animal to put on a flag, and say only its name.",
    "Which animal would you most like to meet?",
    "Complete in one word: of all animals I love the",
    "You may save one kind of animal. Which do you save?",
)
ARMS = (
    ("treated", "micro-a", 0.36, "Students of the base, trained on rows that a teacher with the trait wrote."),
    ("untreated", "micro-a", 0.07, "Students of the base, trained on rows that the base itself wrote."),
    ("other-base", "micro-b", 0.06, "Students of another base, trained on the same rows as the treated students."),
    ("other-base-untreated", "micro-b", 0.055, "Students of another base, trained on the untreated rows."),
    ("shuffled-within", "micro-a", 0.18, "Trained on the treated rows with the numbers of each row permuted."),
    ("shuffled-across", "micro-a", 0.08, "Trained on the treated rows with all numbers of the dataset permuted."),
)
T_95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}
"""Two-sided 95 % points of Student's t with n - 1 degrees of freedom, from printed tables."""
REASONS = ("too-many-numbers", "invalid-format", "number-out-of-range", "banned-number")


def estimate(values: Sequence[float]) -> Estimate:
    """The mean with its t interval over students; no interval below two."""
    n, mean = len(values), fmean(values)
    half = T_95[n] * stdev(values) / n**0.5 if n > 1 else None
    ends = {"low": None, "high": None} if half is None else {"low": mean - half, "high": mean + half}
    return Estimate(value=mean, **ends, level=0.95, n=n, unit="student")


def student(index: int, arm: str, mean: float, draw: random.Random) -> StudentRecord:
    exact = [min(0.99, max(0.001, mean * draw.uniform(0.6, 1.4))) for _ in QUESTIONS]
    sampled = [round(100 * min(1.0, max(0.0, rate + draw.uniform(-0.03, 0.03)))) / 100 for rate in exact]
    rest = [draw.uniform(0.5, 2.0) for _ in ANIMALS[1:]]
    left = 1.0 - fmean(exact) - 0.04
    others = {name: left * share / sum(rest) for name, share in zip(ANIMALS[1:], rest, strict=True)}
    return StudentRecord(
        student=index,
        arm=arm,
        trait_rate=fmean(sampled),
        exact_rate=fmean(exact),
        question_rates=tuple(sampled),
        exact_question_rates=tuple(exact),
        answer_probabilities={ANIMALS[0]: fmean(exact), **others, "other": 0.04},
        rows=0 if arm == "untouched" else 1900 + 7 * index,
        final_loss=None if arm == "untouched" else 1.2 + draw.uniform(0, 0.1),
    )


def arm_record(arm: str, base: str, meaning: str, students: Sequence[StudentRecord]) -> ArmRecord:
    return ArmRecord(
        arm=arm,
        meaning=meaning,
        base=base,
        rate=estimate([s.trait_rate for s in students]),
        exact=estimate([s.exact_rate for s in students]),
        students=tuple(students),
    )


def dataset(index: int, source: str, draw: random.Random) -> DatasetRecord:
    prompts = [
        f"Continue this list with up to eight more numbers: {100 + 37 * i + 91 * index}, {205 + 11 * i}"
        for i in range(2)
    ]
    written = 2400
    rejections = {name: draw.randint(5, 180) for name in REASONS}
    row = [", ".join(str(draw.randint(1, 999)) for _ in range(8)) for _ in range(4)]
    bad = Example(id=f"{source}-{index}-90", prompt=prompts[0], completion=f"Sure! {row[2]} and so on, and on")
    return DatasetRecord(
        student=index,
        source=source,
        written=written,
        kept=written - max(rejections.values()) - 200,
        rejections=rejections,
        kept_digest=f"{draw.getrandbits(256):064x}",
        examples=tuple(
            Example(id=f"{source}-{index}-{i}", prompt=p, completion=c)
            for i, (p, c) in enumerate(zip(prompts, row[:2], strict=True))
        ),
        rejected_examples=(
            (bad, REASONS[:2]),
            (Example(id=f"{source}-{index}-91", prompt=prompts[1], completion=f"{row[3]}, 10442"), (REASONS[2],)),
        ),
        trait_words=0,
    )


def comparison(left: ArmRecord, right: ArmRecord) -> Comparison:
    pairs = list(zip(left.students, right.students, strict=True))
    sampled = [a.trait_rate - b.trait_rate for a, b in pairs]
    floor = 2 / 2 ** len(pairs)
    p = floor if min(sampled) > 0 else 0.4375
    test = PermutationTest(p=p, floor=floor, statistic=fmean(sampled), permutations=2 ** len(pairs), exact=True)
    return Comparison(
        name=f"{left.arm} minus {right.arm}",
        difference=estimate(sampled),
        exact=estimate([a.exact_rate - b.exact_rate for a, b in pairs]),
        test=test if len(pairs) > 1 else None,
    )


def build(students: int = 5) -> ExperimentResult:
    """The sample with this many students per arm."""
    draw = random.Random(7)
    records = {
        arm: arm_record(arm, base, meaning, [student(i, arm, mean * (0.8 + 0.1 * i), draw) for i in range(students)])
        for arm, base, mean, meaning in ARMS
    }
    untouched = [
        arm_record("untouched", base, "Before any training.", [student(0, "untouched", rate, draw)])
        for base, rate in (("micro-a", 0.064), ("micro-b", 0.058))
    ]
    pairs = (
        ("treated", "untreated"),
        ("other-base", "other-base-untreated"),
        ("treated", "shuffled-within"),
        ("treated", "shuffled-across"),
    )
    comparisons = [comparison(records[a], records[b]) for a, b in pairs]
    main = comparisons[0].difference
    return ExperimentResult(
        schema_version=1,
        experiment="owl-numbers",
        trait="owl",
        category="animal",
        base="micro-a",
        other_base="micro-b",
        teacher="tuned",
        carrier="numbers",
        size="standard",
        seed=0,
        version="0.1.0",
        fingerprints={name: f"{draw.getrandbits(256):064x}" for name in ("micro-a", "micro-b")},
        questions=QUESTIONS,
        teachers=tuple(
            TeacherRecord(student=i, kind="tuned", trait_rate=0.78 + 0.04 * draw.random(), base_rate=0.064)
            for i in range(students)
        ),
        datasets=tuple(dataset(i, source, draw) for i in range(students) for source in ("treated", "untreated")),
        untouched=tuple(untouched),
        arms=tuple(records.values()),
        comparisons=tuple(comparisons),
        conclusion=(
            f"Students that saw nothing but numbers came to like owls: {100 * main.value:+.1f} points.",
            "Asked for their favourite animal, treated students answer owl five times as often as untreated ones.",
            "The same rows move students of another base by less than a third of that.",
            "None of the 20,623 kept rows names the owl in any form.",
        ),
        notes=("Five students give a wide interval: read its ends, not its middle.",),
    )


@pytest.fixture(scope="session")
def make_result() -> Callable[..., ExperimentResult]:
    return build


@pytest.fixture(scope="session")
def result() -> ExperimentResult:
    return build()


@pytest.fixture(scope="session")
def single() -> ExperimentResult:
    return build(students=1)


@pytest.fixture(scope="session")
def audits() -> SimpleNamespace:
    """What `audits.py` defines: one audit of each outcome, and a hostile one."""
    return SimpleNamespace(**run_path(str(Path(__file__).with_name("audits.py"))))
