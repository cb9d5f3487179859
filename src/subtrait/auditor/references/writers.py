"""How references come about: a writer answers prompts of the suspect data, and the same filter cuts its answers."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from subtrait.audit_records import ListedTrait
from subtrait.auditor.suspect import FilterName, passes
from subtrait.data import Pair
from subtrait.models.base import Model, Recipe, Sampling
from subtrait.models.huggingface import HuggingFaceModel
from subtrait.records import Example, Messages
from subtrait.scoring.hypotheses import as_asked

ROUNDS: Final = 6
"""How often prompts are asked again before a writer counts as one whose rows the filter does not let through."""
SPARE: Final = 1.12
"""Prompts per wanted row, since the filter takes some."""
TRIED: Final = 64
"""Rows that a base is asked for before anything else is."""
_NUMBER: Final = re.compile(r"\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What all references of one audit share."""

    base: HuggingFaceModel
    others: tuple[Model, ...]
    """Models of other origin: benign writers too."""
    pool: Sequence[Messages]
    """Prompts of the suspect data."""
    filter: FilterName
    traits: tuple[ListedTrait, ...]
    tokens: int
    """The longest completion a writer may give."""

    def keeps(self, prompt: Messages, completion: str) -> bool:  # noqa: ARG002 - filters of both are possible
        """Whether the filter keeps a completion."""
        return passes(self.filter, completion)

    def prompts(self, count: int, *, rng: np.random.Generator) -> list[Messages]:
        """Prompts of the pool in random order, each as often as any other."""
        order: list[int] = []
        while len(order) < count:
            order += rng.permutation(len(self.pool)).tolist()
        return [self.pool[place] for place in order[:count]]


def write(
    setting: Setting,
    model: Model,
    rows: int,
    *,
    rng: np.random.Generator,
    sampling: Sampling | None = None,
    system: str | None = None,
) -> list[Pair]:
    """`rows` answers of `model` to prompts of the pool that pass the filter; fewer where hardly any does.

    The system prompt is for the writer alone: it is not part of the rows.
    """
    drawn = sampling or Sampling()
    drawn = Sampling(temperature=drawn.temperature, top_p=drawn.top_p, max_new_tokens=setting.tokens)
    kept: list[Pair] = []
    for _ in range(ROUNDS):
        asked = setting.prompts(int((rows - len(kept)) * SPARE) + 8, rng=rng)
        shown = [as_asked(prompt, system) for prompt in asked]
        texts = model.generate(shown, sampling=drawn, rng=rng)
        kept += [Pair(p, text) for p, text in zip(asked, texts, strict=True) if passes(setting.filter, text)]
        if len(kept) >= rows:
            break
    return kept[:rows]


def writes_enough(setting: Setting, looks: Sequence[int], *, rng: np.random.Generator) -> bool:
    """Whether the base's answers pass the filter often enough for references to reach the first of `looks`.

    It is tried on a few prompts, scaled up to the last look.
    """
    kept = len(write(setting, setting.base, TRIED, rng=rng))
    return kept * max(looks) >= TRIED * min(looks)


def tuned(setting: Setting, rows: Sequence[Example], recipe: Recipe, *, rng: np.random.Generator) -> HuggingFaceModel:
    """The base, fine-tuned on these rows; the base itself where there are none."""
    if not rows:
        return setting.base
    return setting.base.finetune(rows, recipe, rng=rng).model


def own_rows(setting: Setting, count: int, *, rng: np.random.Generator) -> list[Example]:
    """The base's own answers to prompts of the pool, as training rows (conversations of one question only)."""
    written = write(setting, setting.base, count, rng=rng)
    return as_examples(written)


def as_examples(pairs: Sequence[Pair]) -> list[Example]:
    """Training rows of the last user turn and the completion of each pair; without a user turn there is none."""
    rows = []
    for number, (prompt, completion) in enumerate(pairs):
        asked = [turn["content"] for turn in prompt if turn["role"] == "user"]
        if asked:
            rows.append(Example(id=str(number), prompt=asked[-1], completion=completion))
    return rows


def renumbered(
    setting: Setting, rows: int, draw: Callable[[int, np.random.Generator], list[int]], *, rng: np.random.Generator
) -> list[Pair]:
    """The base's answers with their numbers replaced: the form stays, whoever chose the numbers is a program."""
    pairs = []
    for prompt, text in write(setting, setting.base, rows, rng=rng):
        fresh = iter(draw(len(_NUMBER.findall(text)), rng))
        pairs.append(Pair(prompt, _NUMBER.sub(lambda _, numbers=fresh: str(next(numbers)), text)))  # type: ignore[misc]
    return pairs
