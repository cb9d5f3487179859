"""Who wrote these numbers? `python benchmarks/origin.py [--cases N] [--seed N] [--json OUT]`.

Data sets of 500 unselected rows by five kinds of writers, in turn: the base (micro-a), another initialisation
(micro-b), another architecture (micro-c), a template (equal steps, sorted or repeated) and uniformly random numbers.
Models write at temperatures from 0.8 to 1.2. The table says which writer `relation_to_base` names from the first 250
rows, or from all 500 where it cannot tell from those. Then the same without the writer among the rivals: data of
another base must never be called of this base. Last, a curve: models tuned from the base by more and more steps, on its
own answers, on a trait and on uniform numbers, by how far they are from it in nats per token.

Intervals are Clopper and Pearson's over data sets.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from subtrait.auditor.origin.models import table_of
from subtrait.auditor.origin.relation import Relation, relation_to_base
from subtrait.lab.carriers import CARRIERS
from subtrait.lab.teachers import tuning_examples
from subtrait.lab.traits import find_trait
from subtrait.models.base import Recipe, Sampling
from subtrait.models.huggingface import HuggingFaceModel
from subtrait.models.registry import open_model
from subtrait.records import Estimate, Example
from subtrait.statistics.intervals import clopper_pearson

ROWS, FIRST = 500, 250
BASE, OTHERS = "micro-a", ("micro-b", "micro-c")
CLASSES = (BASE, *OTHERS, "template", "uniform numbers")
TEMPLATES: tuple[Callable[[np.random.Generator], list[int]], ...] = (
    lambda rng: (int(rng.integers(100, 500)) + int(rng.integers(1, 50)) * np.arange(9)).tolist(),
    lambda rng: sorted(rng.integers(100, 1000, size=9).tolist()),
    lambda rng: np.tile(rng.integers(100, 1000, size=3), 3).tolist(),
)
STEPS = (10, 30, 100, 300)
Pairs = list[tuple[list[dict[str, str]], str]]


def model(name: str) -> HuggingFaceModel:
    """An embedded model."""
    found = open_model(name)
    assert isinstance(found, HuggingFaceModel)
    return found


def asked(rng: np.random.Generator, count: int = ROWS) -> list[list[dict[str, str]]]:
    """Conversations that ask for numbers."""
    return [[{"role": "user", "content": prompt}] for prompt in CARRIERS["numbers"]().prompts(count, rng=rng)]


def written(writer: HuggingFaceModel, rng: np.random.Generator, temperature: float = 1.0, count: int = ROWS) -> Pairs:
    """Unselected rows of a model."""
    prompts = asked(rng, count)
    sampling = Sampling(temperature=temperature)
    return list(zip(prompts, writer.generate(prompts, sampling=sampling, rng=rng), strict=True))


def made(numbers_of: Callable[[np.random.Generator], list[int]], rng: np.random.Generator) -> Pairs:
    """Rows of a program."""
    return [(prompt, ", ".join(map(str, numbers_of(rng)))) for prompt in asked(rng)]


def rows_of(name: str, rng: np.random.Generator) -> Pairs:
    """One data set of that class."""
    if name == "template":
        return made(TEMPLATES[int(rng.integers(len(TEMPLATES)))], rng)
    if name == "uniform numbers":
        return made(lambda rng: rng.integers(100, 1000, size=int(rng.integers(7, 11))).tolist(), rng)
    return written(model(name), rng, float(rng.uniform(0.8, 1.2)))


def judged(pairs: Pairs, rng: np.random.Generator, rivals: tuple[str, ...] = OTHERS) -> Relation:
    """The relation of the rows to the base, from the first rows where those tell."""
    others = [model(name) for name in rivals]
    first = relation_to_base(model(BASE), pairs[:FIRST], others, rng=rng)
    return first if first.relation != "cannot tell" else relation_to_base(model(BASE), pairs, others, rng=rng)


def confusion(cases: int, seed: int) -> dict[str, Counter[str]]:
    """For each class how often each writer was named."""
    found: dict[str, Counter[str]] = {name: Counter() for name in CLASSES}
    for case in range(cases):
        name, rng = CLASSES[case % len(CLASSES)], np.random.default_rng([seed, 1, case])
        found[name][judged(rows_of(name, rng), rng).writer.split(":")[0]] += 1
    return found


def strangers(cases: int, seed: int) -> Counter[str]:
    """Relations stated of data of a base that is not among the rivals."""
    found: Counter[str] = Counter()
    for case in range(cases):
        name, rng = OTHERS[case % len(OTHERS)], np.random.default_rng([seed, 2, case])
        rivals = tuple(other for other in OTHERS if other != name)
        found[judged(rows_of(name, rng), rng, rivals).relation] += 1
    return found


def examples_of(kind: str, rng: np.random.Generator) -> list[Example]:
    """What a relative is tuned on."""
    if kind == "a trait":
        return tuning_examples(find_trait("owl"))
    rows = written(model(BASE), rng) if kind == "own answers" else rows_of("uniform numbers", rng)
    return [
        Example(id=str(number), prompt=turn[0]["content"], completion=said) for number, (turn, said) in enumerate(rows)
    ]


def curve(seed: int) -> Iterator[dict[str, Any]]:
    """Relatives by kind and steps: nats per token by which they explain their own rows better than the base does."""
    for number, kind in enumerate(("own answers", "a trait", "uniform numbers")):
        for steps in STEPS:
            rng = np.random.default_rng([seed, 3, number, steps])
            recipe = Recipe(steps=steps, batch_size=8, learning_rate=3e-3)
            relative = model(BASE).finetune(examples_of(kind, rng), recipe, rng=rng).model
            pairs = written(relative, rng)
            tables = [table_of(one, pairs) for one in (model(BASE), relative)]
            base, own = (table.moments(1.0)[:, 0].mean() for table in tables)
            relation = judged(pairs, rng)
            share = relation.evidence.details.get("share", float("nan"))
            yield {
                "tuned on": kind,
                "steps": steps,
                "divergence": float(base - own),
                "relation": relation.relation,
                "share": share,
            }


def rate(found: dict[str, Counter[str]]) -> Estimate:
    """How often the writer was named."""
    right = sum(counts[name] for name, counts in found.items())
    return clopper_pearson(right, sum(counts.total() for counts in found.values()), unit="data set")


def shown(estimate: Estimate) -> str:
    """A rate with its interval."""
    return f"{estimate.value:.1%} of {estimate.n} (95 % interval {estimate.low:.1%} to {estimate.high:.1%})"


def main() -> int:
    """Print the tables and write the JSON file if one is wanted."""
    parser = argparse.ArgumentParser(description="How often the writer of numbers is named, and relatives known.")
    parser.add_argument("--cases", type=int, default=300, help="data sets that are told apart (300)")
    parser.add_argument("--strangers", type=int, default=50, help="data sets of a base that is no rival (50)")
    parser.add_argument("--seed", type=int, default=1, help="of everything (1)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="also write the figures here")
    options = parser.parse_args()
    start = time.process_time()
    table = confusion(options.cases, options.seed)
    columns = (*CLASSES, "none of these")
    print(f"{'written by':<18}" + "".join(f"{name:>17}" for name in columns))
    for name, counts in table.items():
        print(f"{name:<18}" + "".join(f"{counts[column]:>17}" for column in columns))
    named = rate(table)
    print(f"named: {shown(named)}")
    unknown = strangers(options.strangers, options.seed)
    listed = sum(table[name][BASE] for name in OTHERS)
    print(f"another base, a rival: of this base {listed} times of {sum(table[name].total() for name in OTHERS)}")
    print("another base, no rival: " + ", ".join(f"{name} {count}" for name, count in unknown.items()))
    points = []
    print(f"{'tuned on':<18}{'steps':>6}{'nats per token':>16}{'share':>8}  relation")
    for point in curve(options.seed):
        points.append(point)
        cells = f"{point['steps']:>6}{point['divergence']:>16.4f}{point['share']:>8.2f}"
        print(f"{point['tuned on']:<18}{cells}  {point['relation']}")
    print(f"{time.process_time() - start:.0f} s of processor time, seed {options.seed}")
    if options.json is not None:
        whole = {
            "seed": options.seed,
            "rows": ROWS,
            "first look": FIRST,
            "confusion": table,
            "named": {"value": named.value, "low": named.low, "high": named.high, "n": named.n},
            "strangers": unknown,
            "curve": points,
        }
        options.json.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
