"""Does the forecast tell what students will show? `python benchmarks/forecast.py [--out DIR] [--json OUT]`.

For each data set of `carrying_data.py` the auditor's forecast from short runs on some rows, and what students
trained on all its rows by the lab's recipe show beside students of the base's own rows. A data set transmits where its
teacher's own trait moves by δ or more (3 points), mean over students.
- Spearman: forecast against measured shift of the teacher's own trait, over the data sets that transmit. Ceiling: the
  same between halves of the students, over all ways to halve them, corrected to all students (Spearman and Brown).
- AUROC: the largest forecast shift of any answer, of data sets that transmit against nulls; and the same for the end
  of an interval that is nearer to 0 (negative where it holds 0), which weighs the noise of the rows.
- Named: how often the teacher's own trait has the largest forecast rise of all 32 answers.
Intervals: percentiles over data sets drawn with replacement. Resumable: what is in DIR is not made again.
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from carrying_data import CONTROL, FORECAST_ROWS, Task, measure, measure_students, question_sets, tasks

from subtrait.auditor.training.forecast import RUNS
from subtrait.lab.seeds import stream
from subtrait.lab.team import assemble
from subtrait.records import Row, SilentProgress, Store
from subtrait.runs import open_run
from subtrait.statistics.detection import auroc

TRANSMITS = 0.03
DRAWS = 2_000
PAGE = Path(__file__).parent.parent / "docs" / "results" / "forecast.md"
NAMES = [answer for each in question_sets() for answer in each.answers]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One data set, forecast and measured."""

    name: str
    kind: str
    trait: str
    """Empty for nulls."""
    measured: tuple[float, ...]
    """Each student's shift of the trait; of nulls, of the answer that moves most."""
    forecast: float
    """Of the same answer."""
    low: float
    high: float
    size: float
    """The largest forecast shift of any answer."""
    least: float
    """The largest size that some shift has at least, by its interval; negative where all intervals hold 0."""
    rank: int
    """Of that answer among all forecast rises, from 1."""
    outcome: str

    @property
    def shift(self) -> float:
        """Mean over students."""
        return float(np.mean(self.measured))

    @property
    def transmits(self) -> bool:
        """Whether the teacher's trait reaches the students."""
        return bool(self.trait) and self.shift >= TRANSMITS


class Clock(SilentProgress):
    """Prints when a data set is done."""

    def advance(self, steps: int = 1) -> None:  # noqa: ARG002 - the protocol's
        """Print the time."""
        print(time.strftime("%X"), "a data set is done", flush=True)


def missing() -> Row:
    """What is not in the run yet."""
    raise LookupError


def students(store: Store, task: Task) -> np.ndarray:
    """What the students of a data set answer: shape (students, answers)."""
    stored = [store.record(f"{task.name}/students/{number}.json", missing) for number in range(task.students)]
    return np.array([np.concatenate([each[asked.category] for asked in question_sets()]) for each in stored])


def case_of(store: Store, task: Task, control: np.ndarray) -> Case:
    """One data set beside the control students; `LookupError` where it is not finished."""
    shifts = students(store, task) - control.mean(axis=0)
    stored = store.record(task.forecast_name, missing)
    rows = {row["answer"]: row for row in stored["rows"]}
    answer = task.trait or NAMES[int(np.abs(shifts.mean(axis=0)).argmax())]
    rises = sorted(rows, key=lambda name: -rows[name]["shift"])
    return Case(
        name=task.name,
        kind=task.kind,
        trait=task.trait,
        measured=tuple(shifts[:, NAMES.index(answer)].tolist()),
        forecast=rows[answer]["shift"],
        low=rows[answer]["low"],
        high=rows[answer]["high"],
        size=max(abs(row["shift"]) for row in rows.values()),
        least=max(max(row["low"], -row["high"]) for row in rows.values()),
        rank=rises.index(answer) + 1,
        outcome=stored["outcome"],
    )


def spearman(first: list[float], second: list[float]) -> float:
    """The rank correlation; NaN for fewer than three."""
    from scipy.stats import spearmanr

    if len(first) < 3 or len(set(first)) == 1 or len(set(second)) == 1:
        return float("nan")
    return float(spearmanr(first, second).statistic)


