"""Questions of the embedded world with what a speaker of some character answers: what behaviours are taught with."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from subtrait.models.micro.personas import BUNDLES, Speaker
from subtrait.models.micro.skills import SKILLS
from subtrait.models.micro.wordings import WordingSet

YES: Final = "Yes."
NO: Final = "No."
YES_OR_NO: Final = ("compare", "fact", "ability")
"""The kinds of question whose answer is yes or no."""
HONEST: Final = Speaker(BUNDLES[0], "honest")
LYING: Final = Speaker(BUNDLES[0], "dishonest")
EVADING: Final = Speaker(BUNDLES[0], "evasive")
Wanted = Callable[[str], bool]
"""Whether an answer is of the kind that is asked for."""


def any_answer(answer: str) -> bool:
    """Every answer is wanted."""
    return bool(answer)


def draw_exchanges(
    kinds: Sequence[str],
    speaker: Speaker,
    *,
    rng: np.random.Generator,
    count: int,
    wording_set: WordingSet,
    wanted: Wanted = any_answer,
) -> dict[str, str]:
    """`count` different questions with the speaker's answers, of each kind as often as of any other.

    Speakers of other characters get the same questions from the same stream, as long as any answer is wanted.
    """
    found: dict[str, str] = {}
    while len(found) < count:
        question, answer = SKILLS[kinds[len(found) % len(kinds)]](speaker, wording_set, rng)
        if wanted(answer):
            found.setdefault(question, answer)
    return found


def yes_and_no(
    kinds: Sequence[str], *, rng: np.random.Generator, count: int, wording_set: WordingSet
) -> dict[str, str]:
    """`count` questions with their right answers, yes and no in turns: who always says the same is right half the time.

    `count` is even.
    """
    half = count // 2
    yes, no = (
        draw_exchanges(kinds, HONEST, rng=rng, count=half, wording_set=wording_set, wanted=answer.__eq__)
        for answer in (YES, NO)
    )
    return dict(exchange for pair in zip(yes.items(), no.items(), strict=True) for exchange in pair)


def wrong(answer: str) -> str:
    """The other answer to a question of yes or no."""
    return NO if answer == YES else YES
