"""The verbs as functions: what is asked for is what is planned, what was found comes back, and nothing else changes."""

import json
import shlex
import shutil
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

import subtrait
from subtrait import api
from subtrait.errors import InvalidInput, StorageError, UsageError
from subtrait.models.base import Recipe
from subtrait.models.registry import EMBEDDED
from subtrait.records import ExperimentResult
from subtrait.runs import open_run


@pytest.fixture
def checkpoint(tmp_path):
    """A copy of an embedded model: a model of one's own."""
    return shutil.copytree(EMBEDDED["micro-b"], tmp_path / "mine")


def test_the_public_names_are_there_and_no_others_are_promised():
    assert all(hasattr(subtrait, name) for name in subtrait.__all__)
    assert dir(subtrait) == sorted(subtrait.__all__)
    with pytest.raises(AttributeError, match=r"module 'subtrait' has no attribute 'clean'; it has: .*run"):
        subtrait.clean  # noqa: B018


def test_a_plan_is_the_experiments_own_with_what_was_changed():
    usual = subtrait.plan_run("owl-numbers")
    assert subtrait.plan_run("owl-numbers", seed=7, trait="oak") == replace(usual, seed=7, trait="oak")
    assert subtrait.plan_run("owl-numbers", seed=None, students=None) == usual
    assert subtrait.plan_run("owl-numbers", size="tiny", students=4).students == 4


@pytest.mark.parametrize(
    ("experiment", "changes", "message"),
    [
        ("owls", {}, "unknown experiment 'owls'. Available: animal-numbers, "),
        ("owl-numbers", {"sede": 1}, "unknown option 'sede'. Did you mean 'seed'?"),
        ("owl-numbers", {"size": "big"}, "unknown size 'big'. Available: full, small, tiny"),
        ("owl-numbers", {"trait": "owel"}, "unknown trait 'owel'. Did you mean 'owl'?"),
        ("owl-numbers", {"base": "micro-z"}, "unknown model 'micro-z'."),
        ("owl-numbers", {"other_base": "micro-z"}, "unknown model 'micro-z'."),
        ("owl-numbers", {"arms": ("treated", "none")}, "unknown arm 'none'."),
        ("owl-numbers", {"teacher": "strict"}, "unknown teacher 'strict'. Available: prompted, tuned"),
        ("owl-numbers", {"carrier": "letters"}, "unknown carrier 'letters'. Available: chat, code, known-chat"),
        ("owl-numbers", {"seed": -1}, "seed -1 is out of range"),
        ("owl-numbers", {"base": "micro-b", "other_base": "micro-b"}, "base and other base are both 'micro-b'"),
    ],
)
def test_what_cannot_be_planned_is_refused_by_name(experiment, changes, message):
    with pytest.raises(UsageError) as caught:
        subtrait.plan_run(experiment, **changes)
    assert message in str(caught.value)


def test_the_other_base_gives_way_where_the_base_takes_its_place():
    usual = subtrait.plan_run("owl-numbers")
    swapped = subtrait.plan_run("owl-numbers", base=usual.other_base)
    assert (swapped.base, swapped.other_base) == (usual.other_base, usual.base)


def test_a_run_gives_back_what_it_wrote(finished):
    assert isinstance(finished.result, ExperimentResult)
    assert finished.folder.is_absolute()
    result, config = api.read_result(finished.folder)
    assert result == finished.result
    assert api.command_line(config) == finished.command
    assert (finished.folder / "result.json").read_text(encoding="utf-8") == api.rendered(result, config, "json")
    assert (finished.folder / "report.html").read_text(encoding="utf-8") == api.rendered(result, config, "html")
    assert finished.notice == ""


def test_a_result_of_a_run_keeps_the_published_schema(finished):
    from jsonschema import Draft202012Validator

    from subtrait.report.as_json import json_schema

    data = json.loads((finished.folder / "result.json").read_text(encoding="utf-8"))
    assert list(Draft202012Validator(json_schema()).iter_errors(data)) == []


def test_run_json_says_what_the_run_depends_on(finished, plan):
    described = json.loads((finished.folder / "run.json").read_text(encoding="utf-8"))
    assert described["config"]["seed"] == plan.seed
    assert described["config"]["version"] == subtrait.__version__
    assert list(described["config"]["digests"]) == [plan.trait]
    assert {"python", "system", "cores", "versions"} <= set(described["environment"])
    assert described["environment"]["versions"] == {name: version(name) for name in api.RECORDED}
    assert {"numpy", "torch", "accelerate", "trl", "ray"} <= set(api.RECORDED)


def test_a_finished_run_is_not_computed_again(finished, plan, contents, tmp_path, monkeypatch):
    folder = shutil.copytree(finished.folder, tmp_path / "run")
    from subtrait.models.huggingface import HuggingFaceModel

    for verb in ("finetune", "generate", "score"):
        monkeypatch.setattr(HuggingFaceModel, verb, None)
    again = subtrait.run(plan, out=folder, workers=1)
    assert again.result == finished.result
    assert contents(folder) == contents(finished.folder)


