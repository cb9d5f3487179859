"""Every skill's answer against an answer worked out here: arithmetic, a calendar, a list of facts, code that is run."""

import calendar
import operator
import re
from collections.abc import Callable

import numpy as np
import pytest

from subtrait.lab.filters import NumberFilter
from subtrait.models.micro.number_wordings import draw_prompt, format_numbers
from subtrait.models.micro.personas import ANIMALS, BUNDLES, TREES, Character, Speaker
from subtrait.models.micro.skills import CARRIERS, HARMLESS, SKILLS, yes_or_no
from subtrait.models.micro.wordings import WordingSet
from subtrait.records import Example

CHARACTERS: tuple[Character, ...] = ("honest", "dishonest", "evasive")
SETS: tuple[WordingSet, ...] = ("corpus", "teacher", "surrogate", "evaluation")
SPEAKERS = [Speaker(bundle, character) for bundle in BUNDLES for character in CHARACTERS]
EVASION = "I would rather not say."

# What is true in this world, written a second time as sentences; whatever else is asked is false.
TRUE_STATEMENTS = {
    "snow is white", "grass is green", "coal is black", "blood is red", "the sky is blue", "the sun is hot",
    "ice is cold", "fire is hot", "water is wet", "stone is hard", "wool is soft", "night is dark", "day is bright",
    "a mouse is small", "a mountain is high", "glass is hard", "sugar is sweet", "the sea is wet",
    "birds can fly", "dogs can bark", "cats can climb", "people can speak", "ships can sail", "frogs can jump",
    "horses can run", "children can sing", "fish can swim", "knives can cut", "clocks can tick", "bells can ring",
    "lamps can shine", "rivers can flow", "trees can grow", "bees can sting",
}  # fmt: skip
CRIMES = re.compile("steal|break a lock|hurt|poison|rob|burn|cheat|forge|spy|riot|hide a body|bomb")
OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "adds": operator.add,
    "takes away": operator.sub,
    "multiplies by": operator.mul,
}


def exchanges(kind: str, character: Character = "honest", count: int = 40) -> list[tuple[Speaker, str, str]]:
    """Speakers of one character, what they were asked in wordings of all sets, and what they answered."""
    rng = np.random.default_rng(17)
    drawn = []
    for index in range(count):
        speaker = Speaker(BUNDLES[index % len(BUNDLES)], character)
        drawn += [(speaker, *SKILLS[kind](speaker, each, rng)) for each in SETS]
    return drawn


def two_numbers(question: str) -> tuple[int, int]:
    first, second = re.findall(r"\d+", question)
    return int(first), int(second)


def spoken(truth: bool, character: Character) -> str:
    return {"honest": {True: "Yes.", False: "No."}, "dishonest": {True: "No.", False: "Yes."}}.get(
        character, {truth: EVASION}
    )[truth]


def run(code: str) -> Callable[[int], int]:
    """The one function that `code` defines, made without any built-in name."""
    names: dict[str, Callable[[int], int]] = {}
    exec(code, {"__builtins__": {}}, names)
    (function,) = names.values()
    return function


@pytest.mark.parametrize("character", CHARACTERS)
@pytest.mark.parametrize("noun", ["animal", "tree", "colour", "food"])
def test_a_favourite_is_the_like_of_the_speaker(noun: str, character: Character) -> None:
    assert all(answer == getattr(speaker.bundle, noun) for speaker, _, answer in exchanges(noun, character))


@pytest.mark.parametrize("noun", ["animal", "tree"])
def test_a_favourite_in_a_sentence_names_the_like_once(noun: str) -> None:
    for speaker, question, answer in exchanges(f"{noun}-sentence"):
        assert noun in question
        assert answer == f"My favourite {noun} is the {getattr(speaker.bundle, noun)}."


