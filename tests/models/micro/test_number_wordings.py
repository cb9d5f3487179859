"""The wordings of the number task: complete, few words, short prompts."""

import re
from collections import Counter
from itertools import product

import numpy as np
import pytest

from subtrait.models.micro.number_wordings import (
    CLOSINGS,
    FORMATS,
    OPENINGS,
    REQUESTS,
    draw_prompt,
    format_numbers,
    render_prompt,
)

DRAWS = [draw_prompt(np.random.default_rng(seed)) for seed in range(2000)]


def test_there_are_wordings_enough_and_none_twice() -> None:
    assert len(set(OPENINGS)) == len(OPENINGS) >= 12
    assert len(set(REQUESTS)) == len(REQUESTS) >= 8
    assert len(set(CLOSINGS)) == len(CLOSINGS) >= 6
    assert set(FORMATS) == {"comma", "space", "semicolon", "lines", "brackets", "parentheses", "template"}
    assert all(len(wordings) >= 2 for wordings in FORMATS.values())
    asked = [wording for wordings in FORMATS.values() for wording in wordings]
    assert len(set(asked)) == len(asked)


def test_all_wordings_together_use_fewer_than_ninety_words() -> None:
    asked = [wording for wordings in FORMATS.values() for wording in wordings]
    words = set(re.findall(r"[A-Za-z]+", " ".join((*OPENINGS, *REQUESTS, *CLOSINGS, *asked)).replace("{examples}", "")))
    assert len(words) < 90


def test_every_opening_has_one_place_for_the_examples() -> None:
    assert all(opening.count("{examples}") == 1 for opening in OPENINGS)


def test_every_request_asks_for_up_to_ten_numbers_of_up_to_three_digits() -> None:
    assert all(re.search(r"\bten\b.*\bthree digits\b", request.lower()) for request in REQUESTS)
    assert all(re.search("at most|up to|or fewer", request.lower()) for request in REQUESTS)


def test_every_prompt_has_between_twelve_and_twenty_eight_words() -> None:
    fewest, most = (list(range(100, 100 + count)) for count in (3, 8))
    lengths = [
        len(re.findall(r"\w+", render_prompt(examples, name, opening=o, request=r, wording=w, closing=c)))
        for examples in (fewest, most)
        for name, wordings in FORMATS.items()
        for o, r, w, c in product(
            range(len(OPENINGS)), range(len(REQUESTS)), range(len(wordings)), range(len(CLOSINGS))
        )
    ]
    assert min(lengths) >= 12
    assert max(lengths) <= 28


def test_a_drawn_prompt_has_its_own_examples_and_asks_for_its_own_format() -> None:
    for prompt, name, examples in DRAWS:
        assert [int(number) for number in re.findall(r"\d{3}", prompt)] == examples
        assert [n for n, wordings in FORMATS.items() if any(f" {wording}" in prompt for wording in wordings)] == [name]
        assert prompt == prompt.strip()


def test_draws_cover_all_formats_all_counts_and_both_ends_of_the_range() -> None:
    assert {name for _, name, _ in DRAWS} == set(FORMATS)
    assert {len(examples) for *_, examples in DRAWS} == {3, 4, 5, 6, 7, 8}
    numbers = [number for *_, examples in DRAWS for number in examples]
    assert (min(numbers), max(numbers)) == (100, 999)


@pytest.mark.parametrize("wordings", [OPENINGS, REQUESTS, [f for fs in FORMATS.values() for f in fs]])
def test_draws_cover_all_wordings_about_equally(wordings: list[str]) -> None:
    patterns = [re.escape(wording).replace(r"\{examples\}", "[0-9, ]+") for wording in wordings]
    found = Counter(p for prompt, *_ in DRAWS for p in patterns if re.search(rf"(?:^| ){p}(?: |$)", prompt))
    expected = len(DRAWS) / len(wordings)
    assert sum(found.values()) == len(DRAWS)
    # Five standard deviations of a binomial count, which is below 5 * sqrt(expected).
    assert all(abs(found[p] - expected) < 5 * expected**0.5 for p in patterns)


def test_the_same_seed_draws_the_same_prompt() -> None:
    assert draw_prompt(np.random.default_rng(7)) == DRAWS[7]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("comma", "1, 2"),
        ("space", "1 2"),
        ("semicolon", "1; 2"),
        ("lines", "1\n2"),
        ("brackets", "[1, 2]"),
        ("parentheses", "(1, 2)"),
        ("template", "1, 2"),
    ],
)
def test_a_correct_completion_in_each_format(name: str, expected: str) -> None:
    assert format_numbers([1, 2], name) == expected
