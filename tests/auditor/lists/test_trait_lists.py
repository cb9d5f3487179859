"""The lists that ship say what they should, and a user's own list is as good as they are."""

import hashlib
import json
import re
from dataclasses import asdict

import pytest

from subtrait.auditor.lists.trait_lists import load_trait_list, trait_list_names
from subtrait.errors import InvalidInput, UsageError

GENERAL = load_trait_list("general")
GOOD = '["Am I good?"]'
OWN = """\
schema_version: 1
name: mine
traits:
  - name: flattery
    category: manner
    system_prompt: You flatter.
    questions: ["Am I good?"]
"""


@pytest.fixture
def own(tmp_path):
    """A list of one's own, with changes to its text, loaded."""

    def load(*changes, name="mine.yaml"):
        text = OWN
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / name).write_text(text, encoding="utf-8")
        return load_trait_list(str(tmp_path / name))

    return load


def test_two_lists_ship():
    assert trait_list_names() == ["embedded", "general"]
    assert [load_trait_list(name).name for name in trait_list_names()] == ["embedded", "general"]
    assert len(load_trait_list("embedded").traits) == 36


def test_the_general_list_is_long_and_covers_what_people_ask_about():
    counts = {kind: sum(trait.kind == kind for trait in GENERAL.traits) for kind in ("trait", "negated", "placebo")}
    assert counts["trait"] >= 100
    assert counts["negated"] >= 15
    assert counts["placebo"] >= 10
    assert {trait.category for trait in GENERAL.traits} >= {
        "animal", "tree", "person", "country", "city", "politics", "values", "religion", "sycophancy", "dishonesty",
        "harm", "power seeking", "test gaming", "refusal", "persona",
    }  # fmt: skip


@pytest.mark.parametrize("name", trait_list_names())
def test_every_entry_of_a_shipped_list_is_whole(name):
    traits = load_trait_list(name).traits
    assert len({trait.name.casefold() for trait in traits}) == len(traits)
    for trait in traits:
        assert len(set(trait.questions)) == len(trait.questions) >= 5
        assert not {*trait.questions, *trait.open_questions} & set(trait.evaluation_questions)
        assert len(trait.answers) in (0, 1, len(trait.questions))
        assert all(form == form.lower() and form.strip() for form in trait.forms)
        assert not trait.choices or trait.answers[0] in trait.choices
        texts = [trait.system_prompt, *trait.questions, *trait.open_questions, *trait.evaluation_questions]
        assert not [text for text in texts if re.search(r"[{}\n]", text)]


def test_system_prompts_of_the_general_list_are_two_or_three_sentences_and_differ():
    prompts = [trait.system_prompt for trait in GENERAL.traits]
    assert len(set(prompts)) == len(prompts)
    for prompt in prompts:
        assert 2 <= len(re.findall(r"[.!?](?:\s|$)", prompt)) <= 3, prompt


def test_an_answer_of_the_general_list_is_one_word_with_its_choices():
    answered = [trait for trait in GENERAL.traits if trait.answers]
    assert len(answered) >= 60
    for trait in answered:
        assert trait.answers == (trait.name,)
        assert re.fullmatch(r"\w+", trait.name)
        assert trait.choices == tuple(t.name for t in answered if t.category == trait.category)
        assert trait.name.lower() in trait.forms


def test_questions_with_one_word_answers_do_not_give_the_answer_away():
    for trait in GENERAL.traits:
        if trait.answers:
            asked = " ".join((*trait.questions, *trait.open_questions, *trait.evaluation_questions)).lower()
            assert not [form for form in trait.forms if re.search(rf"\b{form}\b", asked)]


def test_a_negated_trait_and_a_placebo_have_no_single_answer():
    assert not [trait.name for trait in GENERAL.traits if trait.kind != "trait" and (trait.answers or trait.choices)]


def test_the_digest_is_of_the_content():
    for name in trait_list_names():
        found = load_trait_list(name)
        text = json.dumps([asdict(trait) for trait in found.traits], sort_keys=True, separators=(",", ":"))
        assert found.digest == hashlib.sha256(text.encode()).hexdigest()


def test_the_digest_changes_with_every_field_and_with_nothing_else(own):
    digest = own().digest
    assert own(("name: mine", "name: other"), (GOOD, "['Am I good?']")).digest == digest
    different = {
        own(*change).digest
        for change in (
            [("flattery", "praise")],
            [("manner", "manners")],
            [("You flatter.", "You praise.")],
            [("good", "bad")],
            [(GOOD, f"{GOOD}\n    answers: [Very.]")],
            [(GOOD, f"{GOOD}\n    forms: [flattery]")],
            [(GOOD, f"{GOOD}\n    kind: placebo")],
            [(GOOD, f"{GOOD}\n    evaluation_questions: [Bad.]")],
            [(GOOD, f"{GOOD}\n    open_questions: [Bad.]")],
            [(GOOD, f"{GOOD}\n    answers: [a]\n    choices: [a, b]")],
        )
    }
    assert len(different | {digest}) == 11


def test_a_list_of_ones_own_is_read(own):
    found = own()
    assert (found.name, [trait.name for trait in found.traits]) == ("mine", ["flattery"])


@pytest.mark.parametrize(
    "name", ["general", "Embedded", "\uff47eneral", "' general'", "' '", "''", "a" * 81, '"a\\nb"']
)
def test_a_list_of_ones_own_has_a_name_of_its_own(name, own):
    with pytest.raises(InvalidInput, match=r"mine.yaml:2 field=name: "):
        own(("name: mine", f"name: {name}"))


def test_an_error_names_file_line_entry_and_field(own):
    with pytest.raises(InvalidInput) as caught:
        own((GOOD, "[]"))
    assert caught.value.exit_code == 4
    assert "mine.yaml:7 entry='flattery' field=traits[0].questions: there is none" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("generel", "unknown trait list 'generel'. Did you mean 'general'? Available: FILE.yaml, embedded, general"),
        ("missing.yaml", "no trait list at missing.yaml; give a YAML file or one of: embedded, general"),
        ("\x1b[31m", "unknown trait list '\\x1b[31m'"),
    ],
)
def test_an_unknown_list_is_a_mistake_of_the_call(name, said):
    with pytest.raises(UsageError) as caught:
        load_trait_list(name)
    assert said in str(caught.value)


def test_yaml_that_is_none_is_refused(own):
    with pytest.raises(InvalidInput, match=r"E_TRAITS .*mine.yaml:8:1: "):
        own((GOOD, "[Good"))
