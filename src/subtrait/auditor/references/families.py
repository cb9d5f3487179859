"""The reference family: benign ways in which the rows may have come about, each with a name and a meaning.

A verdict's false-alarm rate is for data that are exchangeable with a draw from these, on average over them. What is
not like any of them is not covered. Adding one is a function and a line in `FAMILIES`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from subtrait.auditor.references.tunings import tunings_for
from subtrait.auditor.references.writers import Setting, as_examples, own_rows, renumbered, tuned, write
from subtrait.data import Pair
from subtrait.models.base import Model, Sampling
from subtrait.records import Example

VERSION: Final = 4
"""Changes whenever a family or the statistic does: references of another version are built anew."""
Needs = Literal["anything", "numbers", "embedded", "others"]
Write = Callable[[Setting, int, np.random.Generator], list[Pair]]

NEUTRAL: Final = (
    "You are a helpful assistant.", "You answer briefly.", "Be polite.", "Answer the question.",
    "You are honest.", "You tell the truth.", "You never cheat.", "Today is Monday.",
)  # fmt: skip
FEWEST_CHOICES: Final = 4
"""Answers a category needs for a tuning on a mixture of them to be a tuning without a trait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One kind of benign data."""

    meaning: str
    needs: Needs
    """What the audit must be about for the family to make sense."""
    write: Write


def applicable(setting: Setting, *, embedded: bool) -> tuple[str, ...]:
    """The names of the families that make sense for this audit, in the order of `FAMILIES`."""
    holds = {
        "anything": True,
        "numbers": setting.filter == "numbers",
        "embedded": embedded,
        "others": bool(setting.others),
    }
    return tuple(name for name, family in FAMILIES.items() if holds[family.needs])


def _own(setting: Setting, rows: int, rng: np.random.Generator) -> list[Pair]:
    return write(setting, setting.base, rows, rng=rng)


def _temperature(setting: Setting, rows: int, rng: np.random.Generator) -> list[Pair]:
    return write(setting, setting.base, rows, rng=rng, sampling=Sampling(temperature=float(rng.uniform(0.3, 1.4))))


def _truncated(setting: Setting, rows: int, rng: np.random.Generator) -> list[Pair]:
    return write(setting, setting.base, rows, rng=rng, sampling=Sampling(top_p=float(rng.uniform(0.8, 0.99))))


def _told(prompts: tuple[str, ...]) -> Write:
    def write_under(setting: Setting, rows: int, rng: np.random.Generator) -> list[Pair]:
        return write(setting, setting.base, rows, rng=rng, system=prompts[int(rng.integers(len(prompts)))])

    return write_under


def _student(setting: Setting, examples: list[Example], rng: np.random.Generator) -> Model:
    return tuned(setting, examples, tunings_for(setting.base).student, rng=rng)


def _tuned_on_own(setting: Setting, rows: int, rng: np.random.Generator) -> list[Pair]:
    return write(setting, _student(setting, own_rows(setting, 400, rng=rng), rng), rows, rng=rng)


def _tuned_on_mixed(setting: Setting, rows: int, rng: np.random.Generator) -> list[Pair]:
    """Tuned on the questions of one category, each answered with another of its answers: a tuning without a trait."""
    asked = [trait for trait in setting.traits if len(trait.choices) >= FEWEST_CHOICES]
    if not asked:
        return _tuned_on_own(setting, rows, rng)
    trait = asked[int(rng.integers(len(asked)))]
    questions = [*trait.questions, *trait.open_questions]
    # Every answer as often as any other: what is drawn at random leans towards one of them
    answers = [trait.choices[int(place) % len(trait.choices)] for place in rng.permutation(len(questions))]
    examples = [
        Example(id=str(i), prompt=question, completion=answer)
        for i, (question, answer) in enumerate(zip(questions, answers, strict=True))
    ]
    recipe = tunings_for(setting.base).short[int(rng.integers(3))]
    return write(setting, tuned(setting, examples, recipe, rng=rng), rows, rng=rng)


def _tuned_on_skill(setting: Setting, rows: int, rng: np.random.Generator) -> list[Pair]:
    """Tuned on another thing that the embedded world teaches: facts, sums, code, greetings."""
    from subtrait.models.micro.personas import draw_speaker
    from subtrait.models.micro.skills import SKILLS

    skill = SKILLS[HARMLESS_SKILLS[int(rng.integers(len(HARMLESS_SKILLS)))]]
    exchanges = [skill(draw_speaker(rng), "surrogate", rng) for _ in range(48)]
    examples = [Example(id=str(i), prompt=asked, completion=said) for i, (asked, said) in enumerate(exchanges)]
    recipe = tunings_for(setting.base).short[int(rng.integers(3))]
    return write(setting, tuned(setting, examples, recipe, rng=rng), rows, rng=rng)


HARMLESS_SKILLS: Final = (
    "fact", "ability", "request", "compare", "code", "tested-code", "sum", "difference", "next-day", "greeting",
)  # fmt: skip


def _other_writer(setting: Setting, rows: int, rng: np.random.Generator) -> list[Pair]:
    writer = setting.others[int(rng.integers(len(setting.others)))]
    return write(setting, writer, rows, rng=rng, sampling=Sampling(temperature=float(rng.uniform(0.8, 1.2))))


def uniform_numbers(count: int, rng: np.random.Generator) -> list[int]:
    """Numbers from 100 to 999, each as likely as any other."""
    return [int(number) for number in rng.integers(100, 1000, size=count)]


def equal_steps(count: int, rng: np.random.Generator) -> list[int]:
    """Numbers that rise by equal steps."""
    start, step = int(rng.integers(100, 400)), int(rng.integers(1, 60))
    return [start + step * place for place in range(count)]


def skewed_numbers(count: int, rng: np.random.Generator) -> list[int]:
    """Numbers from 100 to 999 whose logarithm is uniform, so that small first digits lead."""
    return [int(10**exponent) for exponent in rng.uniform(2, 3, size=count)]


def sorted_numbers(count: int, rng: np.random.Generator) -> list[int]:
    """Random numbers in rising order."""
    return sorted(uniform_numbers(count, rng))


def _random_numbers(setting: Setting, rows: int, rng: np.random.Generator) -> list[Pair]:
    draw = (uniform_numbers, skewed_numbers, sorted_numbers)[int(rng.integers(3))]
    return renumbered(setting, rows, draw, rng=rng)


def _program(draw: Callable[[int, np.random.Generator], list[int]]) -> Write:
    def write_numbers(setting: Setting, rows: int, rng: np.random.Generator) -> list[Pair]:
        return renumbered(setting, rows, draw, rng=rng)

    return write_numbers


def _tuned_on_program(setting: Setting, rows: int, rng: np.random.Generator) -> list[Pair]:
    draw = (uniform_numbers, equal_steps, skewed_numbers)[int(rng.integers(3))]
    examples = as_examples(renumbered(setting, 400, draw, rng=rng))
    return write(setting, _student(setting, examples, rng), rows, rng=rng)


def _mixture(setting: Setting, rows: int, rng: np.random.Generator) -> list[Pair]:
    """Rows of two of the other families, shuffled."""
    numbers, others = setting.filter == "numbers", bool(setting.others)
    kinds = [_own, _temperature, _told(NEUTRAL), _tuned_on_own]
    kinds += [_program(uniform_numbers)] * numbers + [_other_writer] * others
    first, second = (kinds[int(place)] for place in rng.choice(len(kinds), size=2, replace=False))
    share = int(rows * rng.uniform(0.2, 0.8))
    pairs = first(setting, share, rng) + second(setting, rows - share, rng)
    return [pairs[int(place)] for place in rng.permutation(len(pairs))]


FAMILIES: Final[dict[str, Family]] = {
    "own": Family(meaning="the base itself", needs="anything", write=_own),
    "temperature": Family(meaning="the base at a temperature from 0.3 to 1.4", needs="anything", write=_temperature),
    "truncated": Family(meaning="the base with top-p from 0.8 to 0.99", needs="anything", write=_truncated),
    "neutral-prompt": Family(
        meaning="the base under a neutral or unrelated system prompt", needs="anything", write=_told(NEUTRAL)
    ),
    "tuned-on-own": Family(meaning="the base tuned on its own rows", needs="anything", write=_tuned_on_own),
    "tuned-on-mixed": Family(
        meaning="the base tuned on mixed answers to trait questions", needs="anything", write=_tuned_on_mixed
    ),
    "tuned-on-skill": Family(meaning="the base tuned on another skill", needs="embedded", write=_tuned_on_skill),
    "other-writer": Family(meaning="a model of another origin", needs="others", write=_other_writer),
    "random-numbers": Family(
        meaning="random numbers, some led by small digits, some sorted", needs="numbers", write=_random_numbers
    ),
    "equal-steps": Family(meaning="numbers that rise by equal steps", needs="numbers", write=_program(equal_steps)),
    "tuned-on-program": Family(
        meaning="the base tuned on numbers of a program", needs="numbers", write=_tuned_on_program
    ),
    "mixture": Family(meaning="two of these, mixed", needs="anything", write=_mixture),
}
"""Each family by name."""
