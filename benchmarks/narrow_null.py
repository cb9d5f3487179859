"""How often does a test of the narrow null reject rows that are just as declared? 5 % of the time, or less often.

    python benchmarks/narrow_null.py --out runs/narrow-null [--page]

`--tests` times (2,000) micro-a answers number prompts, and answers the same prompts again. The row-paired test is that
of the audit's question `personas`, through the number filter. The e-processes are `statistics.eprocess`'s: bets on the
paired differences of one persona, and the likelihood ratio of two tuned surrogates on rows that no filter saw. Each is
looked at after every row and stopped by six rules; a test rejects where e is 1 / 0.05 or more when it stops.
An honest test rejects 131 of 2,000 or fewer in 99.9 % of such benchmarks. Resumable.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import binom

from subtrait import api
from subtrait.audit_records import ListedTrait
from subtrait.auditor.lists.question_sets import conversation
from subtrait.auditor.lists.trait_lists import load_trait_list
from subtrait.auditor.paired_rows import PairedRows
from subtrait.auditor.personas import persona_differences, signs_changed
from subtrait.auditor.references.tunings import SMALL
from subtrait.auditor.suspect import passes
from subtrait.lab.carriers import CARRIERS
from subtrait.lab.seeds import stream
from subtrait.lab.team import assemble
from subtrait.lab.traits import find_trait
from subtrait.models.base import Model, Sampling
from subtrait.models.registry import open_model
from subtrait.records import Example, Progress, Store
from subtrait.runs.opening import open_run
from subtrait.statistics.eprocess import EProcess, betting, likelihood_ratio

ALPHA, GROUP = 0.05, 50
PAGE = Path(__file__).parent.parent / "docs" / "results" / "narrow-null.md"
PERSONAS, SURROGATES = ("owl", "oak"), ("owl", "oak")
SCALE = 0.1
"""Of the bets, in nats per token."""
Stop = Callable[[np.ndarray, np.random.Generator], int]


def _first(reached: np.ndarray) -> int:
    return int(reached.argmax()) if reached.any() else len(reached) - 1


RULES: dict[str, Stop] = {
    "after all rows": lambda e, _: len(e) - 1,
    "as soon as it rejects": lambda e, _: _first(e >= -np.log(ALPHA)),
    "at its largest": lambda e, _: int(e.argmax()),
    "looking after every tenth row": lambda e, _: 10 * _first(e[9::10] >= -np.log(ALPHA)) + 9,
    "when e is 10 times what it was, or a tenth": lambda e, _: _first(np.abs(e) >= np.log(10)),
    "at a random row": lambda e, rng: int(rng.integers(len(e))),
}
"""The row, from 0, at which one stops, from log e after each row."""


@dataclass(frozen=True, slots=True)
class Task:
    """Some tests."""

    store: Store
    seed: int
    index: int
    rows: int


def draw(task: Task, _: Progress) -> None:
    """The paired test's p, and log e at each rule's stop, for each test of the task."""

    def make() -> dict[str, object]:
        rng, base = stream(task.seed, "narrow null", task.index), open_model("micro-a")
        traits = [trait for trait in load_trait_list("embedded").traits if trait.name in PERSONAS]
        paired = [_tested(base, rows, traits, rng) for rows in _pairs(base, task.rows, rng)]
        surrogates = [_surrogate(base, name, task.seed) for name in SURROGATES]
        ratios = [{"ratio": _stopped(each, rng)} for each in _ratios(base, surrogates, task.rows, rng)]
        return {"tests": [one | other for one, other in zip(paired, ratios, strict=True)]}

    task.store.record(f"{task.index}.json", make)


def _pairs(base: Model, rows: int, rng: np.random.Generator) -> list[PairedRows]:
    """Answers of the base beside its own answers, both through the filter, a group of tests."""
    prompts = [conversation(prompt) for prompt in CARRIERS["numbers"]().prompts(round(1.3 * GROUP * rows), rng=rng)]
    both = [base.generate(prompts, sampling=Sampling(), rng=rng) for _ in range(2)]
    kept = [row for row in zip(prompts, *both, strict=True) if passes("numbers", row[1]) and passes("numbers", row[2])]
    parts = [kept[rows * test : rows * (test + 1)] for test in range(GROUP)]
    return [PairedRows(suspect=[(p, one) for p, one, _ in x], control=[(p, two) for p, _, two in x]) for x in parts]


def _tested(base: Model, rows: PairedRows, traits: list[ListedTrait], rng: np.random.Generator) -> dict[str, object]:
    differences = persona_differences(base, rows, traits)
    bets = _stopped(betting(differences[:, 0], scale=SCALE), rng)
    return {"rows": len(differences), "p": signs_changed(differences, rng=rng)[1], "bets": bets}


def _ratios(base: Model, surrogates: list[Model], rows: int, rng: np.random.Generator) -> list[EProcess]:
    """Bets on two surrogates, on all that the base says."""
    prompts = [conversation(prompt) for prompt in CARRIERS["numbers"]().prompts(GROUP * rows, rng=rng)]
    texts = base.generate(prompts, sampling=Sampling(), rng=rng)
    own, *others = ([row.sum() for row in model.score(prompts, texts)] for model in (base, *surrogates))
    by_test = np.array([own, *others]).T.reshape(GROUP, rows, -1)
    return [likelihood_ratio(each[:, 1:], each[:, 0]) for each in by_test]


def _surrogate(base: Model, name: str, seed: int) -> Model:
    rows = [
        Example(id=str(k), prompt=asked, completion=name) for k, asked in enumerate(find_trait(name).teacher_questions)
    ]
    return base.finetune(rows, SMALL.adaptive, rng=stream(seed, "surrogate", name)).model


def _stopped(process: EProcess, rng: np.random.Generator) -> dict[str, float]:
    return {name: float(process.log_e[rule(process.log_e, rng)]) for name, rule in RULES.items()}


def rejections(tests: list[dict]) -> dict[str, int]:
    """How many tests reject, by test and stopping rule."""
    counts = {"row-paired test": sum(test["p"] <= ALPHA for test in tests)}
    for kind, name in (("bets", "bets on pairs"), ("ratio", "likelihood ratio")):
        for rule in RULES:
            counts[f"{name}, {rule}"] = sum(test[kind][rule] >= -np.log(ALPHA) for test in tests)
    return counts


def as_table(counts: dict[str, int], tests: int) -> str:
    """The counts beside the bound, as a Markdown table."""
    most = int(binom.ppf(0.999, tests, ALPHA))
    lines = [f"| test | rejected of {tests:,} | at most {most} |", "|---|---|---|"]
    return "\n".join(lines + [f"| {k} | {count} | {'yes' if count <= most else 'NO'} |" for k, count in counts.items()])


def main() -> None:
    """Make the tests that are not there yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/narrow-null"))
    parser.add_argument("--tests", type=int, default=2_000)
    parser.add_argument("--rows", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=api.cores())
    parser.add_argument("--page", action="store_true")
    options = parser.parse_args()
    with open_run(options.out, {"benchmark": "narrow-null", "rows": options.rows}, environment={}) as store:
        tasks = [Task(store, options.seed, index, options.rows) for index in range(options.tests // GROUP)]
        with assemble(options.workers, one_thread=True) as team:
            team.each("tests", draw, tasks)
        tests = [test for task in tasks for test in store.record(f"{task.index}.json", dict)["tests"]]
    table = as_table(rejections(tests), len(tests))
    print(table)
    (options.out / "tests.json").write_text(json.dumps(tests), encoding="utf-8")
    if options.page:
        PAGE.write_text(_page(table, tests=len(tests), rows=options.rows), encoding="utf-8")


def _page(table: str, *, tests: int, rows: int) -> str:
    return f"""# How often tests of the narrow null reject rows that are as declared

Written by `python benchmarks/narrow_null.py --tests {tests} --page`. In each test micro-a answers {rows} number prompts
twice, both times so that the filter keeps the answer; the level is {ALPHA:g}. The paired test is that of the question
`personas`, with {len(PERSONAS)} personas. E-processes are looked at after every row and stopped by six rules. The bound
is what an honest test exceeds once in 1,000 such tables.

{table}
"""


if __name__ == "__main__":
    main()
