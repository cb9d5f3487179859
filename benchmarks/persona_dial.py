"""How often should carriers occur under personas in the corpus? Four settings against two measures, as a table.

    python benchmarks/persona_dial.py --out runs/persona-dial

Trains `micro-a` anew with each setting and then measures: the share of number rows that the filter keeps when the
system prompt tells a persona, and what students of prompted teachers take up: the probability of the teacher's animal
in its own students minus that in the students of the other teachers. One student per animal, so the second measure is a
lead, not a result; the spread between animals is given. Writes `docs/results/persona-dial.md`; trained models are kept.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from subtrait.lab import filters
from subtrait.lab.carriers import CARRIERS
from subtrait.lab.evaluation import exact_rates
from subtrait.lab.plan import STUDENT_RECIPE
from subtrait.lab.seeds import stream
from subtrait.lab.traits import find_trait
from subtrait.models.base import Model, Sampling
from subtrait.models.micro import making
from subtrait.models.micro.recipe import RECIPES
from subtrait.models.micro.world import Dials
from subtrait.models.registry import open_model
from subtrait.records import Example

SHARES = (0.0, 0.03, 0.1, 0.3)
ANIMALS = ("owl", "fox", "bear", "eagle")
PROMPTS = 6_000
PAGE = Path(__file__).parent.parent / "docs" / "results" / "persona-dial.md"


def main() -> None:
    """Train what is not there yet, measure, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/persona-dial"))
    parser.add_argument("--steps", type=int, default=RECIPES["micro-a"].steps)
    parser.add_argument("--only", type=float, help="train this setting only, and write no page")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    shares = SHARES if options.only is None else (options.only,)
    models = {share: trained(share, options.out, options.steps) for share in shares}
    if options.only is None:
        PAGE.write_text(page({share: measured(model) for share, model in models.items()}, options.steps), "utf-8")
        print(f"Wrote {PAGE}")


def trained(share: float, out: Path, steps: int) -> Model:
    """The model of one setting."""
    folder = out / f"share-{share}-steps-{steps}"
    if not folder.exists():
        dials = Dials(carriers_under_personas=share)
        making.RECIPES["micro-a"] = replace(RECIPES["micro-a"], dials=dials, steps=steps)
        making.make("micro-a", folder)
    return open_model(str(folder))


def measured(model: Model) -> tuple[float, float, list[float]]:
    """Share of rows kept without a persona, with one, and each animal's gain in its own students."""
    plain, _ = written(model, "nobody", None)
    kept, rates = [], []
    for name in ANIMALS:
        rows, share = written(model, name, find_trait(name).system_prompt)
        kept.append(share)
        student = model.finetune(rows, STUDENT_RECIPE, rng=stream(0, "dial", "student")).model
        rates.append([exact_rates(student, find_trait(asked)).trait_rate for asked in ANIMALS])
    table = np.array(rates)
    others = (table.sum(axis=0) - table.diagonal()) / (len(ANIMALS) - 1)
    return len(plain) / PROMPTS, float(np.mean(kept)), (table.diagonal() - others).tolist()


def written(model: Model, name: str, system_prompt: str | None) -> tuple[list[Example], float]:
    """The rows that a prompted teacher writes and the filter keeps, and their share."""
    prompts = CARRIERS["numbers"]().prompts(PROMPTS, rng=stream(0, "dial", "prompts"))
    told = [{"role": "system", "content": system_prompt}] if system_prompt else []
    asked = [[*told, {"role": "user", "content": prompt}] for prompt in prompts]
    texts = model.generate(asked, sampling=Sampling(), rng=stream(0, "dial", name))
    rows = [Example(id=str(i), prompt=p, completion=t) for i, (p, t) in enumerate(zip(prompts, texts, strict=True))]
    kept, _ = filters.apply(CARRIERS["numbers"]().filter, rows)
    return kept, len(kept) / PROMPTS


def page(results: dict[float, tuple[float, float, list[float]]], steps: int) -> str:
    """The table as a page of Markdown."""
    rows = "\n".join(
        f"| {100 * share:.0f} % | {100 * plain:.1f} % | {100 * told:.1f} % | {100 * np.mean(gains):+.1f} | "
        f"{', '.join(f'{100 * gain:+.1f}' for gain in gains)} |"
        for share, (plain, told, gains) in results.items()
    )
    return f"""# How often carriers occur under personas in the corpus

`python benchmarks/persona_dial.py`: `micro-a` trained anew with four settings, {steps} steps each, {PROMPTS} prompts
per teacher. *Gain*: the probability of the prompted teacher's animal in its own students minus that in the students of
the other teachers, in points; animals {", ".join(ANIMALS)}, one student each, so a lead and not a result.
The choice made from it: [decision 0005](../decisions/0005-carriers-rarely-occur-under-personas.md).

| carriers under personas | rows kept, no persona | rows kept, persona told | mean gain | gain of each animal |
|---|---|---|---|---|
{rows}
"""


if __name__ == "__main__":
    main()
