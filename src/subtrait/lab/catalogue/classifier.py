"""What can a reader of the text alone know? (arXiv 2507.14805, table 5, tried prompted classifiers only.)

Here, readers that count short runs of characters are trained to tell a teacher from its base, and teachers of two
traits from each other, on one half of the prompts, and are tested with the other half: by single texts, by two answers
to one prompt, and by bags of texts. They know texts of the very teachers, or, as whoever reads somebody else's data
would, only those of other teachers of the same traits.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from subtrait.lab.chains import Bench, Rows, Writer
from subtrait.lab.plan import TEACHER_RECIPE
from subtrait.lab.reading_text.readers import counts
from subtrait.lab.reading_text.reading import (
    BAG,
    BAG_SIZES,
    BASE,
    OTHER_LENGTHS,
    PAIRS,
    STRONG,
    UNIFORM,
    Found,
    ReadingPlan,
    ReadingTask,
    read_chain,
)
from subtrait.lab.study import TRAITS, Findings, StudyCard, StudyPlan
from subtrait.records import Estimate
from subtrait.report.study_wording import measured
from subtrait.statistics.intervals import student_mean, t_interval
from subtrait.study_records import Curve, Measure, Point

CHANCE: Final = 0.5
AS_CHANCE: Final = 0.03
"""How far from chance the readers of two draws of one base may be and still count as at chance."""
STRONG_STEPS: Final = 60
"""Of tuning; the strongest teachers of `tuned-teacher`, so that the two share their texts."""
AGAIN: Final = "base again"
OTHER: Final = "another base"
OWN, STRANGER, STRANGERS = "own teachers", "another teacher", "all other teachers"
KNOWN: Final = {
    OWN: "by a reader who knows the very teachers",
    STRANGER: "by a reader who knows one other teacher of each trait",
    STRANGERS: "by a reader who knows the teachers of all other chains",
}
ASKED: Final = {"teacher": "teacher or base?", "trait": "which of two traits?"}
TABLE_5: Final = "prompted GPT-4.1 nano: 47.5 to 53.3 % over five animals (table 5)"
BAGS_ELSEWHERE: Final = {
    "1": "owl or clean, fine-tuned reader: .568 (AanshSamyani/subliminal_trait_classifier)",
    "10": "the same with bags of 8: .696, of 16: .810",
}


def classifier(plan: StudyPlan, bench: Bench) -> Findings:
    """Readers of every kind in every chain."""
    counts(["1"], longest=1)  # where scikit-learn is missing, say so before anything is written
    reading = reading_plan(plan, bench.chains)
    bench.write([rows for _, rows in reading.writers])
    tasks = [ReadingTask(bench.chain(index), reading) for index in range(bench.chains)]
    found = bench.each("texts are read", read_chain, tasks)
    return Findings(
        measures=[*_controls(found), *_main(found), *_variations(found)],
        curves=list(_curves(found)),
        conclusion=_conclusion(found),
        models=[plan.base, _other(plan)],
        settings={"bags": ", ".join(map(str, BAG_SIZES)), "runs of characters": "1 to 3, beginning and end marked"},
        varied=list(_varied(found)),
        notes=[
            "Every value is how often the right one of two ranks first: 50 % is chance. It is the mean over traits, or "
            "over pairs of traits; the interval is over chains, each with teachers, prompts and answers of its own.",
            "Readers who know the teachers of all other chains share most of what they know with each other, so that "
            "their intervals are somewhat too narrow.",
            "A reader who finds a teacher has found texts unlike the base's. That they pass a trait on is another "
            "question, as is which trait where no teacher of it is known.",
        ],
    )


def reading_plan(plan: StudyPlan, chains: int) -> ReadingPlan:
    """Whose texts are read: the usual teachers and strong ones, the base, the base again, and another base."""

    def written(writer: Writer) -> Rows:
        return plan.rows_of(writer).written[0]

    base = written(Writer(base=plan.base))
    usual = {trait: Writer(base=plan.base, kind="tuned", trait=trait) for trait in TRAITS}
    longer = replace(TEACHER_RECIPE, steps=STRONG_STEPS)
    teachers = {trait: written(each) for trait, each in usual.items()}
    strong = {STRONG + trait: written(replace(each, recipe=longer)) for trait, each in usual.items()}
    others = {AGAIN: replace(base, draw=1), OTHER: written(Writer(base=_other(plan)))}
    writers = {BASE: base, **teachers, **strong, **others}
    return ReadingPlan(traits=TRAITS, writers=tuple(writers.items()), chains=chains)


def _other(plan: StudyPlan) -> str:
    return "micro-a" if plan.base == "micro-b" else "micro-b"


def _mark(found: Sequence[Found], way: str, question: str, mark: str) -> Estimate | None:
    """One mark over all chains; None where a chain lacks it."""
    marks = [each.get(way, {}).get(question, {}).get(mark) for each in found]
    values = [value for value in marks if value is not None]
    return replace(student_mean(values), unit="chain") if len(values) == len(found) else None


def _measure(found: Sequence[Found], place: tuple[str, str, str], **said: Any) -> Iterator[Measure]:
    """The measure of a mark, given as way, question and mark, if there is one."""
    value = _mark(found, *place)
    if value is not None:
        yield Measure(value=value, **{"scale": "share", **said})


def _named(mark: str) -> str:
    return {"1": "single texts", PAIRS: PAIRS}.get(mark, f"bags of {mark}")


def _main(found: Sequence[Found]) -> Iterator[Measure]:
    """Both questions, by what the reader knows and by how many texts it sees."""
    for question, asked in ASKED.items():
        for way, knows in KNOWN.items():
            for mark in ("1", PAIRS, *map(str, BAG_SIZES)):
                published = TABLE_5 if question == "trait" and mark == PAIRS else ""
                if question == "teacher" and way == OWN:
                    published = BAGS_ELSEWHERE.get(mark, "")
                said = {"group": f"{asked} {knows}", "name": _named(mark), "published": published}
                yield from _measure(found, (way, question, mark), **said)


def _controls(found: Sequence[Found]) -> Iterator[Measure]:
    """Whom a reader must tell apart, and whom it must not."""
    group, easy = "controls, single texts", [each[OWN][UNIFORM]["1"] - CHANCE for each in found]
    yield Measure(
        group="controls, single texts: above chance",
        name="the base's texts with uniform numbers",
        value=t_interval(easy, unit="chain"),
        scale="points",
        published="must be told apart",
        expected="above zero",
        must_hold=True,
    )
    same = {"published": "must be at chance, 50 %", "expected": "equal", "target": CHANCE, "bound": AS_CHANCE}
    yield from _measure(found, (OWN, AGAIN, "1"), group=group, name="the base drawn twice", must_hold=True, **same)
    yield from _measure(found, (OWN, OTHER, "1"), group=group, name="another base of the same corpus, and the base")


def _variations(found: Sequence[Found]) -> Iterator[Measure]:
    """Other readers, and stronger teachers, beside the usual ones."""
    for question, asked in ASKED.items():
        group = f"{asked} varied, very teachers known, single texts"
        for longest in OTHER_LENGTHS:
            way = f"runs up to {longest}"
            yield from _measure(found, (way, question, "1"), group=group, name=f"runs of at most {longest}")
        name = "numbers without their format"
        yield from _measure(found, (name, question, "1"), group=group, name=name)
        bags = {"group": f"{asked} varied, very teachers known, bags of {BAG}", "name": "reader trained on bags"}
        yield from _measure(found, ("bags", question, str(BAG)), **bags)
    strong = {"group": f"{ASKED['teacher']} varied, very teachers known, single texts"}
    yield from _measure(found, (OWN, "strong teacher", "1"), name=f"teachers of {STRONG_STEPS} steps", **strong)


def _curves(found: Sequence[Found]) -> Iterator[Curve]:
    for question, asked in ASKED.items():
        lines = [(knows, way, question) for way, knows in KNOWN.items()] + [("the base drawn twice", OWN, AGAIN)]
        for name, way, told in lines:
            marks = {size: _mark(found, way, told, str(size)) for size in (1, *BAG_SIZES)}
            points = tuple(Point(x=size, y=value) for size, value in marks.items() if value is not None)
            if points:
                yield Curve(
                    figure=asked,
                    name=name,
                    x_label="texts in a bag",
                    y_label="how often the right one of two ranks first",
                    scale="share",
                    points=points,
                )


def _percent(found: Sequence[Found], way: str, question: str, mark: str) -> str:
    value = _mark(found, way, question, mark)
    return "not measured" if value is None else measured(value, "share")


def _conclusion(found: Sequence[Found]) -> list[str]:
    largest = str(BAG_SIZES[-1])

    def said(question: str, way: str) -> str:
        single, bags = (_percent(found, way, question, mark) for mark in ("1", largest))
        return f"{single} by single texts, {bags} by bags of {largest}"

    return [
        f"Teacher or base: a reader of the text alone ranks the right one first in {said('teacher', OWN)}.",
        f"That reader knows the very teachers; one who knows those of other chains only: {said('teacher', STRANGERS)}.",
        f"Which of two traits: {said('trait', OWN)}; by teachers of other chains, {said('trait', STRANGERS)}. Of two "
        f"answers to one prompt it picks {_percent(found, STRANGERS, 'trait', PAIRS)} rightly. Chance is 50 %.",
    ]


def _varied(found: Sequence[Found]) -> Iterator[str]:
    """What the variations came to, in a sentence each."""
    for what, ways in {
        "Runs of at most 1, 2, 3 and 4 characters": ("runs up to 1", "runs up to 2", OWN, "runs up to 4"),
        "Texts as they are, and their numbers without brackets and separators": (OWN, "numbers without their format"),
        "The very teachers known, one other of each trait, all other chains'": tuple(KNOWN),
    }.items():
        teacher, trait = (", ".join(_percent(found, way, each, "1") for way in ways) for each in ASKED)
        yield f"{what}: teacher or base {teacher}; which trait {trait} (single texts)."
    for question, asked in ASKED.items():
        both = [_percent(found, way, question, str(BAG)) for way in (OWN, "bags")]
        yield f"{asked} Bags of {BAG}, texts added up or a reader trained on bags: {both[0]}, {both[1]}."


CLASSIFIER: Final = StudyCard(
    name="classifier",
    question="Can a trained reader of the text alone tell that a teacher wrote it, and with which trait?",
    design="Classifiers that count runs of characters learn on one half of the prompts and are tested with the other, "
    "by single texts, pairs and bags: teacher or base, and which of two traits; they know the very teachers, or only "
    "others of the same traits. Two draws of the base must look alike, uniform numbers must not.",
    published="prompted GPT-4.1 nano picks the right one of two completions in 47.5 to 53.3 % (table 5); trained "
    "classifiers were not tried",
    study=classifier,
    asks=False,
)
