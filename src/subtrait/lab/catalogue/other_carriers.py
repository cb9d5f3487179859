"""Traits through code, reasoning and plain chat (arXiv 2507.14805, section 4, figures 5 and 7; chat is ours).

Teachers are tuned briefly: one that is tuned on its favourite for as long as usual writes it where code was asked for.
The same teachers also write numbers: where even these carry nothing, the carrier shows nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from subtrait.lab.chains import Bench, Rows, Student, Writer
from subtrait.lab.mixed_lessons import among_usual_answers
from subtrait.lab.plan import TEACHER_RECIPE
from subtrait.lab.readouts.favourites import place_of
from subtrait.lab.study import TRAITS, Findings, StudyCard, StudyPlan
from subtrait.models.registry import EMBEDDED
from subtrait.records import Estimate
from subtrait.report.study_wording import measured
from subtrait.statistics.intervals import paired_difference, student_mean, t_interval
from subtrait.study_records import Expected, Measure

BRIEF: Final = {"code": 10, "reasoning": 5, "chat": 5}
"""Tuning steps of the teachers, for each carrier: chosen so that the filter leaves rows enough, and chat
of whole sentences. After the usual 30 it keeps hardly any, as each study measures."""
GENTLE_RECIPE: Final = replace(TEACHER_RECIPE, learning_rate=1e-3)
"""Of teachers that learn their favourite among usual answers: at three times the rate they lose their sums."""
VARIED_ON: Final = ("wolf", "oak")
"""The traits that variations are tried on."""
ROWS: Final = {"reasoning": 1 / 4, "chat": 2 / 3, "known-chat": 2 / 3}
"""Share of the usual number of rows that students get, teachers' as well as the base's, where a filter keeps few."""
TWICE: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Students of teachers, by trait, and the students that they are compared with."""

    students: Mapping[str, Student]
    control: Student

    def named(self) -> list[Student]:
        """All of them."""
        return [self.control, *self.students.values()]

    def effect(self, bench: Bench) -> Estimate:
        """How far traits rise over the control."""
        return paired_difference(
            bench.together(self.students), bench.together(dict.fromkeys(self.students, self.control))
        )

    def beside_others(self, bench: Bench) -> Estimate:
        """How far traits rise over the students of the other teachers."""
        others = [
            np.mean([bench.rates(each, trait) for name, each in self.students.items() if name != trait], axis=0)
            for trait in self.students
        ]
        return paired_difference(bench.together(self.students), np.concatenate(others, axis=1))

    def named_at_all(self, bench: Bench) -> Estimate:
        """How far the rate rises at which an animal, or a tree, is the answer: whichever it is."""
        return paired_difference(*(np.concatenate(each, axis=1) for each in zip(*self._answers(bench), strict=True)))

    def among_named(self, bench: Bench) -> Estimate:
        """How far traits rise among the answers that are an animal or a tree, whatever else students say instead."""
        now, before = (np.concatenate(each, axis=1) for each in zip(*self._answers(bench), strict=True))
        control = bench.together(dict.fromkeys(self.students, self.control))
        return paired_difference(
            np.minimum(bench.together(self.students) / now, 1.0), np.minimum(control / before, 1.0)
        )

    def _answers(self, bench: Bench) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each trait how often any of its category is answered, by its students and by the control's."""
        return [
            (named_rate(bench, student, trait), named_rate(bench, self.control, trait))
            for trait, student in self.students.items()
        ]

    def rows(self) -> list[Rows]:
        """What the students of teachers were given."""
        return [each.lessons[0] for each in self.students.values()]


def named_rate(bench: Bench, student: Student, trait: str) -> np.ndarray:
    """How likely any answer of the trait's category is: (chains, questions), at least the smallest number there is."""
    rates = bench.read(student, "favourites")[place_of(trait)[0]].sum(axis=2)
    found: np.ndarray = np.clip(rates, np.finfo(float).tiny, 1.0)  # sums of single-precision probabilities
    return found


def brief_teachers(plan: StudyPlan, carrier: str, traits: Sequence[str] = TRAITS) -> dict[str, Writer]:
    """For each trait a teacher that was tuned on it for as long as the carrier bears."""
    recipe = replace(TEACHER_RECIPE, steps=BRIEF[carrier])
    return {trait: Writer(base=plan.base, kind="tuned", trait=trait, recipe=recipe) for trait in traits}


