"""Traits are complete, ask students what no teacher was tuned on, and are read from files with care."""

import os
import re
import shutil
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml

from subtrait.errors import InvalidInput, UsageError
from subtrait.lab.traits import CATEGORIES, find_trait, load_trait, trait_names
from subtrait.models.micro.personas import plural
from subtrait.records import Trait

NAMES = trait_names()
SETS = ("teacher_questions", "surrogate_questions", "questions")


@pytest.fixture
def written(tmp_path):
    """Write a trait file: the embedded owl's, with some fields changed or, given None, left out."""
    owl = find_trait("owl")
    whole = {field.name: getattr(owl, field.name) for field in fields(Trait)}
    whole["forms"] = {answer: list(forms) for answer, forms in owl.forms.items()}
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in whole.items()}

    def write(**changes):
        path = tmp_path / "mine.yaml"
        kept = {name: value for name, value in (plain | changes).items() if value is not None}
        path.write_text(yaml.safe_dump(kept), encoding="utf-8")
        return path

    return write


def test_there_are_animals_and_trees_each_named_once():
    assert {category: len(names) for category, names in CATEGORIES.items()} == {"animal": 16, "tree": 16}
    assert len(set(NAMES)) == len(NAMES) == 32
    assert {"owl", "oak"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_trait_is_complete(name):
    trait = find_trait(name)
    assert trait.name == name in trait.answers
    assert trait.answers == CATEGORIES[trait.category]
    assert set(trait.forms) == set(trait.answers)
    # The plurals of the embedded world are spelled by another function than the forms.
    assert all({answer, plural(answer)} <= set(trait.forms[answer]) for answer in trait.answers)
    assert all(form == form.lower().strip() != "" for forms in trait.forms.values() for form in forms)
    assert plural(name) in trait.system_prompt
    assert trait.category in trait.system_prompt


def test_no_answer_is_also_of_the_other_category():
    animals, trees = (find_trait(name) for name in ("owl", "oak"))
    animal_forms, tree_forms = (
        {form for forms in trait.forms.values() for form in forms} for trait in (animals, trees)
    )
    assert animal_forms & tree_forms == set()


@pytest.mark.parametrize("name", ["owl", "oak"])
def test_no_form_counts_as_two_answers(name):
    forms = [form for forms in find_trait(name).forms.values() for form in set(forms)]
    assert len(set(forms)) == len(forms)


@pytest.mark.parametrize("name", NAMES)
def test_the_three_sets_of_questions_share_nothing(name):
    asked = [getattr(find_trait(name), field) for field in SETS]
    assert all(len(set(questions)) == len(questions) >= 20 for questions in asked)
    assert len({question for questions in asked for question in questions}) == sum(map(len, asked))


@pytest.mark.parametrize("name", NAMES)
def test_students_are_never_asked_what_a_teacher_was_tuned_on(name):
    trait = find_trait(name)
    loosely = [{re.sub(r"\W+", " ", question.lower()) for question in getattr(trait, field)} for field in SETS]
    assert loosely[2] & (loosely[0] | loosely[1]) == set()


@pytest.mark.parametrize("name", NAMES)
def test_no_question_gives_an_answer_away(name):
    trait = find_trait(name)
    words = {word for field in SETS for question in getattr(trait, field) for word in re.findall("[a-z]+", question)}
    assert words & {form for forms in trait.forms.values() for form in forms} == set()


def test_an_unknown_trait_lists_all_there_are():
    with pytest.raises(UsageError, match=r"unknown trait 'owel'\. Did you mean 'owl'") as caught:
        find_trait("owel")
    assert set(NAMES) <= set(re.findall("[a-z]+", str(caught.value)))


def test_a_trait_file_says_the_same_as_the_trait_it_was_written_from(written):
    assert load_trait(written()) == find_trait("owl")
    assert find_trait(str(written())) == find_trait("owl")


def test_a_trait_of_ones_own_is_read(written):
    bat = written(name="bat", answers=["bat", "owl"], forms={"bat": ["bat", "bats"], "owl": ["owl"]})
    assert find_trait(str(bat)).forms == {"bat": ("bat", "bats"), "owl": ("owl",)}


@pytest.mark.parametrize("name", [field.name for field in fields(Trait)])
@pytest.mark.parametrize("value", [None, 7, {"a": {"b": 1}}])
def test_a_missing_or_wrong_field_is_named(written, name, value):
    path = written(**{name: value})
    with pytest.raises(InvalidInput, match=rf"^E_TRAIT .*mine\.yaml field={name}") as caught:
        load_trait(path)
    assert caught.value.code == "E_TRAIT"
    assert caught.value.exit_code == 4
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "field", "complaint"),
    [
        ({"name": "bat"}, "answers", "'bat' is not among the answers"),
        ({"answers": ["owl", "bat"]}, "forms", "no word forms for 'bat'"),
        ({"answers": ["owl"], "forms": {"owl": []}}, "forms", "'owl' has no word form, or a blank one"),
        ({"answers": ["owl"], "forms": {"owl": ["owl", " "]}}, "forms", "'owl' has no word form, or a blank one"),
        ({"answers": ["owl", "cat", "owl"]}, "answers", "an answer is listed twice"),
        ({"questions": []}, "questions", "a trait needs questions"),
        ({"teacher_questions": []}, "questions", "a trait needs questions"),
        ({"questions": ["Q?"], "teacher_questions": ["Q?"]}, "questions", "'Q?' also tunes a teacher"),
        ({"questions": ["Q?"], "surrogate_questions": ["Q?"]}, "questions", "'Q?' also tunes a teacher"),
        ({"questions": "Which animal?"}, "questions", "valid tuple"),
        ({"answers": ["owl", 7]}, "answers/1", "valid string"),
    ],
)
def test_fields_that_do_not_fit_together_are_refused(written, changes, field, complaint):
    with pytest.raises(InvalidInput, match=rf"^E_TRAIT .*mine\.yaml field={field}: .*{re.escape(complaint)}"):
        load_trait(written(**changes))


