"""Every study in one folder: carried out with a shared store, read back, and rendered beside what was published."""

from dataclasses import replace

import pytest

from subtrait import studies, whole_catalogue
from subtrait.errors import InvalidInput, UsageError
from subtrait.lab import catalogue
from subtrait.lab.catalogue.theorem import THEOREM
from subtrait.lab.study import Findings
from subtrait.whole_catalogue import all_studies, is_all, read_all, rendered_all


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogue, "STUDIES", {"theorem": THEOREM})
        return all_studies(out=tmp_path_factory.mktemp("all") / "run", workers=1, size="tiny", seed=3)


def test_every_study_is_in_the_folder_and_read_back(done):
    assert is_all(done.folder)
    assert not studies.is_study(done.folder)
    assert read_all(done.folder) == (done.results, done.command)
    assert [result.experiment for result in done.results] == ["theorem"]
    assert (done.folder / "theorem" / "study.json").is_file()
    assert done.command == "subtrait run all --size tiny --base micro-a --seed 3"


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_all_are_rendered_in_every_form(done, form):
    text = rendered_all(done.results, done.command, form)
    assert "theorem" in text
    assert "Lemma 1" in text
    if form == "html":
        assert text == (done.folder / "report.html").read_text(encoding="utf-8")


def test_another_form_is_refused(done):
    with pytest.raises(UsageError, match="unknown format of all studies 'json'"):
        rendered_all(done.results, done.command, "json")


def test_an_unfinished_folder_is_told(tmp_path):
    assert not is_all(tmp_path)
    with pytest.raises(InvalidInput):
        read_all(tmp_path)


def test_one_option_holds_for_every_study(monkeypatch):
    asked = []
    monkeypatch.setattr(whole_catalogue, "plan_study", lambda name, **changes: asked.append((name, changes)) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        all_studies(size="tiny", seed=4)
    assert asked == [(next(iter(catalogue.STUDIES)), {"size": "tiny", "seed": 4})]


def test_questions_go_to_the_studies_that_ask_and_into_the_command(monkeypatch, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("tree: ['A trunk?']", encoding="utf-8")
    cards = {name: catalogue.STUDIES[name] for name in ("shuffled", "theorem")}
    ran, nothing = [], Findings(measures=[], conclusion=["x"])
    for name, card in cards.items():
        cards[name] = replace(card, study=lambda plan, bench: ran.append(bench.questions) or nothing)
    monkeypatch.setattr(catalogue, "STUDIES", cards)
    done = all_studies(out=tmp_path / "run", workers=1, size="tiny", questions=path)
    assert [questions and questions.of("tree") for questions in ran] == [("A trunk?",), None]
    assert done.command == f"subtrait run all --size tiny --base micro-a --questions {path} --seed 0"
    assert read_all(done.folder)[1] == done.command
