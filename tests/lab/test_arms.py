"""The laws of the two shuffles."""

import re
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from subtrait.lab.arms import ARMS, separate, shuffle_across, shuffle_within
from subtrait.records import Example

FORMATS = ("{}, {}, {}, {}", "[{};{}]", "({}\n{}\n{})", "{}", "{} {} {} {} {} {} {} {}.", "no numbers", "")


def rows(count: int = 60) -> list[Example]:
    rng = np.random.default_rng(3)
    numbers = iter(f"{n:03d}" if n % 3 else str(n) for n in rng.integers(0, 1000, size=count * 8))
    return [
        Example(id=f"row-{i}", prompt=f"continue 1{i}, 2", completion=re.sub("{}", lambda _: next(numbers), skeleton))
        for i, skeleton in zip(range(count), FORMATS * count, strict=False)
    ]


def numbers_of(example: Example) -> Counter[str]:
    return Counter(re.findall("[0-9]+", example.completion))


def skeleton_of(example: Example) -> str:
    return re.sub("[0-9]+", "{}", example.completion)


Shuffle = Callable[..., list[Example]]
both = pytest.mark.parametrize("shuffle", [shuffle_within, shuffle_across])


def test_shuffling_within_keeps_the_numbers_of_every_row() -> None:
    examples = rows()
    shuffled = shuffle_within(examples, rng=np.random.default_rng(1))
    assert [numbers_of(row) for row in shuffled] == [numbers_of(row) for row in examples]


def test_shuffling_across_keeps_the_numbers_of_the_dataset_and_moves_them_between_rows() -> None:
    examples = rows()
    shuffled = shuffle_across(examples, rng=np.random.default_rng(1))
    assert sum(map(numbers_of, shuffled), Counter()) == sum(map(numbers_of, examples), Counter())
    with_numbers = [i for i, row in enumerate(examples) if numbers_of(row)]
    moved = [i for i in with_numbers if numbers_of(shuffled[i]) != numbers_of(examples[i])]
    assert len(moved) > 0.8 * len(with_numbers)


@both
def test_everything_but_the_numbers_stays(shuffle: Shuffle) -> None:
    examples = rows()
    shuffled = shuffle(examples, rng=np.random.default_rng(1))
    assert [(r.id, r.prompt, skeleton_of(r)) for r in shuffled] == [(r.id, r.prompt, skeleton_of(r)) for r in examples]
    assert shuffled != examples


@both
def test_the_same_seed_gives_the_same_rows_and_another_seed_others(shuffle: Shuffle) -> None:
    first, again, other = (shuffle(rows(), rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@both
def test_no_rows_shuffle_to_no_rows(shuffle: Shuffle) -> None:
    assert shuffle([], rng=np.random.default_rng(1)) == []


def test_leading_zeros_travel_with_their_number() -> None:
    row = Example(id="a", prompt="p", completion="007, 7, 070")
    seen = {shuffle_within([row], rng=np.random.default_rng(seed))[0].completion for seed in range(60)}
    # The 3! orders, written out.
    assert seen == {"007, 7, 070", "007, 070, 7", "7, 007, 070", "7, 070, 007", "070, 007, 7", "070, 7, 007"}


def test_every_order_is_equally_likely() -> None:
    row = Example(id="a", prompt="p", completion="1 2 3")
    rng = np.random.default_rng(5)
    counts = Counter(shuffle_within([row], rng=rng)[0].completion for _ in range(6000))
    # Binomial(6000, 1/6): standard deviation 28.9, so 5 deviations are 144.
    assert len(counts) == 6
    assert all(abs(count - 1000) < 144 for count in counts.values())


def test_the_arms_are_those_of_the_run_folder_and_each_says_what_it_is() -> None:
    assert list(ARMS) == [
        "treated",
        "untreated",
        "other-base",
        "other-base-untreated",
        "shuffled-within",
        "shuffled-across",
        "untreated-again",
    ]
    assert len(set(ARMS.values())) == len(ARMS)
    assert all(re.fullmatch(r"[A-Z][^.]+\.", meaning) for meaning in ARMS.values())


@pytest.mark.parametrize(
    ("before", "after"),
    [("1, 02, 3", "1; 02; 3"), ("[1, 2]", "[1; 2]"), ("4\n5\n6", "4; 5; 6"), ("7", "7"), ("none", "none"), ("", "")],
)
def test_other_separators_leave_numbers_and_brackets_as_they_are(before: str, after: str) -> None:
    row, wanted = (Example(id="a", prompt="1, 2", completion=text) for text in (before, after))
    assert separate([row], separator="; ", rng=np.random.default_rng(0)) == [wanted]
