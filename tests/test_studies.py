"""A study is a folder: planned, carried out, gone on with, read back and rendered, the same each time."""

import json
import shlex
from dataclasses import replace

import pytest

import subtrait
from subtrait import studies
from subtrait.errors import InvalidInput, UsageError
from subtrait.lab.catalogue import STUDIES
from subtrait.lab.study import Findings, StudyPlan, run_study
from subtrait.lab.team import Alone
from subtrait.runs.folder import RunFolder

PLAN = StudyPlan(experiment="theorem", size="tiny", seed=3)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    return studies.study(PLAN, out=tmp_path_factory.mktemp("theorem") / "run", workers=1)


def test_a_study_writes_its_result_and_report(done):
    assert studies.is_study(done.folder)
    result, config = studies.read_study(done.folder)
    assert result == done.result
    assert studies.command_line(config) == done.command
    assert done.result.question in (done.folder / "report.html").read_text(encoding="utf-8")


def test_a_finished_study_is_not_computed_again(done, monkeypatch):
    before = (done.folder / "study.json").read_bytes()
    again = studies.study(PLAN, out=done.folder, workers=1)
    assert again.result == done.result
    assert (done.folder / "study.json").read_bytes() == before


def test_a_study_is_rendered_in_every_form(done):
    result, config = studies.read_study(done.folder)
    assert json.loads(studies.rendered(result, config, "json"))["experiment"] == "theorem"
    assert studies.rendered(result, config, "html") == (done.folder / "report.html").read_text(encoding="utf-8")
    assert result.conclusion[0][:60] in studies.rendered(result, config, "text")
    with pytest.raises(UsageError, match="unknown format 'pdf'"):
        studies.rendered(result, config, "pdf")


@pytest.mark.parametrize(
    ("experiment", "changes", "said"),
    [
        ("theorems", {}, "unknown study 'theorems'. Did you mean 'theorem'?"),
        ("shuffled", {"arms": "treated"}, "unknown option of shuffled 'arms'"),
        ("shuffled", {"base": "micro-z"}, "unknown model 'micro-z'"),
        ("shuffled", {"files": "."}, "shuffled takes no files"),
    ],
)
def test_what_cannot_be_planned_is_refused(experiment, changes, said):
    with pytest.raises(UsageError) as caught:
        subtrait.plan_study(experiment, **changes)
    assert said.partition(". ")[0] in str(caught.value)


def test_the_command_names_what_was_chosen():
    plan = subtrait.plan_study("shuffled", size="full", seed=4, students=7, base="micro-b")
    command = studies.command_line(studies.configuration(plan))
    assert command == "subtrait run shuffled --size full --base micro-b --students 7 --seed 4"


def test_a_folder_that_holds_no_study_is_told(tmp_path, done):
    assert not studies.is_study(tmp_path)
    with pytest.raises(InvalidInput, match="not a run folder"):
        studies.read_study(tmp_path)


def test_a_study_s_name_is_no_plan_of_arms():
    with pytest.raises(UsageError, match=r"subtrait\.study\('shuffled'\) runs it"):
        subtrait.plan_run("shuffled")


def test_workers_are_counted_as_in_runs():
    assert studies.team_size(PLAN, 3) == 3
    with pytest.raises(UsageError, match="0 workers cannot do anything"):
        studies.team_size(PLAN, 0)


@pytest.mark.parametrize("card", STUDIES.values(), ids=lambda card: card.name)
def test_a_card_stands_under_its_name_and_asks_one_question(card):
    assert STUDIES[card.name] is card
    assert card.question.endswith("?")
    assert card.question.count("?") == 1
    assert card.design
    assert card.published


@pytest.fixture
def asked(tmp_path):
    """A file with questions of the user's own."""
    path = tmp_path / "my questions.yaml"
    path.write_text("animal: ['A beast?']", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("experiment", "changes", "said"),
    [
        ("shuffled", {"traits": "owl,cat"}, "shuffled takes no traits"),
        ("animal-numbers", {"traits": "owl,oak"}, "unknown trait of animal-numbers 'oak'"),
        ("tree-numbers", {"traits": "frequent,oak"}, "unknown trait of tree-numbers 'frequent'"),
        ("animal-numbers", {"traits": "owl,cat,owl"}, "a trait is asked for twice"),
        ("animal-numbers", {"traits": "owl"}, "name 2 traits or more"),
    ],
)
def test_traits_that_cannot_be_are_refused(experiment, changes, said):
    with pytest.raises(UsageError, match=said):
        subtrait.plan_study(experiment, **changes)


@pytest.mark.parametrize("experiment", ["theorem", "digits", "classifier"])
def test_who_asks_no_student_takes_no_questions(experiment, asked):
    with pytest.raises(UsageError, match=f"{experiment} asks no student for favourites"):
        subtrait.plan_study(experiment, questions=asked)


def test_the_command_repeats_traits_and_questions_and_the_configuration_holds_the_questions(asked):
    plan = subtrait.plan_study("animal-numbers", traits="owl, cat", questions=asked)
    assert plan.traits == ("owl", "cat")
    config = studies.configuration(plan)
    held = {"path": str(asked), "asked": [["animal", ["A beast?"]]], "answers": [], "samples": 0}
    assert config["study"]["questions"] == held
    words = shlex.split(studies.command_line(config))
    given = dict(zip(words[3::2], words[4::2], strict=True))
    assert (given["--traits"], given["--questions"]) == ("owl,cat", str(asked))
    again = subtrait.plan_study(words[2], traits=given["--traits"], questions=given["--questions"])
    assert again == plan
    asked.write_text("animal: ['Another beast?']", encoding="utf-8")
    assert studies.configuration(subtrait.plan_study("animal-numbers", traits="owl,cat", questions=asked)) != config


def test_a_folder_from_before_these_options_has_a_command_still():
    config = studies.configuration(PLAN)
    older = {name: value for name, value in config["study"].items() if name not in ("traits", "questions")}
    assert studies.command_line({"study": older}) == studies.command_line(config)


def test_the_result_says_which_questions_were_asked(asked, tmp_path):
    plan = subtrait.plan_study("animal-numbers", size="tiny", questions=asked)
    found = Findings(measures=[], conclusion=["x"], models=["micro-a"])
    card = replace(STUDIES["animal-numbers"], study=lambda plan, bench: found)
    result = run_study(card, plan, RunFolder(tmp_path / "run"), team=Alone())
    assert result.settings["questions"] == f"those of {asked}: 1 for animal"


def test_a_file_that_would_change_nothing_is_refused(asked):
    with pytest.raises(UsageError, match="has no question for tree, which tree-numbers asks about"):
        subtrait.plan_study("tree-numbers", questions=asked)
