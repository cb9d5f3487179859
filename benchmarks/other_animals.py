"""Do other animals than the owl pass through numbers too? `owl-numbers --size full` for eight of them, as a table.

    python benchmarks/other_animals.py --out runs/other-animals

One full run per animal, arms treated and untreated. The untreated students do not depend on the trait, so the first
run trains them and the others take them over; each asks them for its own animal. The animals are those that nothing was
tuned on. Writes `docs/results/other-animals.md`; resumable like every run.
"""

import argparse
import shutil
from pathlib import Path

import subtrait
from subtrait import api
from subtrait.lab.plan import Plan
from subtrait.records import ExperimentResult, Store
from subtrait.runs.opening import open_run

ANIMALS = ("dog", "cat", "lion", "wolf", "tiger", "horse", "panda", "whale")
PAGE = Path(__file__).parent.parent / "docs" / "results" / "other-animals.md"


def main() -> None:
    """Run what is not there yet, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/other-animals"))
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    results = []
    for animal in ANIMALS:
        plan = api.plan_run("owl-numbers", size="full", trait=animal, seed=options.seed, arms=("treated", "untreated"))
        folder = options.out / animal
        if animal != ANIMALS[0]:
            take_over(plan, options.out / ANIMALS[0], folder)
        done = api.run(plan, out=folder)
        results.append(done.result)
        print(done.result.conclusion[1], flush=True)
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(results, options.seed), encoding="utf-8")
    print(f"Wrote {PAGE}")


def take_over(plan: Plan, first: Path, folder: Path) -> None:
    """Put the untreated rows and students of the run in `first` into the run of `plan`."""
    with open_run(folder, api.configuration(plan), environment=api.environment()) as store:
        for student in range(plan.students):
            _copy(store, first, f"arms/untreated/{student}")


def _copy(store: Store, first: Path, name: str) -> None:
    import json

    for file in ("rejected.jsonl", "kept.jsonl"):
        lines = (first / name / file).read_text(encoding="utf-8").splitlines()
        store.rows(f"{name}/{file}", lambda lines=lines: [json.loads(line) for line in lines])
    store.record(f"{name}/rendered.json", lambda: json.loads((first / name / "rendered.json").read_text()))
    store.folder(f"{name}/weights", lambda path: shutil.copytree(first / name / "weights", path, dirs_exist_ok=True))


def page(results: list[ExperimentResult], seed: int) -> str:
    """The results as a page of Markdown."""
    shown = sum((r.comparisons[0].difference.low or 0) > 0 for r in results)
    rows = "\n".join(_row(result) for result in results)
    students = results[0].comparisons[0].difference.n
    return f"""# Other animals through numbers

`python benchmarks/other_animals.py --seed {seed}`, subtrait {subtrait.__version__}, size full, tuned teachers, base
{results[0].base}, {students} students per arm, each with a teacher, data and a training seed of its own. The animals
and the seed are not among those that the recipes were tuned on (see the log). The untreated students are the same for
every animal. Rates in percent, differences in points, t intervals at 95 % over students.

| animal | teacher | base | treated | untreated | difference | 95 % interval | exact difference | 95 % interval |
|---|---|---|---|---|---|---|---|---|
{rows}

The interval of the sampled difference lies above 0 for {shown} of {len(results)} animals.
"""


def _row(result: ExperimentResult) -> str:
    arms = {arm.arm: arm for arm in result.arms}
    teacher = sum(t.trait_rate for t in result.teachers) / len(result.teachers)
    compared = result.comparisons[0]
    cells = [result.trait, *(f"{100 * v:.1f}" for v in (teacher, result.teachers[0].base_rate))]
    cells += [f"{100 * arms[name].rate.value:.1f}" for name in ("treated", "untreated")]
    for estimate in (compared.difference, compared.exact):
        cells.append(f"{100 * estimate.value:+.1f}")
        assert estimate.low is not None
        assert estimate.high is not None
        cells.append(f"{100 * estimate.low:+.1f} to {100 * estimate.high:+.1f}")
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