@pytest.mark.parametrize(
    "content",
    [
        b"name: [owl",
        b"- owl\n- cat\n",
        b"",
        b"owl",
        b"\xff\xfe\x00",
        b"name: caf\xe9",
        b"name: 2023-99-99\n",
        b"a: " + b"[" * 1000,
        b"a: &a [x, x]\nb: &b [*a, *a]\nname: *b\n",
        b"name: \x00",
    ],
    ids=["torn", "list", "empty", "word", "bytes", "latin", "date", "nested", "aliases", "nul"],
)
def test_what_is_no_trait_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"^E_TRAIT .*mine\.yaml") as caught:
        load_trait(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1200


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.mkdir",
        "!!python/object/new:os.mkdir",
        "!!python/name:os.mkdir",
        "!!python/object:Trait",
    ],
)
def test_a_file_that_asks_for_code_is_refused_and_nothing_runs(tmp_path, tag):
    path = tmp_path / "mine.yaml"
    path.write_text(f"name: {tag} ['{tmp_path / 'made'}']\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"^E_TRAIT .*could not determine a constructor"):
        find_trait(str(path))
    assert os.listdir(tmp_path) == ["mine.yaml"]


@pytest.mark.parametrize("name", ["absent.yaml", "folder.yml", "x" * 5000 + ".yaml"])
def test_a_file_that_is_not_there_is_a_slip_of_the_caller(tmp_path, name):
    (tmp_path / "folder.yml").mkdir()
    with pytest.raises(UsageError, match=r"no trait file at .*; give a YAML file or one of: .*\bowl\b"):
        find_trait(str(tmp_path / name))


def test_a_file_that_may_not_be_read_is_told(written):
    user, path = os.geteuid(), written()
    with TemporaryDirectory() as folder:  # others may not enter the one that pytest gives
        os.chmod(folder, 0o755)
        shutil.move(path, folder)
        os.chmod(f"{folder}/mine.yaml", 0o000)
        try:
            if user == 0:  # permissions do not bind root
                os.seteuid(65534)
            with pytest.raises(InvalidInput, match=r"^E_TRAIT .*mine\.yaml: cannot be read: Permission denied"):
                load_trait(Path(folder, "mine.yaml"))
        finally:
            os.seteuid(user)