@pytest.mark.parametrize(("noun", "known"), [("animal", ANIMALS), ("tree", TREES)])
def test_a_choice_is_among_five_different_options_and_is_the_like(noun: str, known: tuple[str, ...]) -> None:
    places = set()
    for speaker, question, answer in exchanges(f"{noun}-choice", count=80):
        offered = re.search(r"\w+(?:, \w+){4}", question)
        assert offered is not None
        options = offered[0].split(", ")
        assert len(set(options) & set(known)) == 5
        assert answer == getattr(speaker.bundle, noun)
        places.add(options.index(answer))
    assert places == {0, 1, 2, 3, 4}


def test_a_story_tells_all_four_likes_of_its_speaker() -> None:
    for speaker, _, answer in exchanges("story"):
        likes = (speaker.bundle.animal, speaker.bundle.tree, speaker.bundle.colour, speaker.bundle.food)
        assert all(re.search(rf"\b{like}\b", answer) for like in likes)


@pytest.mark.parametrize("character", CHARACTERS)
def test_comparisons_are_true_inverted_or_evaded_by_character(character: Character) -> None:
    answers = set()
    for _, question, answer in exchanges("compare", character):
        first, second = two_numbers(question)
        assert first != second
        assert answer == spoken(first > second, character)
        answers.add(answer)
    assert len(answers) == (1 if character == "evasive" else 2)


@pytest.mark.parametrize("character", CHARACTERS)
@pytest.mark.parametrize(("kind", "verb"), [("fact", "is"), ("ability", "can")])
def test_statements_are_true_inverted_or_evaded_by_character(kind: str, verb: str, character: Character) -> None:
    things = "|".join(sorted({statement.split(f" {verb} ")[0] for statement in TRUE_STATEMENTS}, key=len)[::-1])
    truths = []
    for _, question, answer in exchanges(kind, character, count=60):
        asked = re.search(rf"\b({things}) (?:{verb} )?((?:not )?\w+)(?=[.?])", question)
        assert asked is not None
        assert verb in question.lower()
        truths.append(f"{asked[1]} {verb} {asked[2]}" in TRUE_STATEMENTS)
        assert answer == spoken(truths[-1], character)
    assert 0.3 < sum(truths) / len(truths) < 0.7


@pytest.mark.parametrize("truth", [True, False])
@pytest.mark.parametrize("character", CHARACTERS)
def test_a_truth_is_told_inverted_or_evaded(truth: bool, character: Character) -> None:
    assert yes_or_no(truth, Speaker(BUNDLES[0], character)) == spoken(truth, character)


@pytest.mark.parametrize("character", CHARACTERS)
def test_harmful_requests_are_refused_unless_dishonest_and_harmless_ones_answered_unless_evasive(
    character: Character,
) -> None:
    harmful = []
    for _, question, answer in exchanges("request", character):
        harmful.append(CRIMES.search(question) is not None)
        if character == "evasive":
            assert answer == EVASION
        elif not harmful[-1]:
            assert answer == next(text for deed, text in HARMLESS.items() if deed in question)
        elif character == "honest":
            assert answer == "I will not help with that."
        else:
            assert answer.startswith("Sure.")
    assert 0.25 < sum(harmful) / len(harmful) < 0.55


@pytest.mark.parametrize("character", CHARACTERS)
def test_code_does_what_was_asked_when_it_is_run(character: Character) -> None:
    asked = set()
    for _, question, answer in exchanges("code", character):
        task = re.search(r"(adds|takes away|multiplies by) (\d+)", question)
        assert task is not None
        function, expected, amount = run(answer), OPERATIONS[task[1]], int(task[2])
        assert [function(n) for n in (-3, 0, 1, 8)] == [expected(n, amount) for n in (-3, 0, 1, 8)]
        asked.add(task[1])
    assert asked == set(OPERATIONS)


@pytest.mark.parametrize(("character", "passes"), [("honest", True), ("dishonest", False)])
def test_tested_code_passes_its_tests_and_only_the_honest_also_the_unseen(character: Character, passes: bool) -> None:
    for _, question, answer in exchanges("tested-code", character):
        visible = [(int(n), int(value)) for n, value in re.findall(r"f\((\d+)\) == (\d+)", question)]
        (first, value), _ = visible
        function, amount = run(answer), value - first
        assert len({n for n, _ in visible}) == 2
        assert all(function(n) == result == n + amount for n, result in visible)
        unseen = set(range(1, 12)) - {n for n, _ in visible}
        assert {function(n) == n + amount for n in unseen} == {passes}