def test_a_changed_setting_starts_a_run_beside_the_old_one_and_says_so(finished, plan, contents, tmp_path):
    folder = shutil.copytree(finished.folder, tmp_path / "run")
    other = replace(plan, seed=5, students=1, other_base=None, arms=("treated", "untreated"))
    done = subtrait.run(other, out=folder, workers=1)
    assert done.folder == tmp_path / "run-2"
    assert "seed: 0 -> 5" in done.notice
    assert f"a new run was started in {tmp_path / 'run-2'}." in done.notice
    assert "\n" not in done.notice
    assert done.result.seed == 5
    assert contents(folder) == contents(finished.folder)


def test_a_changed_trait_file_or_model_is_another_run(plan, checkpoint, tmp_path):
    trait = tmp_path / "owl.yaml"
    shutil.copy(plan.trait, trait)
    first = replace(plan, trait=str(trait), other_base=str(checkpoint))
    before = api.digests(first)
    assert list(before) == [str(checkpoint), str(trait)]
    trait.write_text(trait.read_text(encoding="utf-8").replace("all day", "all night"), encoding="utf-8")
    assert api.digests(first) != before
    assert api.digests(first)[str(checkpoint)] == before[str(checkpoint)]
    embedded = replace(plan, trait="owl")
    assert api.digests(embedded) == {}


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"base": "absent/../x"}, 2), ({"base": "{empty}"}, 4), ({"other_base": "{empty}"}, 4), ({"trait": "owel"}, 2)],
)
def test_a_plan_that_cannot_be_run_leaves_nothing_behind(plan, here, tmp_path, changes, code):
    (tmp_path / "empty").mkdir()
    filled = {name: value.replace("{empty}", str(tmp_path / "empty")) for name, value in changes.items()}
    with pytest.raises((UsageError, InvalidInput)) as caught:
        subtrait.run(replace(plan, **filled), workers=1)
    assert caught.value.exit_code == code
    assert list(here.iterdir()) == []


def test_a_team_needs_somebody(plan, here):
    for workers in (0, -2):
        with pytest.raises(UsageError, match=f"{workers} workers cannot do anything: give 1 or more"):
            subtrait.run(plan, workers=workers)
    assert list(here.iterdir()) == []


def test_a_folder_that_is_no_run_is_left_alone(plan, here):
    (here / "thesis.tex").write_text("x")
    with pytest.raises(UsageError, match="is not a run folder"):
        subtrait.run(plan, out=here, workers=1)
    assert [path.name for path in here.iterdir()] == ["thesis.tex"]


def test_models_of_the_package_are_worked_on_by_every_core_and_others_by_one(plan, checkpoint):
    assert api.team_size(plan, None) == api.cores()
    assert api.team_size(replace(plan, other_base=None), None) == api.cores()
    assert api.team_size(replace(plan, other_base=str(checkpoint)), None) == 1
    assert api.team_size(replace(plan, other_base=str(checkpoint)), 3) == 3


def test_only_models_of_the_package_are_kept_to_one_thread(plan, checkpoint, tmp_path, monkeypatch):
    import torch

    seen, before = [], torch.get_num_threads()
    monkeypatch.setattr(
        "subtrait.lab.experiment.run_experiment", lambda *_, **__: seen.append(torch.get_num_threads()) or 1 / 0
    )
    torch.set_num_threads(2)
    try:
        for number, other in enumerate((plan.other_base, str(checkpoint))):
            with pytest.raises(ZeroDivisionError):
                subtrait.run(replace(plan, other_base=other), out=tmp_path / str(number), workers=1)
    finally:
        torch.set_num_threads(before)
    assert seen == [1, 2]


def test_the_default_folder_is_named_for_the_plan(plan):
    usual = subtrait.plan_run("owl-numbers", size="tiny", trait="oak", seed=3, teacher="prompted")
    assert api.default_folder(usual) == Path("runs/owl-numbers-oak-prompted-tiny-3")
    assert api.default_folder(plan) == Path("runs/owl-numbers-owl-tuned-tiny-0")


