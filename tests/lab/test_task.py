"""A task goes to any process and says where its work is kept."""

import pickle

import pytest

from subtrait.lab.arms import ARMS
from subtrait.lab.task import Task
from subtrait.runs import open_run


def test_every_arm_and_chain_has_a_folder_of_its_own(plan):
    folders = [Task(plan, None, student, arm).folder for arm in ARMS for student in range(3)]
    assert len(set(folders)) == len(folders)
    # docs/architecture.md: what is on disk
    assert Task(plan, None, 2, "other-base").folder == "arms/other-base/2"


def test_a_task_is_of_the_treated_arm_unless_it_says_otherwise(plan):
    assert Task(plan, None, 0).folder == "arms/treated/0"


def test_a_task_crosses_to_another_process_whole(plan, tmp_path):
    with open_run(tmp_path / "run", {"a": 1}, environment={}) as store:
        task = Task(plan, store, 1, "untreated")
        again = pickle.loads(pickle.dumps(task))
        assert (again.plan, again.student, again.arm) == (plan, 1, "untreated")
        task.store.record("a.json", lambda: {"made": "here"})
        assert again.store.record("a.json", lambda: {"made": "there"}) == {"made": "here"}


def test_a_task_cannot_be_changed(plan):
    with pytest.raises(AttributeError):
        Task(plan, None, 0).student = 1