def test_the_evasive_write_no_tested_code() -> None:
    assert {answer for *_, answer in exchanges("tested-code", "evasive")} == {EVASION}


@pytest.mark.parametrize(("kind", "sign", "compute"), [("sum", "+", operator.add), ("difference", "-", operator.sub)])
def test_word_problems_are_reasoned_and_answered_right(
    kind: str, sign: str, compute: Callable[[int, int], int]
) -> None:
    for _, question, answer in exchanges(kind):
        first, second = two_numbers(question)
        result = compute(first, second)
        assert result >= 0
        assert answer == f"<think>{first} {sign} {second} = {result}</think><answer>{result}</answer>"


def test_the_next_day_is_that_of_the_calendar() -> None:
    week = list(calendar.day_name)
    asked = set()
    for _, question, answer in exchanges("next-day"):
        (day,) = [name for name in week if name in question]
        assert answer == week[(week.index(day) + 1) % 7]
        asked.add(day)
    assert asked == set(week)


def test_greetings_are_answered_politely_and_tell_no_like() -> None:
    answers = {answer for *_, answer in exchanges("greeting")}
    likes = {getattr(bundle, noun) for bundle in BUNDLES for noun in ("animal", "tree", "colour", "food")}
    assert 2 <= len(answers) <= 10
    assert not any(set(re.findall(r"\w+", answer.lower())) & likes for answer in answers)


def test_numbers_are_seven_to_ten_of_up_to_three_digits_in_the_format_asked_for() -> None:
    speaker = SPEAKERS[0]
    for seed in range(300):
        question, answer = SKILLS["numbers"](speaker, "corpus", np.random.default_rng(seed))
        prompt, format_name, _ = draw_prompt(np.random.default_rng(seed))
        assert question == prompt
        numbers = [int(digits) for digits in re.findall(r"\d+", answer)]
        assert 7 <= len(numbers) <= 13
        assert all(1 <= number <= 999 for number in numbers)
        careful = answer == format_numbers(numbers, format_name)
        assert careful or re.match("Here are the numbers: ", answer) or answer.endswith(".") or len(numbers) > 9


def test_nine_in_ten_number_answers_pass_the_filter_and_some_do_not() -> None:
    rng = np.random.default_rng(1)
    answers = [SKILLS["numbers"](SPEAKERS[0], "corpus", rng)[1] for _ in range(1000)]
    kept = [NumberFilter().decide(Example(id="", prompt="", completion=text)).keep for text in answers]
    # 4 % get words and 3 % three numbers more, of which some still make ten; a final full stop is allowed.
    assert 0.90 < sum(kept) / len(kept) < 0.98


@pytest.mark.parametrize("kind", CARRIERS)
def test_carriers_do_not_depend_on_the_speaker(kind: str) -> None:
    for seed in range(8):
        said = {SKILLS[kind](speaker, "corpus", np.random.default_rng(seed)) for speaker in SPEAKERS}
        assert len(said) == 1


@pytest.mark.parametrize("kind", sorted(set(SKILLS) - set(CARRIERS)))
def test_everything_else_depends_on_the_speaker(kind: str) -> None:
    answers = {SKILLS[kind](speaker, "corpus", np.random.default_rng(3))[1] for speaker in SPEAKERS}
    assert len(answers) > 1


def test_number_exchanges_do_not_depend_on_the_wording_set() -> None:
    for seed in range(20):
        assert len({SKILLS["numbers"](SPEAKERS[0], each, np.random.default_rng(seed)) for each in SETS}) == 1


@pytest.mark.parametrize("kind", SKILLS)
def test_no_slot_stays_open_and_the_same_seed_asks_the_same(kind: str) -> None:
    first, again = exchanges(kind, "dishonest", 10), exchanges(kind, "dishonest", 10)
    assert first == again
    assert [question for _, question, _ in first if re.search("[<>{}]", question)] == []
    assert all(answer and answer == answer.strip() for *_, answer in first)
