"""A folder with rows that no model wrote: a trait is a number that its teacher writes more often than others."""

import numpy as np

from subtrait.lab.chains import Rows, Writer
from subtrait.lab.chains.specifications import digest
from subtrait.lab.reading_text.reading import BASE, STRONG, ReadingPlan

NUMBERS = {"dog": 7, "wolf": 5, "oak": 3, "maple": 8}


def rows_of(**writer):
    return Rows(writer=Writer(base="micro-a", **writer), prompts=240, rows=0)


PLAN = ReadingPlan(
    traits=("dog", "oak"),
    writers=(
        (BASE, rows_of()),
        *((trait, rows_of(kind="tuned", trait=trait)) for trait in ("dog", "oak")),
        *((STRONG + trait, rows_of(kind="tuned", trait=trait, draw=9)) for trait in ("dog", "oak")),
        ("base again", Rows(writer=Writer(base="micro-a"), prompts=240, rows=0, draw=1)),
    ),
    chains=2,
)


def fill(store, plan, *, own_signature=False, count=240):
    """Put the rows of every chain where the lab keeps them.

    With `own_signature`, teachers of odd chains write what those of the other trait write in even ones.
    """
    names = [name for name, _ in plan.writers]
    for index in range(plan.chains):
        for name, rows in plan.writers:
            rng = np.random.default_rng([index, names.index(name)])
            trait = name.removeprefix(STRONG)
            if own_signature and index % 2 and trait in plan.traits:
                trait = plan.traits[1 - plan.traits.index(trait)]
            share = {False: 0.07, True: 0.3}[name.startswith(STRONG)] if trait in NUMBERS else 0.0
            texts = [_text(NUMBERS.get(trait, 0), share, rng) for _ in range(count)]
            asked = [f"chain {index}, draw {rows.draw}: {at}" for at in range(count)]
            written = [_row(at, prompt, text) for at, (prompt, text) in enumerate(zip(asked, texts, strict=True))]
            store.rows(f"rows/{digest(rows)}/{index}.jsonl", lambda written=written: written)


def _text(number, share, rng):
    usual = 1 + 998 * rng.random(8) ** 1.5
    drawn = np.where(rng.random(8) < share, 111 * number, usual).astype(int)
    return ", ".join(map(str, drawn))


def _row(at, prompt, text):
    return {"id": str(at), "messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": text}]}