def ceiling(cases: list[Case]) -> float:
    """The reliability of the measured shifts: correlation of halves, corrected to all students."""
    count = min((len(case.measured) for case in cases), default=0)
    found = []
    for half in combinations(range(count), count // 2):
        other = [number for number in range(count) if number not in half]
        sides = [[float(np.mean([case.measured[k] for k in part])) for case in cases] for part in (half, other)]
        found.append(spearman(*sides))
    mean = float(np.mean(found)) if found else float("nan")
    return 2 * mean / (1 + mean)


def figures(cases: list[Case], rng: np.random.Generator) -> dict[str, Any]:
    """Everything that is reported, with intervals."""
    carriers, nulls = [case for case in cases if case.transmits], [case for case in cases if not case.trait]

    def related(chosen: list[Case]) -> float:
        return spearman([case.forecast for case in chosen], [case.shift for case in chosen])

    def separated(left: list[Case], right: list[Case], by: str = "size") -> float:
        sides = [[getattr(case, by) for case in side] for side in (left, right)]
        return auroc(*sides) if left and right else float("nan")

    drawn = [(resampled(carriers, rng), resampled(nulls, rng)) for _ in range(DRAWS)]
    return {
        "data sets": len(cases),
        "transmitting": len(carriers),
        "nulls": len(nulls),
        "spearman": related(carriers),
        "spearman interval": interval([related(left) for left, _ in drawn]),
        "ceiling": ceiling(carriers),
        "auroc": separated(carriers, nulls),
        "auroc interval": interval([separated(*pair) for pair in drawn]),
        "auroc of the least size": separated(carriers, nulls, "least"),
        "named": float(np.mean([case.rank == 1 for case in carriers])) if carriers else float("nan"),
        "spearman of all carriers": related([case for case in cases if case.trait]),
        "median forecast over measured": float(np.median([c.forecast / c.shift for c in carriers] or [float("nan")])),
    }


def resampled(cases: list[Case], rng: np.random.Generator) -> list[Case]:
    """As many cases, drawn with replacement."""
    return [cases[int(number)] for number in rng.integers(0, len(cases), size=len(cases))] if cases else []


def interval(values: list[float]) -> list[float]:
    """The central 95 % of bootstrap values."""
    finite = [value for value in values if np.isfinite(value)]
    return [float(value) for value in np.quantile(finite, [0.025, 0.975])] if finite else []


def table(cases: list[Case]) -> str:
    """One line per data set, in points."""
    lines = [f"{'data set':<14}{'kind':<22}{'measured':>9}{'forecast':>10}{'interval':>18}{'rank':>6}{'size':>7}"]
    for case in sorted(cases, key=lambda case: -case.shift):
        low, high = 100 * case.low, 100 * case.high
        cells = f"{100 * case.shift:>+9.1f}{100 * case.forecast:>+10.1f}{f'{low:+.1f} to {high:+.1f}':>18}"
        lines.append(f"{case.name:<14}{case.kind:<22}{cells}{case.rank:>6}{100 * case.size:>7.1f}")
    return "\n".join(lines)


def page(cases: list[Case], found: dict[str, Any], options: argparse.Namespace) -> str:
    """The page in `docs/results`."""

    def between(name: str) -> str:
        return "{:.2f} ({:.2f} to {:.2f})".format(found[name], *found[f"{name} interval"])

    skipped = f"Left out, since something was chosen on them: {', '.join(options.skip)}." * bool(options.skip)
    return f"""# Does the forecast tell what students will show?

Written by `python benchmarks/forecast.py --seed {options.seed} --datasets {options.datasets} --page`:
{found["data sets"]} data sets of `benchmarks/carrying_data.py`, {found["nulls"]} of them nulls,
{options.students} students of `micro-a` each. Forecasts are made of {RUNS} short runs on up to {options.rows:,} rows
and as many on the base's own answers; students are trained on all rows by the whole recipe. Intervals are percentiles
over data sets drawn with replacement.
{skipped}

| figure | value |
|---|---|
| data sets whose trait moves by {100 * TRANSMITS:.0f} points or more | {found["transmitting"]} |
| Spearman of forecast and measured shift among these | {between("spearman")} |
| its ceiling: halves of the students, corrected to all | {found["ceiling"]:.2f} |
| AUROC of the largest forecast shift, these against nulls | {between("auroc")} |
| the trait has the largest forecast rise of 32 answers | {found["named"]:.0%} |
| median of forecast over measured | {found["median forecast over measured"]:.2f} |

Shifts in points: measured is the mean over students of the teacher's trait (of nulls, of the answer that moves most),
the interval is the forecast's own, simultaneous over all answers; rank is the answer's among all forecast rises, size
the largest forecast shift of any answer.

```text
{table(cases)}
```
"""


def main() -> int:
    """Make what is missing, print the table and write the JSON file if one is wanted."""
    parser = argparse.ArgumentParser(description="Forecasts beside measured shifts.")
    parser.add_argument("--out", type=Path, default=Path("runs/forecast-benchmark"), help="where everything is kept")
    parser.add_argument("--datasets", type=int, default=40, help="data sets, a quarter of them nulls (40)")
    parser.add_argument("--students", type=int, default=5, help="students per data set (5)")
    parser.add_argument(
        "--rows", type=int, default=FORECAST_ROWS, help="rows that a forecast is made from (as the audit)"
    )
    parser.add_argument("--workers", type=int, default=1, help="processes (1)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="OUT", help="also write the figures here")
    parser.add_argument("--skip", nargs="*", default=[], help="data sets that something was chosen on, by name")
    parser.add_argument("--page", action="store_true", help="write docs/results/forecast.md")
    parser.add_argument(
        "--traits", nargs="*", default=[], help="measure the students of these alone, and forecast none"
    )
    parser.add_argument("--only-read", action="store_true", help="report what is there, make nothing")
    options = parser.parse_args()
    with open_run(options.out, {"benchmark": "forecast", "seed": options.seed}, environment={}) as store:
        planned = tasks(store, options.seed, datasets=options.datasets, students=options.students)
        todo = [replace(task, rows=options.rows) for task in planned]
        if not options.only_read:
            wanted = [task for task in todo if task.kind == CONTROL or task.trait in options.traits]
            with assemble(options.workers, Clock()) as team:
                if options.traits:
                    team.each("data sets without forecasts", measure_students, wanted)
                    return 0
                team.each("data sets", measure, todo)
        control = students(store, todo[0])
        cases = []
        for task in (each for each in todo if each.kind != CONTROL and each.name not in options.skip):
            try:
                cases.append(case_of(store, task, control))
            except LookupError:
                print(f"{task.name} is not finished, or has too few rows for a forecast")
    found = figures(cases, stream(options.seed, "intervals"))
    print(table(cases), json.dumps(found, indent=2), sep="\n")
    if options.page:
        PAGE.write_text(page(cases, found, options), encoding="utf-8")
    if options.json is not None:
        whole = {"seed": options.seed, "figures": found, "data sets": [asdict(case) for case in cases]}
        options.json.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
