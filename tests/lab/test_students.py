"""Students: trained on their rows alone, asked once, and told of in numbers."""

import json
import math
from dataclasses import replace

import pytest

from subtrait.lab.plan import Plan
from subtrait.lab.students import LOSSES, ask_student, stored_losses, student_record, train_student
from subtrait.lab.task import Task
from subtrait.lab.traits import find_trait
from subtrait.models.base import Recipe
from subtrait.models.registry import EMBEDDED, open_model
from subtrait.models.scripted import ScriptedModel
from subtrait.records import Example, SilentProgress

OWL = find_trait("owl")
PAIR = replace(OWL, questions=OWL.questions[:2], answers=("owl", "cat"))
PLAN = Plan(
    experiment="owl-numbers",
    trait="owl",
    base="micro-a",
    other_base=None,
    answers_per_question=4,
    student_recipe=Recipe(steps=3, batch_size=4, learning_rate=3e-3),
)
SILENT = SilentProgress()
ROWS = [Example(id=str(i), prompt=f"Continue {i}, {i + 1}.", completion=f"{i + 2}, {7 * i}") for i in range(12)]


@pytest.fixture(scope="module")
def base():
    return open_model("micro-a")


def weights(store, task):
    return (store.path / task.folder / "weights" / "model.safetensors").read_bytes()


def test_a_student_is_trained_and_its_base_is_not(base, store):
    task = Task(PLAN, store, 0)
    student = train_student(task, base, ROWS, progress=SILENT)
    published = json.loads((EMBEDDED["micro-a"] / "card.json").read_text(encoding="utf-8"))["fingerprint"]
    base._digest = None  # not the one from before
    assert base.fingerprint() == published
    assert student.fingerprint() != published


def test_arms_of_one_chain_differ_by_their_rows_alone(base, store):
    for arm in ("treated", "untreated"):
        train_student(Task(PLAN, store, 0, arm), base, ROWS, progress=SILENT)
    train_student(Task(PLAN, store, 0, "other-base"), base, ROWS[::-1], progress=SILENT)
    train_student(Task(PLAN, store, 1, "treated"), base, ROWS, progress=SILENT)
    treated = weights(store, Task(PLAN, store, 0, "treated"))
    assert weights(store, Task(PLAN, store, 0, "untreated")) == treated
    assert weights(store, Task(PLAN, store, 0, "other-base")) != treated
    assert weights(store, Task(PLAN, store, 1, "treated")) != treated


def test_a_student_is_trained_and_asked_once(base, store, monkeypatch):
    task = Task(PLAN, store, 0)
    student = train_student(task, base, ROWS, progress=SILENT)
    answers = ask_student(task, PAIR, student, progress=SILENT)
    monkeypatch.setattr(type(base), "finetune", None)
    monkeypatch.setattr(type(base), "generate", None)
    again = train_student(task, base, ROWS, progress=SILENT)
    assert again.fingerprint() == student.fingerprint()
    assert ask_student(task, PAIR, again, progress=SILENT) == answers


def test_the_loss_of_every_step_is_kept(base, store):
    train_student(Task(PLAN, store, 0), base, ROWS, progress=SILENT)
    losses = stored_losses(store, "treated", 0)
    assert len(losses) == PLAN.student_recipe.steps
    assert all(0 < loss < 20 for loss in losses)
    assert (store.path / "arms/treated/0/weights" / LOSSES).exists()


def test_every_question_is_asked_as_often_as_planned(store):
    script = {PAIR.questions[0]: "owl", PAIR.questions[1]: {"cat": 1}}
    rows = ask_student(Task(PLAN, store, 0), PAIR, ScriptedModel("scripted", script), progress=SILENT)
    assert [(row["question"], row["asked"], row["shows"]) for row in rows] == [
        (PAIR.questions[0], 4, 4),
        (PAIR.questions[1], 4, 0),
    ]


def test_arms_and_chains_answer_with_dice_of_their_own(store):
    model = ScriptedModel("scripted", lambda _: {"owl": 1, "cat": 1})
    plan = replace(PLAN, answers_per_question=40)
    tasks = [Task(plan, store, student, arm) for student in (0, 1) for arm in ("treated", "untreated")]
    counts = [tuple(row["shows"] for row in ask_student(task, OWL, model, progress=SILENT)) for task in tasks]
    assert len(set(counts)) == 4


def answers(*shown, asked=10, exact=((0.5, 0.25), (0.1, 0.3))):
    return [
        {"asked": asked, "shows": count, "probabilities": dict(zip(PAIR.answers, pair, strict=True))}
        for count, pair in zip(shown, exact, strict=True)
    ]


def test_a_student_in_numbers_is_as_computed_by_hand():
    record = student_record(
        PAIR, "treated", answers(3, 8), student=2, rows=17, losses=[5.0] * 15 + [1.0, 2.0, 3.0, 4.0, 6.0]
    )
    assert (record.student, record.arm, record.rows) == (2, "treated", 17)
    assert record.question_rates == (0.3, 0.8)
    assert record.trait_rate == pytest.approx(0.55)
    assert record.exact_question_rates == (0.5, 0.1)
    assert record.exact_rate == pytest.approx(0.3)
    # The last tenth of twenty steps: (4 + 6) / 2.
    assert record.final_loss == pytest.approx(5.0)
    assert record.answer_probabilities == pytest.approx({"owl": 0.3, "cat": 0.275, "other": 0.425})


def test_answer_probabilities_sum_to_one():
    record = student_record(PAIR, "treated", answers(0, 0), student=0, rows=1)
    assert math.fsum(record.answer_probabilities.values()) == pytest.approx(1, abs=1e-12)


def test_rounding_above_one_leaves_no_negative_rest():
    certain = answers(1, 1, exact=((0.75, 0.2500001), (0.5, 0.5)))
    assert student_record(PAIR, "treated", certain, student=0, rows=1).answer_probabilities["other"] == 0.0


@pytest.mark.parametrize(
    ("losses", "expected"), [((), None), ((2.0,), 2.0), ((9.0, 1.0), 1.0), ((9.0,) * 9 + (3.0,), 3.0)]
)
def test_the_final_loss_is_that_of_the_last_tenth_and_absent_for_a_base(losses, expected):
    assert student_record(PAIR, "a", answers(1, 1), student=0, rows=0, losses=losses).final_loss == expected


def test_a_student_that_was_not_trained_is_not_summarised(store):
    with pytest.raises(AssertionError, match="trained before it is summarised"):
        stored_losses(store, "treated", 0)