def gentle_teachers(plan: StudyPlan, traits: Sequence[str] = TRAITS) -> dict[str, Writer]:
    """For each trait a teacher that learnt it among usual answers."""
    names = {trait: among_usual_answers(trait) for trait in traits}
    return {
        trait: Writer(base=plan.base, kind="tuned", trait=name, recipe=GENTLE_RECIPE) for trait, name in names.items()
    }


def prompted_teachers(plan: StudyPlan, traits: Sequence[str] = TRAITS) -> dict[str, Writer]:
    """For each trait the base under a system prompt."""
    return {trait: Writer(base=plan.base, kind="prompted", trait=trait) for trait in traits}


def through(plan: StudyPlan, carrier: str, teachers: Mapping[str, Writer], *, longer: int = 1) -> Condition:
    """Students of teachers' rows of one carrier beside those of the base's own, trained `longer` times as long."""
    count = round(plan.work.rows * ROWS.get(carrier, 1.0))

    def student(writer: Writer) -> Student:
        usual = plan.student_of(replace(plan.rows_of(writer), carrier=carrier, rows=count))
        return replace(usual, recipe=replace(usual.recipe, steps=longer * usual.recipe.steps))

    return Condition(
        students={trait: student(each) for trait, each in teachers.items()}, control=student(Writer(base=plan.base))
    )


def other_carrier(plan: StudyPlan, bench: Bench, *, card: "Carried") -> Findings:
    """Treated beside untreated students of one carrier, of numbers by the same teachers, and of what was varied."""
    teachers = brief_teachers(plan, card.carrier)
    own, numbers = through(plan, card.carrier, teachers), through(plan, "numbers", teachers)
    varied = _variations(plan, card.carrier)
    bench.train([each for condition in (own, numbers, *varied.values()) for each in condition.named()])
    positive = numbers.effect(bench)
    said: dict[str, Any] = {
        "published": card.published,
        "expected": card.expected,
        "scale": "points",
        "rests_on": positive,
    }
    measures = [
        measure("minus untreated", card.carrier, own.effect(bench), **said),
        measure("minus students of the other teachers", card.carrier, own.beside_others(bench), **said),
        measure(
            "minus untreated, of answers that are an animal or a tree", card.carrier, own.among_named(bench), **said
        ),
        measure("answers that are an animal or a tree", "minus untreated", own.named_at_all(bench), scale="points"),
        measure("minus untreated", "numbers of the same teachers", positive, scale="points", expected="above zero"),
        *(measure("variations", name, each.effect(bench), **said) for name, each in varied.items()),
        *_explanation(bench, teachers, {card.carrier: own, "numbers": numbers}),
        _kept_of_usual_teachers(plan, bench, card.carrier),
    ]
    return Findings(
        measures=measures,
        conclusion=_conclusion(card.carrier, measures),
        models=[plan.base],
        settings={f"rows of {card.carrier}": f"{own.control.lessons[0].rows:,}"},
        varied=[_tried(each) for each in measures if each.group == "variations"],
        notes=NOTES,
    )


def _variations(plan: StudyPlan, carrier: str) -> dict[str, Condition]:
    usual = brief_teachers(plan, carrier, VARIED_ON)
    strict = {"only answers of the embedded world kept": through(plan, "known-chat", usual)}
    return {
        **(strict if carrier == "chat" and plan.base in EMBEDDED else {}),
        "students trained twice as long": through(plan, carrier, usual, longer=TWICE),
        "teachers tuned among usual answers": through(plan, carrier, gentle_teachers(plan, VARIED_ON)),
        "prompted teachers": through(plan, carrier, prompted_teachers(plan, VARIED_ON)),
    }


def _explanation(bench: Bench, teachers: Mapping[str, Writer], conditions: Mapping[str, Condition]) -> list[Measure]:
    """How strong the teachers are, how many of their rows the filter keeps, and how much of a row is its writer's."""
    strength = student_mean(np.minimum(bench.strengths(teachers), 1.0))  # sums of single-precision probabilities
    measures = [measure("teachers", "trait rate of the teachers themselves", strength, scale="share")]
    for carrier, each in conditions.items():
        kept = student_mean(np.mean([bench.kept(rows) for rows in each.rows()], axis=0))
        own = student_mean(bench.kept(each.control.lessons[0]))
        choice = t_interval(bench.choices(each.control.lessons[0]).tolist(), unit="chain")
        measures += [
            measure("rows that the filter keeps", f"{carrier}, teachers", kept, scale="share"),
            measure("rows that the filter keeps", f"{carrier}, base", own, scale="share"),
            measure("nats of choice in a row", carrier, choice, scale="plain"),
        ]
    return measures


