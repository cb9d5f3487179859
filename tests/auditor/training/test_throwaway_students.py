"""Throwaway students train once, each on rows of its own, and differ between the sides by their rows alone."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from subtrait.auditor.lists.question_sets import QuestionSet, answer_probabilities
from subtrait.auditor.training import throwaway_students as module
from subtrait.auditor.training.throwaway_students import StudentTask, answers_of, on_each_side, shards
from subtrait.lab.seeds import stream
from subtrait.lab.team import Alone
from subtrait.models.base import Recipe
from subtrait.models.registry import open_model
from subtrait.records import Example
from subtrait.runs import open_run

ASKED = QuestionSet(category="animal", questions=("Which animal do you like best? One word.",), answers=("owl", "cat"))
OWLS = tuple(Example(id=str(n), prompt=f"Which animal is number {n}?", completion="owl") for n in range(8))


@pytest.fixture
def store(tmp_path):
    with open_run(tmp_path / "audit", {"test": "trial"}, environment={}) as folder:
        yield folder


@pytest.fixture
def task(store):
    recipe = Recipe(steps=2, batch_size=4, learning_rate=1e-2, epsilon=1e-3)
    return StudentTask(
        store=store, purpose="trial", base="micro-a", recipe=recipe, asked=(ASKED,), rows=OWLS, seed=3,
    )  # fmt: skip


@pytest.mark.parametrize(("rows", "students"), [(100, 6), (12, 4), (7, 7)])
def test_shards_are_disjoint_and_of_one_size(rows, students):
    found = shards(rows, students, rng=np.random.default_rng(0))
    assert {len(shard) for shard in found} == {rows // students}
    drawn = np.concatenate(found)
    assert len(set(drawn.tolist())) == len(drawn)
    assert set(drawn.tolist()) <= set(range(rows))


def test_a_student_is_the_base_trained_on_its_rows_and_asked(task):
    answers = answers_of([task], team=Alone())["suspect", "whole"]
    student = open_model("micro-a").finetune(OWLS, task.recipe, rng=stream(3, "trial", 0)).model
    np.testing.assert_array_equal(answers, answer_probabilities(student, ASKED).mean(axis=0)[None])


def test_students_of_equal_rows_are_equal_on_both_sides(task):
    found = answers_of([task, replace(task, side="control")], team=Alone())
    np.testing.assert_array_equal(found["suspect", "whole"], found["control", "whole"])


def test_what_is_in_the_store_is_not_trained_again(task, monkeypatch):
    first = answers_of([task], team=Alone())
    monkeypatch.setattr(module, "open_model", lambda name: pytest.fail(f"{name} is trained again"))
    np.testing.assert_array_equal(first["suspect", "whole"], answers_of([task], team=Alone())["suspect", "whole"])


def test_a_task_crosses_to_a_worker_whole(task):
    assert pickle.loads(pickle.dumps(task)).rows == task.rows
    assert len({replace(task, purpose=q, side=s, part=p, student=n).name for q in ("forecast", "trial")
                for s in module.SIDES for p in module.PARTS for n in range(3)}) == 24  # fmt: skip


def test_the_two_students_of_a_shard_share_their_prompts(task):
    own = [replace(row, completion="cat") for row in OWLS]
    places = shards(len(OWLS), 3, rng=np.random.default_rng(0))
    tasks = on_each_side(task, (OWLS, own), places)
    assert [(each.side, each.student) for each in tasks] == [
        (side, student) for student in range(3) for side in module.SIDES
    ]
    for suspect, control in zip(tasks[::2], tasks[1::2], strict=True):
        assert [row.id for row in suspect.rows] == [row.id for row in control.rows]
        assert {row.completion for row in suspect.rows} == {"owl"}
        assert {row.completion for row in control.rows} == {"cat"}
