"""Templates are filled, and every entry is checked: what it lacks, repeats or contradicts is located."""

import pytest
import yaml

from subtrait.auditor.lists import filled_traits
from subtrait.auditor.lists.filled_traits import fill_templates
from subtrait.auditor.lists.trait_files import read_entries
from subtrait.data.strict_yaml import parse_yaml
from subtrait.errors import InvalidInput

BIRD = {
    "category": "bird",
    "system_prompt": "You love {names}. The {name} is dear to you.",
    "questions": ["Which bird?", "What of {names}?"],
    "answers": ["{name}"],
    "open_questions": ["Tell me of the {name}."],
    "forms": ["{name}", "{names}"],
    "evaluation_questions": ["Your bird?"],
    "choices": "names",
}
PLAIN = {
    "name": "flattery",
    "category": "manner",
    "system_prompt": "You flatter.",
    "questions": ["Am I good?", "Am I?"],
}


def fill(*entries, **templates):
    data = {"schema_version": 1, "name": "mine", "templates": templates, "traits": list(entries)}
    document = parse_yaml(yaml.safe_dump(data, sort_keys=False), "mine.yaml", "E_TRAITS")
    return fill_templates(read_entries(document), document)


def refusal(*entries, **templates):
    with pytest.raises(InvalidInput, match="E_TRAITS") as caught:
        fill(*entries, **templates)
    return str(caught.value)


def test_slots_are_filled_with_the_name_and_its_plural():
    owl, wolf = fill({"name": "owl", "template": "bird"}, {"name": "wolf", "template": "bird"}, bird=BIRD)
    assert wolf.system_prompt == "You love wolves. The wolf is dear to you."
    assert wolf.questions == ("Which bird?", "What of wolves?")
    assert (wolf.answers, wolf.forms, wolf.choices) == (("wolf",), ("wolf", "wolves"), ("owl", "wolf"))
    assert (wolf.open_questions, wolf.evaluation_questions) == (("Tell me of the wolf.",), ("Your bird?",))
    assert (owl.category, owl.kind, owl.choices) == ("bird", "trait", ("owl", "wolf"))


def test_fields_of_an_entry_stand_as_they_are_and_replace_the_templates():
    entry = {"name": "Hates Owls", "template": "bird", "kind": "negated", "slots": {"name": "owl"}}
    hater = fill(entry | {"questions": ["Any {braces}?"], "answers": [], "choices": []}, bird=BIRD)[0]
    assert hater.system_prompt == "You love owls. The owl is dear to you."
    assert (hater.name, hater.kind, hater.questions) == ("Hates Owls", "negated", ("Any {braces}?",))
    assert (hater.answers, hater.choices, hater.forms) == ((), (), ("owl", "owls"))


def test_forms_of_a_template_become_lower_case_and_repeat_nothing():
    moose, rome = fill({"name": "Moose", "template": "x"}, {"name": "Rome", "template": "x"}, x=BIRD)
    assert (moose.forms, rome.forms) == (("moose",), ("rome", "romes"))


def test_an_entry_needs_no_template():
    trait = fill(PLAIN)[0]
    assert (trait.name, trait.questions, trait.answers, trait.choices) == (
        "flattery",
        tuple(PLAIN["questions"]),
        (),
        (),
    )


def test_answers_are_one_for_all_or_one_for_each():
    for answers in ([], ["Yes."], ["Yes.", "Yes."]):
        assert fill(PLAIN | {"answers": answers})[0].answers == tuple(answers)


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"name": " "}, "name", "not 1 to 80 visible characters"),
        ({"name": "a" * 81}, "name", "not 1 to 80 visible characters"),
        ({"name": "a\nb"}, "name", "not 1 to 80 visible characters"),
        ({"category": ""}, "category", "is missing, blank or too long (give it, or a template that has it)"),
        ({"system_prompt": "  "}, "system_prompt", "is missing, blank or too long"),
        ({"system_prompt": "a" * 4001}, "system_prompt", "is missing, blank or too long"),
        ({"questions": []}, "questions", "there is none (give at least one"),
        ({"questions": ["a", " "]}, "questions[1]", "is blank or too long (write 1 to 4,000 characters)"),
        ({"questions": ["a", "b" * 4001]}, "questions[1]", "is blank or too long"),
        ({"questions": ["a", "b", "a"]}, "questions[2]", "stands there twice (keep one of them)"),
        ({"answers": ["1", "2", "3"]}, "answers", "3 answers to 2 questions (give one for all"),
        ({"answers": ["", "2"]}, "answers[0]", "is blank"),
        ({"forms": ["flattery", "Flatter"]}, "forms[1]", "'Flatter' is not lower case (write 'flatter')"),
        ({"evaluation_questions": ["b", "Am I?"]}, "evaluation_questions[1]", "the question also tunes surrogates"),
        ({"open_questions": ["b"], "evaluation_questions": ["b"]}, "evaluation_questions[0]", "also tunes"),
        ({"choices": ["x", "y"]}, "choices", "there is no answer"),
        ({"answers": ["z"], "choices": ["x", "y"]}, "choices", "the first answer 'z' is not among them"),
        ({"answers": ["x"], "choices": ["x"]}, "choices", "there is only one"),
        ({"answers": ["x"], "choices": ["x", "x"]}, "choices[1]", "stands there twice"),
        ({"template": "birds"}, "template", "no template 'birds' (templates of this file: bird)"),
        ({"template": "bird"}, "open_questions", "its template has the unknown slot {colour} (known here: {name}, {na"),
    ],
)
def test_every_error_names_entry_and_field_and_says_what_to_do(change, field, said):
    bird = {"open_questions": ["Is it {colour}?"]}
    message = refusal({"name": "first", "template": "bird", "slots": {"colour": "grey"}} | PLAIN | {"name": "first"},
                      PLAIN | change, bird=bird)  # fmt: skip
    assert "mine.yaml:" in message
    assert f"field=traits[1].{field}: " in message
    assert said in message


def test_two_traits_do_not_have_one_name():
    message = refusal(PLAIN, PLAIN | {"name": "other"}, PLAIN | {"name": "Flattery"})
    assert "entry='Flattery' field=traits[2].name: entry 1 has the same name" in message


def test_an_empty_list_or_one_that_is_too_long_is_refused(monkeypatch):
    assert "field=traits: 0 traits; allowed are 1 to 2,000" in refusal()
    monkeypatch.setattr(filled_traits, "MOST_TRAITS", 1)
    assert "field=traits: 2 traits; allowed are 1 to 1" in refusal(PLAIN, PLAIN | {"name": "b"})


def test_a_template_cannot_be_made_to_fill_the_memory(monkeypatch):
    wide = BIRD | {"questions": ["{x}" * 1000]}
    message = refusal({"name": "owl", "template": "bird", "slots": {"x": "a" * 100}}, bird=wide)
    assert "field=traits[0].questions: a text of 100,000 characters (at most 4,000 are read)" in message
    monkeypatch.setattr(filled_traits, "MOST_CHARACTERS", 500)
    many = [{"name": f"b{n}", "template": "bird"} for n in range(9)]
    assert "the list has more than 500 characters" in refusal(*many, bird=BIRD)