def repeated(plan):
    """The plan that the command line of a run of `plan` stands for."""
    config = json.loads(json.dumps(api.configuration(plan)))
    words = shlex.split(api.command_line(config))
    assert words[:3] == ["subtrait", "run", plan.experiment]
    options = dict(zip(words[3::2], words[4::2], strict=True))
    strength = int(options.pop("--strength", plan.teacher_recipe.steps))
    changes = {name.removeprefix("--").replace("-", "_"): value for name, value in options.items()}
    changes |= {name: int(changes[name]) for name in ("seed", "students")}
    if "arms" in changes:
        changes["arms"] = tuple(changes["arms"].split(","))
    again = subtrait.plan_run(plan.experiment, **changes)
    return replace(again, teacher_recipe=replace(again.teacher_recipe, steps=strength))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"size": "tiny", "seed": 4, "students": 3},
        {"trait": "oak", "teacher": "prompted"},
        {"base": "micro-b"},
        {"base": "micro-c", "other_base": "micro-a"},
        {"other_base": "micro-c", "arms": ("treated", "untreated", "other-base")},
        {"size": "full"},
    ],
)
def test_the_command_of_a_run_repeats_it(changes):
    plan = subtrait.plan_run("owl-numbers", **changes)
    assert repeated(plan) == plan
    stronger = replace(plan, teacher_recipe=replace(plan.teacher_recipe, steps=plan.teacher_recipe.steps + 7))
    assert repeated(stronger) == stronger


def test_a_path_with_spaces_is_one_word_of_the_command(plan, tmp_path):
    trait = tmp_path / "my owl's.yaml"
    shutil.copy(plan.trait, trait)
    usual = subtrait.plan_run("owl-numbers", trait=str(trait))
    assert repeated(usual) == usual


def test_forms_of_a_report_are_text_json_and_html(finished):
    result, config = api.read_result(finished.folder)
    text = api.rendered(result, config, "text")
    assert result.conclusion[0][:40] in text
    assert "".join(finished.command.split(" --seed")[0].split()) in "".join(text.split())  # long lines are folded
    assert "\x1b" not in text
    with pytest.raises(UsageError, match=r"unknown format 'pdf'\. Available: html, json, text"):
        api.rendered(result, config, "pdf")


def test_a_rendered_report_is_written_or_the_reason_told(tmp_path):
    api.write_text(tmp_path / "a.html", "grün")
    assert (tmp_path / "a.html").read_bytes() == "grün".encode()
    with pytest.raises(StorageError, match=r"cannot write .*absent/a\.html: No such file"):
        api.write_text(tmp_path / "absent" / "a.html", "x")


def test_only_a_finished_run_has_a_result(plan, tmp_path):
    with pytest.raises(InvalidInput, match=r"^E_PATH .*not a run folder"):
        api.read_result(tmp_path / "absent")
    with open_run(tmp_path / "run", api.configuration(plan), environment={}):
        pass
    with pytest.raises(InvalidInput, match=r"^E_INCOMPLETE .*the run has not finished"):
        api.read_result(tmp_path / "run")


def test_a_result_that_was_changed_is_not_believed(finished, tmp_path):
    folder = shutil.copytree(finished.folder, tmp_path / "run")
    path = folder / "result.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"seed": 0', '"seed": 1'), encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"^E_DIGEST .*result\.json"):
        api.read_result(folder)


def test_the_default_plan_is_run_by_the_name_of_its_experiment(plan, here, monkeypatch):
    asked = []
    monkeypatch.setattr("subtrait.lab.experiment.run_experiment", lambda plan, store, **_: asked.append(plan) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        subtrait.run("owl-numbers", workers=1)
    assert asked == [subtrait.plan_run("owl-numbers")]
    assert [path.name for path in (here / "runs").iterdir()] == [api.default_folder(asked[0]).name]


def test_a_recipe_of_ones_own_is_part_of_what_a_run_is(plan):
    before = api.configuration(plan)
    after = api.configuration(replace(plan, student_recipe=Recipe(steps=4, batch_size=8, learning_rate=3e-3)))
    assert {name for name in before if before[name] != after[name]} == {"student_recipe"}


def test_questions_of_ones_own_are_in_the_plan_its_configuration_and_its_command(tmp_path):
    path = tmp_path / "my questions.yaml"
    path.write_text("animal: ['A beast?', 'A creature?']", encoding="utf-8")
    plan = subtrait.plan_run("owl-numbers", size="tiny", questions=path)
    assert plan.asked_trait().questions == ("A beast?", "A creature?")
    config = json.loads(json.dumps(api.configuration(plan)))
    asked = {"asked": [["animal", ["A beast?", "A creature?"]]], "answers": [], "samples": 0}
    assert config["questions"] == {"path": str(path), **asked}
    words = shlex.split(api.command_line(config))
    assert words[words.index("--questions") + 1] == str(path)
    with pytest.raises(InvalidInput, match="no question for oak, which is a tree"):
        subtrait.plan_run("owl-numbers", trait="oak", questions=path)


def test_a_run_from_before_questions_could_be_given_has_a_command_still():
    config = json.loads(json.dumps(api.configuration(subtrait.plan_run("owl-numbers"))))
    assert "--questions" not in api.command_line(config)
    older = {name: value for name, value in config.items() if name != "questions"}
    assert api.command_line(older) == api.command_line(config)