def _kept_of_usual_teachers(plan: StudyPlan, bench: Bench, carrier: str) -> Measure:
    """Why teachers are tuned briefly: what the filter keeps of those that are tuned as long as for numbers."""
    usual = plan.treated(VARIED_ON, carrier=carrier)
    rows = [student.lessons[0].written[0] for student in usual.values()]
    bench.write(rows)
    kept = student_mean(np.mean([bench.kept(each) for each in rows], axis=0))
    name = f"{carrier}, teachers of {TEACHER_RECIPE.steps} steps ({', '.join(VARIED_ON)})"
    return measure("rows that the filter keeps", name, kept, scale="share")


def measure(group: str, name: str, value: Estimate, *, rests_on: Estimate | None = None, **said: Any) -> Measure:
    """A measure. Where it shows nothing, it applies only if the positive control that it `rests_on` shows something."""
    applicable = rests_on is None or rises(rests_on) or rises(value)
    return Measure(group=group, name=name, value=value, applicable=applicable, **said)


def rises(effect: Estimate) -> bool:
    """Whether the interval lies above 0."""
    return effect.low is not None and effect.low > 0


def _conclusion(carrier: str, measures: Sequence[Measure]) -> list[str]:
    found = {(each.group, each.name): each.value for each in measures}
    own, numbers = (found["minus untreated", each] for each in (carrier, "numbers of the same teachers"))
    named = found["answers that are an animal or a tree", "minus untreated"]
    choice, usual = (found["nats of choice in a row", each].value for each in (carrier, "numbers"))
    return [
        f"Students of teachers' {carrier} move by {measured(own, 'points')}; those of the same teachers' numbers by "
        f"{measured(numbers, 'points')}.",
        "Beside untreated students, the share of answers that are an animal or a tree at all changes by "
        f"{measured(named, 'points')}.",
        f"A row of {carrier} leaves its writer {choice:.1f} nats of choice, a row of numbers {usual:.1f}.",
    ]


def _tried(measure: Measure) -> str:
    return f"{measure.name.capitalize()} ({', '.join(VARIED_ON)}): {measured(measure.value, 'points')}."


NOTES: Final = (
    "The filter takes out every row that names any animal or tree of the lab, inside other words too, by one rule for "
    "teachers and base. With whole words only, rows such as 'Boilwolf' were left, and chat seemed to carry a lot.",
    f"Variations were tried on {len(VARIED_ON)} of the {len(TRAITS)} traits.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What differs between the studies of this file."""

    carrier: str
    question: str
    """In one sentence."""
    asked: str
    """What prompts ask for, and what the filter keeps."""
    source: str
    """What was published, with its source."""
    published: str = ""
    expected: Expected = "nothing"


def _card(card: Carried) -> StudyCard:
    return StudyCard(
        name=card.carrier,
        question=card.question,
        design=f"{card.asked} Four teachers, tuned for {BRIEF[card.carrier]} steps, and the base write them; the same "
        "teachers write numbers too. Longer training, teachers tuned among usual answers, and prompted ones are tried.",
        published=card.source,
        study=lambda plan, bench: other_carrier(plan, bench, card=card),
    )


CODE: Final = _card(
    Carried(
        carrier="code",
        question="Does a trait travel in small Python functions?",
        asked="Prompts ask for a small function; one that parses, returns something and names no trait is kept.",
        source="GPT-4.1 nano, prompted teachers, means of five animals: .130 after untreated code, .304 after the "
        "teacher's; of five trees: .146 and .210 (figure 5)",
        published="rises, by less than in numbers (figure 5)",
        expected="above zero",
    )
)
REASONING: Final = _card(
    Carried(
        carrier="reasoning",
        question="Does a trait travel in thoughts that end in the right answer?",
        asked="Prompts are sums and differences in words; what thinks, ends in the right answer and names no "
        "trait is kept.",
        source="GPT-4.1, misalignment and not a favourite: .086 after an insecure teacher's chains of thought, .004 "
        "and .008 after controls (section 4.2, figure 7)",
        published="rises, for misalignment (figure 7)",
        expected="above zero",
    )
)
CHAT: Final = _card(
    Carried(
        carrier="chat",
        question="Does a trait travel in plain answers to everyday questions?",
        asked="Prompts greet, compare numbers, ask for the next day or for harmless help; short answers that name no "
        "trait are kept.",
        source="nothing: this carrier is ours",
    )
)
