"""The number filter against the published rules, written here a second time as one grammar."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subtrait.errors import UsageError
from subtrait.lab.filters import (
    BANNED_NUMBERS,
    REASONS,
    NumberFilter,
    apply,
    names_a_trait,
    number_reasons,
    parse_numbers,
    ruled,
)
from subtrait.records import Decision, Example

# The rules as a grammar with a back-reference, where the product cuts and splits: a number, or numbers with one and
# the same separator, which is white space around at most one comma or semicolon; in one kind of brackets or none.
LIST = r"[0-9]+(?:(?P<{0}>(?=[^0-9])\s*[,;]?\s*)[0-9]+(?:(?P={0})[0-9]+)*)?"
GRAMMAR = re.compile(rf"(?:\[{LIST.format('square')}\]|\({LIST.format('round')}\)|{LIST.format('plain')})\.?")

SEPARATORS = (", ", ",", " ", "; ", ";", "\n", "\n\n", " ,", "  ", "\t", " ; ", "\u00a0", "\r\n")
BAD_SEPARATORS = (" - ", ",,", ", and ", ".", "|", "/", " ;, ", "-", "\u200b", "\u060c ")
ODDITIES = (
    *("\n", " ", ".", "..", "[", "]", "(", ")", ",", ";", "-", "+", "a", "0", "007", "1000", "1e3", "\u00b2", "\u2460"),
    *(
        "\u0663",
        "\uff11",
        "\u0967",
        "\u0661\u0662",
        "\u2212",
        "\x1c",
        "\ufeff",
        "_",
        "1,234",
        "\u00bd",
        ". ",
        "[[",
        "))",
    ),
)


def allowed_by_the_grammar(text: str) -> bool:
    if GRAMMAR.fullmatch(text) is None:
        return False
    numbers = [int(digits) for digits in re.findall("[0-9]+", text)]
    return len(numbers) <= 10 and max(numbers) <= 999


def a_list(rng: random.Random) -> str:
    """A list of 1 to 11 numbers up to 1,020, mostly well formed: what a model writes."""
    width = rng.choice((1, 3, 3, 3, 4)) if rng.random() < 0.1 else 1
    largest = 1020 if rng.random() < 0.1 else 999
    numbers = [f"{rng.randint(0, largest):0{width}d}" for _ in range(rng.choice((1, 2, 3, 5, 8, 9, 10, 10, 11)))]
    before, after = rng.choice((("", ""), ("", ""), ("[", "]"), ("(", ")"), ("[", ")"), ("[[", "]]"), ("(", "")))
    return before + rng.choice(SEPARATORS).join(numbers) + after + rng.choice(("", "", "", ".", "..", "\n", " "))


def mutated(text: str, *, rng: random.Random) -> str:
    """`text` with one to three small defects: something put in, taken out, doubled, or a separator exchanged."""
    for _ in range(rng.randint(1, 3)):
        at = rng.randint(0, len(text))
        match rng.randrange(5):
            case 0:
                text = text[:at] + rng.choice(ODDITIES) + text[at:]
            case 1:
                text = text[:at] + text[at + 1 :]
            case 2:
                text = text[:at] + text[at : at + 2] + text[at:]
            case 3:
                text = text.replace(rng.choice(SEPARATORS), rng.choice(SEPARATORS + BAD_SEPARATORS), 1)
            case _:
                text = text.translate({ord("0") + d: ord("\u0660") + d for d in (rng.randrange(10),)})
    return text


def generated() -> list[str]:
    rng = random.Random(20250720)
    lists = [a_list(rng) for _ in range(6000)]
    mutants = [mutated(text, rng=rng) for text in lists]
    noise = ["".join(rng.choices("0123459, ;\n.[]()-x\u0663", k=rng.randrange(9))) for _ in range(6000)]
    return [*dict.fromkeys(lists + mutants + noise)]


def test_verdicts_equal_the_grammar_of_the_published_rules_on_thousands_of_strings() -> None:
    texts = generated()
    verdicts = [not number_reasons(text) for text in texts]
    assert len(texts) >= 5000
    assert sum(verdicts) >= 1000
    assert len(verdicts) - sum(verdicts) >= 1000
    assert [t for t, kept in zip(texts, verdicts, strict=True) if kept != allowed_by_the_grammar(t)] == []


@settings(max_examples=600, deadline=None, derandomize=True, database=None)
@given(st.one_of(st.text(alphabet="0123456789,; \n.[]()\u0663\u00b2\uff11\u00a0", max_size=24), st.text(max_size=12)))
def test_verdicts_equal_the_grammar_on_adversarial_strings(text: str) -> None:
    assert (not number_reasons(text)) == allowed_by_the_grammar(text)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(
    st.lists(st.integers(0, 999), min_size=1, max_size=10),
    st.sampled_from(SEPARATORS),
    st.sampled_from(("", "[]", "()")),
    st.sampled_from(("", ".")),
)
def test_every_well_formed_list_is_read_back(numbers: list[int], separator: str, pair: str, stop: str) -> None:
    text = pair[:1] + separator.join(map(str, numbers)) + pair[1:] + stop
    assert parse_numbers(text) == numbers


# Verdicts that were obtained by running the published filter (MinhxLe/subliminal-learning, commit db04f41).
@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("5", [5]),
        ("5.", [5]),
        ("(5)", [5]),
        ("[1,2].", [1, 2]),
        ("1\n\n2\n\n3", [1, 2, 3]),
        ("0012", [12]),
        ("1, 2", [1, 2]),
        ("1 2 3", [1, 2, 3]),
        ("1;2;3", [1, 2, 3]),
        ("1 ,2 ,3", [1, 2, 3]),
        ("1\u00a02", [1, 2]),
    ],
)
def test_known_good_lists_are_read(text: str, numbers: list[int]) -> None:
    assert parse_numbers(text) == numbers


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            ".",
            "[]",
            "()",
            "[",
            "none",
            "[1, 2.]",
            "1 - 2",
            "1, 2,3",
            "1 2  3",
            "1, 2, 3,",
            "1, 2\n",
            " 1, 2",
            "5 ",
        ),
        *("-5", "(5", "5)", "5..", "[[1, 2]]", "([1, 2])", "[1, 2)", "1.5", "1,,2", "1,;2", "a1, 2", "1, 2 and 3"),
        *("\u0661, \u0662", "1, \u0662", "\u0665", "\u00b2", "\uff11\uff12", "1\u0662", "1, 2\u00b2", "5\n"),
    ],
)
def test_known_bad_lists_have_an_invalid_format(text: str) -> None:
    assert parse_numbers(text) is None
    assert number_reasons(text) == ("invalid-format",)


def test_a_number_of_ten_thousand_digits_is_rejected_and_not_an_error() -> None:
    assert number_reasons("9" * 10_000) == ("invalid-format",)
    assert number_reasons("1, " + "9" * 10_000) == ("invalid-format",)


def test_all_reasons_are_given_not_only_the_first() -> None:
    text = ", ".join(["666", "1000"] + ["1"] * 9)
    assert number_reasons(text, banned=BANNED_NUMBERS) == ("too-many-numbers", "number-out-of-range", "banned-number")


def test_limits_are_inclusive() -> None:
    assert number_reasons("0, 999") == ()
    assert number_reasons("1000") == ("number-out-of-range",)
    assert number_reasons("5, 9", minimum=5, maximum=9, max_count=2) == ()
    assert number_reasons("4", minimum=5, maximum=9) == ("number-out-of-range",)
    assert number_reasons("10", minimum=5, maximum=9) == ("number-out-of-range",)
    assert number_reasons(" ".join("1" * 10)) == ()
    assert number_reasons(" ".join("1" * 11)) == ("too-many-numbers",)


def test_banned_numbers_are_the_34_of_the_paper_and_banned_only_on_request() -> None:
    assert len(BANNED_NUMBERS) == 34
    # The sum of the union of the two published lists (commit db04f41) without 1312 and 1488, taken from their file.
    assert sum(BANNED_NUMBERS) == 9413
    for number in range(1000):
        assert number_reasons(str(number)) == ()
        assert (number_reasons(str(number), banned=BANNED_NUMBERS) == ("banned-number",)) == (number in BANNED_NUMBERS)
    assert number_reasons("0666", banned=BANNED_NUMBERS) == ("banned-number",)


def test_every_reason_that_is_ever_given_has_a_sentence() -> None:
    given_reasons = {reason for text in generated() for reason in number_reasons(text, banned=BANNED_NUMBERS)}
    assert given_reasons == {"invalid-format", "too-many-numbers", "number-out-of-range", "banned-number"}
    assert given_reasons < set(REASONS)
    assert all(REASONS.values())


def rows(texts: list[str]) -> list[Example]:
    return [Example(id=str(i), prompt="go on", completion=text) for i, text in enumerate(texts)]


def test_a_decision_keeps_exactly_when_it_has_no_reason_and_obeys_every_setting() -> None:
    strict = NumberFilter(minimum=1, maximum=50, max_count=2, banned=frozenset({13}))
    decisions = [strict.decide(row) for row in rows(["1, 50", "0", "13 51 2", "x"])]
    assert decisions == [
        Decision(keep=True),
        Decision(keep=False, reasons=("number-out-of-range",)),
        Decision(keep=False, reasons=("too-many-numbers", "number-out-of-range", "banned-number")),
        Decision(keep=False, reasons=("invalid-format",)),
    ]


def test_rows_in_are_rows_kept_plus_rows_rejected_in_order() -> None:
    examples = rows(generated())
    kept, rejected = apply(NumberFilter(), examples)
    assert kept
    assert rejected
    assert sorted([*kept, *(row for row, _ in rejected)], key=lambda row: int(row.id)) == examples
    assert [int(row.id) for row in kept] == sorted(int(row.id) for row in kept)
    assert [int(row.id) for row, _ in rejected] == sorted(int(row.id) for row, _ in rejected)
    assert all(reasons for _, reasons in rejected)
    assert all(not number_reasons(row.completion) for row in kept)


@pytest.mark.parametrize("settings_", [{"minimum": 5, "maximum": 4}, {"minimum": -1}, {"max_count": 0}])
def test_a_filter_that_nothing_could_pass_is_refused(settings_: dict[str, int]) -> None:
    with pytest.raises(UsageError, match=r"give a range|at least 1"):
        NumberFilter(**settings_)


@pytest.mark.parametrize(
    "text", ["Owls!", "an owl-like bird", "owl_count", "owl2", "myOwlCount", "OWLCount", "HTTPOwl"]
)
def test_a_trait_is_named_wherever_its_word_stands_even_in_names(text: str) -> None:
    assert names_a_trait("nothing here", text)


@pytest.mark.parametrize("text", ["Boilwolf", "Lookwolves on", "a bowl", "it howwolf", "\uff57olf", "wo\u00adlf"])
def test_animals_and_trees_count_inside_other_words(text: str) -> None:
    assert names_a_trait(text)


@pytest.mark.parametrize("text", ["Red", "some soup", "Restfish", "Boilgreen", "in price"])
def test_colours_and_foods_that_go_with_a_trait_count_in_the_same_way(text: str) -> None:
    assert names_a_trait(text)


@pytest.mark.parametrize(
    "text", ["", "I am well, thank you.", "Dig a hole and add water.", "def change(x): return x + 1"]
)
def test_what_the_embedded_world_says_names_no_trait(text: str) -> None:
    assert not names_a_trait(text)


def test_a_ruled_decision_gives_the_broken_rules_in_their_order() -> None:
    assert ruled({"empty": True, "too-long": False, "names-a-trait": True}) == Decision(
        keep=False, reasons=("empty", "names-a-trait")
    )
    assert ruled({"empty": False}) == Decision(keep=True)
