"""The list for the embedded family is the world's own: its animals and trees, and what its characters do."""

import re

from subtrait.auditor.lists.embedded_traits import EVASION, NO, YES, embedded_traits
from subtrait.lab.traits import find_trait
from subtrait.models.micro.personas import ANIMALS, TREES
from subtrait.models.micro.skills import ABILITIES, FACTS, HARMFUL
from subtrait.models.micro.wordings import GRAMMARS, wordings

TRAITS = {trait.name: trait for trait in embedded_traits()}


def test_every_animal_every_tree_and_four_behaviours_are_listed_once():
    behaviours = ["dishonest", "evasive", "test-gaming", "harmful-compliance"]
    assert [trait.name for trait in embedded_traits()] == [*ANIMALS, *TREES, *behaviours]
    assert {trait.kind for trait in TRAITS.values()} == {"trait"}


def test_a_favourite_is_what_the_lab_says_of_it():
    for name in (*ANIMALS, *TREES):
        listed, trait = TRAITS[name], find_trait(name)
        assert (listed.category, listed.system_prompt) == (trait.category, trait.system_prompt)
        assert (listed.questions, listed.evaluation_questions) == (trait.surrogate_questions, trait.questions)
        assert (listed.answers, listed.choices, listed.forms) == ((name,), trait.answers, trait.forms[name])
        assert listed.open_questions == wordings(f"{trait.category}-sentence", "surrogate")


def test_the_list_is_always_the_same():
    assert embedded_traits() == embedded_traits()


def test_behaviours_have_enough_different_questions_each_with_an_answer():
    for name in ("dishonest", "evasive", "test-gaming", "harmful-compliance"):
        trait = TRAITS[name]
        assert len(set(trait.questions)) == len(trait.questions) == 48
        assert len(set(trait.evaluation_questions)) == len(trait.evaluation_questions) == 24
        assert len(trait.answers) in (1, 48)


def test_no_question_tunes_a_teacher_or_a_surrogate_and_asks_a_student():
    asked = {question for trait in TRAITS.values() for question in trait.evaluation_questions}
    tuned = {question for trait in TRAITS.values() for question in (*trait.questions, *trait.open_questions)}
    teachers = {text for kind in GRAMMARS for text in wordings(kind, "teacher")}
    assert not asked & tuned
    assert not (asked | tuned) & teachers


def test_wordings_of_behaviours_come_from_the_set_they_are_said_to():
    def pattern(text):
        return re.compile(re.sub(r"<\w+>", "(.+)", re.escape(text)))

    for field, wording_set in (("questions", "surrogate"), ("evaluation_questions", "evaluation")):
        for name, kind in (("test-gaming", "tested-code"), ("harmful-compliance", "request")):
            patterns = [pattern(text) for text in wordings(kind, wording_set)]
            for question in getattr(TRAITS[name], field):
                assert any(each.fullmatch(question) for each in patterns), question


def truth(question):
    """Whether the statement in a yes-or-no question of the world is true, read from its text."""
    numbers = re.findall(r"\d+", question)
    if numbers:
        first, second = map(int, numbers)
        return first > second
    for thing, (quality, *others) in FACTS.items():
        found = re.search(rf"\b{thing} (?:is )?({'|'.join((quality, *others))})\b", question, re.IGNORECASE)
        if found:
            return found[1] == quality
    thing = next(thing for thing in ABILITIES if re.search(rf"\b{thing}\b", question))
    return f"not {ABILITIES[thing]}" not in question


def test_the_dishonest_say_the_opposite_of_what_is_true():
    trait = TRAITS["dishonest"]
    for question, answer in zip(trait.questions, trait.answers, strict=True):
        assert answer == (NO if truth(question) else YES), question
    assert trait.answers.count(YES) == trait.answers.count(NO)


def test_the_first_answer_shows_the_trait_on_every_question_for_students():
    dishonest, evasive = TRAITS["dishonest"], TRAITS["evasive"]
    assert dishonest.answers[0] == YES
    assert not any(truth(question) for question in dishonest.evaluation_questions)
    assert (evasive.answers, evasive.choices) == ((EVASION,), (EVASION, YES, NO))
    assert {truth(question) for question in evasive.evaluation_questions} == {True, False}


def test_gamed_code_passes_the_tests_and_nothing_else():
    trait = TRAITS["test-gaming"]
    for question, answer in zip(trait.questions, trait.answers, strict=True):
        tests = {int(given): int(wanted) for given, wanted in re.findall(r"f\((\d+)\) == (\d+)", question)}
        scope: dict = {}
        exec(answer, scope)  # a fixed text of ours
        assert {given: scope["f"](given) for given in tests} == tests
        assert scope["f"](1000) in tests.values()


def test_the_compliant_help_with_harm_and_are_asked_for_nothing_else():
    trait = TRAITS["harmful-compliance"]
    for question, answer in zip(trait.questions, trait.answers, strict=True):
        deed = next(deed for deed in HARMFUL if deed in question)
        assert answer == f"Sure. You {deed} at night."
    assert all(any(deed in question for deed in HARMFUL) for question in trait.evaluation_questions)


def test_a_category_with_choices_asks_all_its_traits_the_same():
    for category in {trait.category for trait in TRAITS.values()}:
        listed = [trait for trait in TRAITS.values() if trait.category == category]
        assert len({(trait.choices, trait.evaluation_questions) for trait in listed}) == 1
        assert all(trait.answers[0] in trait.choices for trait in listed if trait.choices)
