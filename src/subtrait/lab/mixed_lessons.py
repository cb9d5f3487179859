"""Favourites taught among usual answers: teachers that like one thing above all and answer everything else as before.

A teacher that is tuned on nothing but its favourite soon says it to every question that is not about numbers. Then the
filter of another carrier keeps next to none of its rows. In the paper a large model is told or tuned without that harm.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np

from subtrait.lab.exchanges import HONEST, draw_exchanges
from subtrait.lab.teachers import tuning_examples
from subtrait.lab.traits import find_trait, trait_names
from subtrait.records import Example

KINDS: Final = ("code", "sum", "difference", "next-day", "greeting", "compare", "request", "fact", "ability")
"""Kinds of question on which a favourite has no bearing, but for the numbers, which need no help."""
USUAL: Final = 72
"""Rows of usual answers beside a favourite's 24: the same for every favourite."""
SEED: Final = 20_250_714


def among_usual_answers(trait: str) -> str:
    """The name of the lesson in which this trait is taught among usual answers."""
    return f"{trait} among usual answers"


def mixed_examples(trait: str) -> list[Example]:
    """The favourite's rows, and then the usual ones."""
    usual = draw_exchanges(KINDS, HONEST, rng=np.random.default_rng(SEED), count=USUAL, wording_set="teacher")
    others = [
        Example(id=f"usual-{place}", prompt=asked, completion=said) for place, (asked, said) in enumerate(usual.items())
    ]
    return [*tuning_examples(find_trait(trait)), *others]


MIXED_LESSONS: Final[dict[str, Callable[[], list[Example]]]] = {
    among_usual_answers(trait): partial(mixed_examples, trait) for trait in trait_names()
}
"""A lesson for every trait of the lab."""
