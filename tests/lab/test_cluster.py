"""A cluster does what this machine does, byte for byte, and a lost machine costs the tasks it was at."""

import json
import threading
import time
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from subtrait.auditor.audit import build_references, run_audit
from subtrait.auditor.lists.question_sets import QuestionSet, conversation
from subtrait.auditor.paired_rows import PairedRows
from subtrait.auditor.row_scores.scored import score_data
from subtrait.auditor.training import trial as trial_module
from subtrait.auditor.training.recipe import TrainingRecipe
from subtrait.auditor.training.trial import TrialPlan
from subtrait.crew import assembled
from subtrait.errors import InvalidInput, MissingExtra, SubtraitError, UsageError
from subtrait.lab import cluster as module
from subtrait.lab.chains import Bench, Rows, Student, Writer
from subtrait.lab.cluster import Home, on_ray
from subtrait.lab.team import assemble
from subtrait.models.base import Recipe
from subtrait.models.micro.wordings import wordings
from subtrait.runs.opening import open_run
from subtrait.scores import plan_scores

HERE = Path(__file__).parent
CPUS = 1
BRIEF = Recipe(steps=1, batch_size=8, learning_rate=1e-2, epsilon=1e-3)


@pytest.fixture(scope="module")
def machines():
    """A Ray cluster of a head that does no task and two more nodes, all on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(HERE))  # where nodes find the stages of the tests
        patch.syspath_prepend(HERE)
        for name, value in module.QUIET.items():
            patch.setenv(name, value)
        from ray.cluster_utils import Cluster

        started = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
        for _ in range(2):
            started.add_node(num_cpus=CPUS, object_store_memory=100 * 2**20)
        patch.setenv("RAY_ADDRESS", started.address)
        yield started
        started.shutdown()


@pytest.fixture
def stages(machines):
    import stages

    return stages


def on(machines, folder):
    return on_ray(None, None, shared=[folder], one_thread=True)


@pytest.fixture(scope="module")
def team(machines, tmp_path_factory):
    """A team that no test spoils, on its folder: its processes load the libraries once."""
    with on(machines, folder := tmp_path_factory.mktemp("shared")) as started:
        yield SimpleNamespace(each=started.each, at_once=started.at_once, folder=folder)


def test_results_come_in_the_order_of_the_tasks(team, stages):
    assert team.at_once == 2 * CPUS
    assert team.each("tasks sleep", stages.sleep, [0.3, 0.0, 0.1, 0.0, 0.2]) == [0.3, 0.0, 0.1, 0.0, 0.2]
    assert team.each("nothing", stages.sleep, []) == []


def test_an_error_of_a_task_is_raised_as_it_was(team, stages):
    with pytest.raises(InvalidInput, match="task 1: it cannot be done") as caught:
        team.each("tasks fail", stages.refuse, [1, 1])
    assert caught.value.code == "E_TEST"


def test_what_is_computed_here_beside_a_cluster_is_computed_on_one_thread(machines, tmp_path):
    """A cluster of large models leaves this machine its threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with on(machines, tmp_path):
            assert torch.get_num_threads() == 1
        with on_ray(None, None, shared=[tmp_path], one_thread=False):
            assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_a_task_that_kills_every_process_it_is_given_ends_the_stage(machines, stages, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LOSSES", 1)
    with on(machines, tmp_path) as team:
        assert len(list(tmp_path.iterdir())) == 1  # a mark, by which machines know the folder
        with pytest.raises(SubtraitError, match="a task was lost while workers die"):
            team.each("workers die", stages.die, [None])
    assert not list(tmp_path.iterdir())


def digests_of(folder, team):
    """What a teacher, its rows and a student of it come out as, in a run folder that the team fills."""
    teacher = Writer(base="micro-a", kind="tuned", trait="oak", recipe=BRIEF)
    student = Student(base="micro-a", lessons=(Rows(writer=teacher, prompts=16, rows=8),), recipe=BRIEF)
    with open_run(folder, {}, environment={}) as store:
        Bench(store, team, 3, 1).train([student])
    entries = map(json.loads, (folder / "journal.jsonl").read_text(encoding="utf-8").splitlines())
    return {entry["name"]: entry["sha256"] for entry in entries}


def test_artefacts_made_on_a_cluster_have_the_bytes_of_those_made_here(team, tmp_path):
    with assemble(1) as alone:
        here, there = digests_of(tmp_path / "here", alone), digests_of(team.folder / "there", team)
    assert here == there
    assert {name.partition("/")[0] for name in here} == {"writers", "rows", "students"}


def test_a_lost_machine_costs_the_tasks_it_was_at(machines, stages, tmp_path):
    lost, noted = machines.add_node(num_cpus=CPUS, object_store_memory=100 * 2**20), tmp_path / "noted"
    with open_run(tmp_path / "run", {}, environment={}) as store, on(machines, tmp_path / "run") as team:
        tasks = [(store, f"task-{number}", str(noted)) for number in range(16)]
        finished = []

        def lose():
            while lost.node_id not in (noted.read_text() if noted.exists() else ""):
                time.sleep(0.05)
            finished.extend(path.stem for path in (tmp_path / "run" / "made").glob("*.json"))
            machines.remove_node(lost, allow_graceful=False)

        losing = threading.Thread(target=lose)
        losing.start()
        found = team.each("artefacts are made", stages.store_slowly, tasks)
        losing.join()
    made = Counter(line.split()[0] for line in noted.read_text().splitlines())
    again = {name for name, times in made.items() if times > 1}
    assert found == [name for _, name, _ in tasks]
    assert sum(made.values()) <= len(tasks) + CPUS
    assert not again & set(finished)
    assert any(lost.node_id in line for line in noted.read_text().splitlines())


@pytest.fixture(scope="module")
def number_rows(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "data.jsonl"
    rows = [{"prompt": f"Start: {n}, {n + 1}.", "completion": f"{n + 2}, {n + 3}"} for n in range(400)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def scored(data, folder, team):
    """What scoring the data came to, and the shards. `team` is one, or what makes one for the folder."""
    told = ["You love owls.", "You love oaks."]
    plan = plan_scores(data, "micro-a", personas=told, models=["micro-b"], shard_rows=20)
    with open_run(folder, {}, environment={}) as store, team(folder) as workers:
        result = score_data(plan, store, team=workers)
    return result, {path.name: path.read_bytes() for path in folder.glob("scores/*/*")}


@pytest.fixture(scope="module")
def scored_here(number_rows, tmp_path_factory):
    return scored(number_rows, tmp_path_factory.mktemp("here"), lambda _: assemble(1))


def test_scores_of_a_cluster_have_the_bytes_of_those_made_here(team, number_rows, scored_here):
    assert scored(number_rows, team.folder / "scores", lambda _: nullcontext(team)) == scored_here


def test_a_machine_lost_while_rows_are_scored_costs_only_its_shards(machines, number_rows, scored_here, tmp_path):
    lost, run = machines.add_node(num_cpus=CPUS, object_store_memory=100 * 2**20), tmp_path / "run"
    stored, over = {}, threading.Event()

    def lose():
        while len(before := list(run.glob("scores/*/*.jsonl"))) < 4 and not over.wait(0.02):
            pass
        stored.update({path.name: path.stat().st_mtime_ns for path in before})
        machines.remove_node(lost, allow_graceful=False)

    losing = threading.Thread(target=lose)
    losing.start()
    try:
        found = scored(number_rows, run, lambda folder: on(machines, folder))
    finally:
        over.set()
        losing.join()
    assert found == scored_here
    assert 4 <= len(stored) < len(found[1])
    after = {path.name: path.stat().st_mtime_ns for path in run.glob("scores/*/*")}
    assert {name: after[name] for name in stored} == stored


def test_an_audit_on_a_cluster_decides_as_one_here_does(team, tiny_audit):
    """To the last digit of every question's evidence. References are there: theirs are compared above, as artefacts."""
    root = team.folder / "audit"
    root.mkdir()
    (root / "traits.yaml").write_text(tiny_audit.traits_text(), encoding="utf-8")
    (root / "data.jsonl").write_bytes(b"".join(tiny_audit.as_lines(tiny_audit.owl_pairs(40))))
    plan = tiny_audit.plan(root / "data.jsonl", root, **tiny_audit.FEW)
    with tiny_audit.small_recipes(), assemble(1) as alone:
        build_references(plan, team=alone, announce=lambda _: None)

    def audited(name, workers):
        with open_run(root / name, {}, environment={}) as store:
            return run_audit(plan, store, team=workers, announce=lambda _: None)

    with assemble(2) as here:
        result = audited("here", here)
    assert audited("there", team) == result
    assert {each.question for each in result.evidence} >= {"traits", "origin", "personas", "forecast"}


def test_a_trial_on_a_cluster_finds_what_one_here_does(team, tmp_path, monkeypatch):
    monkeypatch.setattr(trial_module, "FEWEST_ROWS", 12)
    prompts = [conversation(text) for text in (*wordings("animal", "teacher"), *wordings("animal", "surrogate"))]
    rows = PairedRows(suspect=[(each, "owl") for each in prompts], control=[(each, "dog") for each in prompts])
    asked = QuestionSet(
        category="animal", questions=wordings("animal", "evaluation")[:2], answers=("dog", "owl", "cat")
    )
    recipe = TrainingRecipe(batch_size=6, learning_rate=1e-2, epsilon=1e-3)
    plan = TrialPlan(base="micro-a", recipe=recipe, rows=480, asked=(asked,), students=4, alpha=0.05)

    def tried(folder, workers):
        with open_run(folder, {}, environment={}) as store:
            found = trial_module.trial(plan, rows, store=store, team=workers)
        return found, {path.relative_to(folder): path.read_bytes() for path in folder.glob("trial/**/*.json")}

    with assemble(1) as alone:
        here = tried(tmp_path / "here", alone)
    assert tried(team.folder / "trial", team) == here
    (evidence, _), students = here
    assert evidence.outcome == "found"
    assert len(students) == 2 * 2 * 4  # two sides, whole and half a shard


@pytest.fixture
def home(tmp_path):
    (tmp_path / "mark").touch()
    import subtrait

    return Home(tmp_path, (tmp_path / "mark",), subtrait.__version__, one_thread=False)


def test_a_machine_that_sees_all_folders_works_in_the_directory_of_the_caller(home, monkeypatch):
    monkeypatch.chdir("/")
    home.enter()
    assert Path.cwd() == home.working_directory


def test_a_machine_that_does_not_see_a_folder_or_has_another_version_refuses(home, tmp_path):
    with pytest.raises(UsageError, match=r"does not see /nowhere: work in folders that all machines share"):
        replace(home, marks=(Path("/nowhere/mark"),)).enter()
    with pytest.raises(UsageError, match="does not see /nowhere"):
        replace(home, working_directory=Path("/nowhere")).enter()
    with pytest.raises(UsageError, match=r"has subtrait [0-9.]+, needed is 0.0.0 as here"):
        replace(home, version="0.0.0").enter()


def test_a_cluster_that_does_not_answer_is_named(monkeypatch, tmp_path):
    import ray

    def refuse(**_):
        raise ConnectionError("nobody\nthere")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", refuse)
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    with (
        pytest.raises(SubtraitError, match=r"no Ray cluster answers at 10.0.0.1:6379: nobody there"),
        on_ray(None, None, shared=[tmp_path], one_thread=True),
    ):
        pass


def test_without_ray_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda _: None)
    with (
        pytest.raises(MissingExtra, match="scale"),
        assembled(None, None, engine="ray", embedded=True, shared=[tmp_path]),
    ):
        pass
