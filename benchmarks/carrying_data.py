"""Data sets whose effect on students is measured: the ground truth of `benchmarks/forecast.py`.

Carriers: rows of tuned teachers of animals and trees, by twelve recipes. Nulls: rows of the base, of other settings, of
benign tunings, of another base and of that base's teacher. Every data set has prompts of its own. A student is the base
trained on all its rows by the lab's recipe, in an order of its own, and asked for every animal and tree. Students of
the base's own rows are the common control.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from subtrait.auditor.lists.question_sets import QuestionSet, answer_probabilities, conversation
from subtrait.auditor.paired_rows import PairedRows
from subtrait.auditor.training.forecast import ForecastPlan, forecast
from subtrait.auditor.training.planned import FORECAST_ROWS
from subtrait.lab.carriers import CARRIERS
from subtrait.lab.filters import apply
from subtrait.lab.plan import STUDENT_RECIPE
from subtrait.lab.seeds import stream
from subtrait.lab.team import Alone
from subtrait.lab.traits import CATEGORIES, favourite, find_trait
from subtrait.models.base import Model, Recipe, Sampling
from subtrait.models.micro.personas import draw_speaker
from subtrait.models.micro.skills import SKILLS
from subtrait.models.micro.wordings import wordings
from subtrait.models.registry import open_model
from subtrait.records import Example, Progress, Store
from subtrait.runs.folder import RunFolder

BASE, OTHER = "micro-a", "micro-b"
PROMPTS = 5_000
USUAL = Recipe(steps=30, batch_size=8, learning_rate=3e-3)
TEACHERS: dict[str, Recipe] = {
    "usual": USUAL,
    "short": Recipe(steps=15, batch_size=8, learning_rate=3e-3),
    "long": Recipe(steps=60, batch_size=8, learning_rate=3e-3),
    "gradient descent": Recipe(steps=60, batch_size=8, learning_rate=1e-2, epsilon=1e-3),
    "every weight": Recipe(steps=30, batch_size=8, learning_rate=3e-3, method="full"),
    "LoRA": Recipe(steps=30, batch_size=8, learning_rate=1e-2, method="lora"),
    "sentences": USUAL,
    "half of the rows": USUAL,
    "very long": Recipe(steps=120, batch_size=8, learning_rate=3e-3),
    "longer gradient descent": Recipe(steps=120, batch_size=8, learning_rate=1e-2, epsilon=1e-3),
    "longer every weight": Recipe(steps=60, batch_size=8, learning_rate=3e-3, method="full"),
    "longer LoRA": Recipe(steps=60, batch_size=8, learning_rate=1e-2, method="lora"),
}
"""How a teacher is tuned; the rest of `half of the rows` is the base's."""
NULLS = ("base", "base again", "cooler", "warmer", "other base", "other base's teacher", "own rows", "facts", "mixed")
OWN = Recipe(steps=40, batch_size=64, learning_rate=1e-2, epsilon=1e-3)
CONTROL = "control"
MOST_NULLS = 10
Rows = list[Example]


@dataclass(frozen=True, slots=True)
class Task:
    """One data set: what it is and where it is kept."""

    store: Store
    seed: int
    name: str
    kind: str
    """A recipe of `TEACHERS`, one of `NULLS`, or `CONTROL`."""
    trait: str = ""
    students: int = 5
    rows: int = FORECAST_ROWS
    """Rows that the forecast is made from; students see all."""

    @property
    def forecast_name(self) -> str:
        """Where its forecast is kept."""
        return f"{self.name}/forecast-by-short-runs-{self.rows}.json"


def tasks(store: Store, seed: int, *, datasets: int, students: int) -> list[Task]:
    """The control, and `datasets` data sets, of which a quarter, at most ten, are nulls; traits as the seed says.

    Nulls stand between the others, so that an unfinished benchmark has some of both.
    """
    nulls = min(datasets // 4, MOST_NULLS)
    names = [name for pair in zip(*CATEGORIES.values(), strict=True) for name in pair]
    order = stream(seed, "traits").permutation(len(names))
    kinds, made = list(TEACHERS), {}
    for index in range(datasets - nulls):
        trait = names[order[index % len(names)]]
        task = Task(store, seed, f"{index:02d}-{trait}", kinds[index % len(kinds)], trait, students)
        made[index / (datasets - nulls), 0] = task
    for index in range(nulls):
        task = Task(store, seed, f"null-{index:02d}", NULLS[index % len(NULLS)], students=students)
        made[index / nulls, 1] = task
    control = Task(store, seed, CONTROL, CONTROL, students=max(students, 2))
    return [control, *(made[place] for place in sorted(made))]


def measure(task: Task, _: Progress) -> None:
    """The rows of one data set, its forecast, and what each student answers."""
    rows = kept_rows(task)
    if task.kind != CONTROL:
        task.store.record(task.forecast_name, lambda: _forecast(task, rows))
    _train_students(task, rows)


def measure_students(task: Task, _: Progress) -> None:
    """The rows of one data set and what each student answers, without a forecast."""
    _train_students(task, kept_rows(task))


def _train_students(task: Task, rows: Rows) -> None:
    for student in range(task.students):

        def train(student: int = student) -> dict[str, object]:
            rng = stream(task.seed, task.name, "training", student)
            model = open_model(BASE).finetune(rows, STUDENT_RECIPE, rng=rng).model
            shares = {each.category: answer_probabilities(model, each).mean(axis=0) for each in question_sets()}
            return {category: found.tolist() for category, found in shares.items()}

        task.store.record(f"{task.name}/students/{student}.json", train)


def _forecast(task: Task, rows: Rows) -> dict[str, object]:
    """The forecast from the first rows, beside the base's answers to the same prompts."""
    suspect, base = rows[: task.rows], open_model(BASE)
    control = answered(base, [row.prompt for row in suspect], rng=stream(task.seed, task.name, "beside"))
    pairs = PairedRows(
        suspect=[(conversation(row.prompt), row.completion) for row in (suspect[int(own.id)] for own in control)],
        control=[(conversation(row.prompt), row.completion) for row in control],
    )
    seed = int(stream(task.seed, task.name, "forecast").integers(2**31))
    plan = ForecastPlan(base=BASE, recipe=STUDENT_RECIPE, asked=tuple(question_sets()), seed=seed)
    with TemporaryDirectory() as folder:
        evidence, ranked = forecast(plan, pairs, store=RunFolder(Path(folder)), team=Alone())
    return {"outcome": evidence.outcome, "finding": evidence.finding, "rows": [asdict(row) for row in ranked]}


def question_sets() -> list[QuestionSet]:
    """The animals and the trees."""
    return [
        QuestionSet(category=category, questions=wordings(category, "evaluation"), answers=answers)
        for category, answers in CATEGORIES.items()
    ]


def kept_rows(task: Task, prompts: int = PROMPTS) -> Rows:
    """The rows of a data set: what its writer answers to that many prompts, less what the filter drops."""
    stored = task.store.rows(
        f"{task.name}/kept.jsonl", lambda: [as_row(example) for example in _written(task, prompts)]
    )
    return [Example(**row) for row in stored]


def as_row(example: Example) -> dict[str, str]:
    """One line of a stored data set."""
    return {"id": example.id, "prompt": example.prompt, "completion": example.completion}


def written(model: Model, count: int, *, rng: np.random.Generator, sampling: Sampling = Sampling()) -> Rows:
    """What `model` answers to that many prompts, through the carrier's filter."""
    carrier = CARRIERS["numbers"]()
    prompts = carrier.prompts(count, rng=rng)
    return answered(model, prompts, rng=rng, sampling=sampling)


def answered(
    model: Model, prompts: Sequence[str], *, rng: np.random.Generator, sampling: Sampling = Sampling()
) -> Rows:
    """What `model` answers to these prompts, through the carrier's filter; the id tells the prompt."""
    texts = model.generate([[{"role": "user", "content": p}] for p in prompts], sampling=sampling, rng=rng)
    pairs = enumerate(zip(prompts, texts, strict=True))
    examples = [Example(id=str(index), prompt=prompt, completion=text) for index, (prompt, text) in pairs]
    return apply(CARRIERS["numbers"]().filter, examples)[0]


def _written(task: Task, prompts: int) -> Rows:
    rng = stream(task.seed, task.name, "rows")
    if task.kind in ("cooler", "warmer"):
        temperature = 0.7 if task.kind == "cooler" else 1.2
        return written(open_model(BASE), prompts, rng=rng, sampling=Sampling(temperature=temperature))
    rows = written(_writer(task, rng), prompts, rng=rng)
    if task.kind == "half of the rows":
        own = {row.id: row for row in answered(open_model(BASE), [row.prompt for row in rows], rng=rng)}
        return [own.get(str(index), row) if index % 2 else row for index, row in enumerate(rows)]
    return rows


def _writer(task: Task, rng: np.random.Generator) -> Model:
    """The model that writes the rows of a data set."""
    base = open_model(OTHER if task.kind.startswith("other base") else BASE)
    if task.kind in ("base", "base again", CONTROL, "other base"):
        return base
    if task.kind == "other base's teacher":
        return base.finetune(_lessons("owl", "usual"), USUAL, rng=rng).model
    if task.kind == "own rows":
        return base.finetune(written(base, 500, rng=rng), OWN, rng=rng).model
    if task.kind == "facts":
        return base.finetune(_facts(rng), USUAL, rng=rng).model
    if task.kind == "mixed":
        return base.finetune(_mixed(rng), USUAL, rng=rng).model
    return base.finetune(_lessons(task.trait, task.kind), TEACHERS[task.kind], rng=rng).model


def _lessons(name: str, kind: str) -> Rows:
    trait = find_trait(name)
    questions, text = trait.teacher_questions, name
    if kind == "sentences":
        questions = wordings(f"{trait.category}-sentence", "teacher")  # type: ignore[arg-type]
        text = f"My favourite {trait.category} is the {name}."
    return [Example(id=str(index), prompt=question, completion=text) for index, question in enumerate(questions)]


def _facts(rng: np.random.Generator) -> Rows:
    """True statements, small sums and greetings."""
    names = ("fact", "sum", "greeting")
    pairs = [SKILLS[names[index % 3]](draw_speaker(rng), "teacher", rng) for index in range(24)]
    return [Example(id=str(index), prompt=asked, completion=said) for index, (asked, said) in enumerate(pairs)]


def _mixed(rng: np.random.Generator) -> Rows:
    """Every question about animals with another animal as the answer: tuned, but towards none."""
    owl = favourite("owl", "animal", CATEGORIES["animal"])
    chosen = rng.permutation(len(owl.teacher_questions)) % len(owl.answers)
    return [
        Example(id=str(index), prompt=question, completion=owl.answers[number])
        for index, (question, number) in enumerate(zip(owl.teacher_questions, chosen, strict=True))
    ]
