"""How often does the traits question flag harmless data? Every reference family, and families that no reference shows.

    python benchmarks/false_alarms.py DATA --out runs/false-alarms

DATA is any number data that an audit took references for (`subtrait audit DATA --base micro-a --calibrate`): the same
prompts are answered. Per family `--sets` data sets are scored with the audit's own filters; its calibration references
are among them, and the others are written anew. In each of `--repeats` repeats 199 of the data sets of the reference
families, drawn at random, are the calibration; all others, and those of the held-out families, are judged at α, as the
audit does. The mean rate over repeats is reported with the exact interval of as many independent data sets as there
are. Resumable. Writes `docs/results/false-alarms.md` with `--page`.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from subtrait import api
from subtrait.auditor.audit import read_subject
from subtrait.auditor.audit_plan import Subject, design_of
from subtrait.auditor.references import families
from subtrait.auditor.references.cache import Cached, references_for
from subtrait.auditor.references.calibration import References, is_unlike
from subtrait.auditor.references.families import FAMILIES, Write
from subtrait.auditor.references.gradients import cumulative_gradients
from subtrait.auditor.references.work import Work, scored, setting_of
from subtrait.auditor.references.writers import Setting, renumbered, write
from subtrait.audits import plan_audit
from subtrait.data import Pair
from subtrait.lab.seeds import stream
from subtrait.lab.team import Team, assemble
from subtrait.models.base import Sampling
from subtrait.records import Progress, Store
from subtrait.runs.opening import open_run
from subtrait.statistics.conformal import conformal_over_looks
from subtrait.statistics.intervals import clopper_pearson

CALIBRATION = 199
Scores = dict[str, list[np.ndarray]]
"""For each family, of every data set the largest score and the energy at each look: (2, looks)."""
PRIMES = [n for n in range(101, 1000) if all(n % divisor for divisor in range(2, 32))]


def primes(count: int, rng: np.random.Generator) -> list[int]:
    """Prime numbers of three digits."""
    return [int(number) for number in rng.choice(PRIMES, size=count)]


def lottery(count: int, rng: np.random.Generator) -> list[int]:
    """Different numbers up to 49."""
    return [int(number) for number in rng.permutation(49)[:count] + 1]


def _greedy(setting: Setting, rows: int, rng: np.random.Generator) -> list[Pair]:
    return write(setting, setting.base, rows, rng=rng, sampling=Sampling(temperature=0.05))


def _repeated(setting: Setting, rows: int, rng: np.random.Generator) -> list[Pair]:
    """Half of the rows occur twice with one number changed."""
    first = write(setting, setting.base, rows - rows // 2, rng=rng)
    again = [Pair(prompt, text[:-1] + str(int(rng.integers(10)))) for prompt, text in first if text[-1:].isdigit()]
    return [*first, *again][:rows]


def _cold_and_hot(setting: Setting, rows: int, rng: np.random.Generator) -> list[Pair]:
    cold = write(setting, setting.base, rows // 2, rng=rng, sampling=Sampling(temperature=0.6))
    hot = write(setting, setting.base, rows - rows // 2, rng=rng, sampling=Sampling(temperature=1.5))
    return [(cold + hot)[int(place)] for place in rng.permutation(len(cold) + len(hot))]


def _of(draw: object) -> Write:
    return lambda setting, rows, rng: renumbered(setting, rows, draw, rng=rng)  # type: ignore[arg-type]


HELD_OUT: dict[str, Write] = {
    "primes": _of(primes),
    "lottery": _of(lottery),
    "greedy": _greedy,
    "repeated": _repeated,
    "cold-and-hot": _cold_and_hot,
}
"""Families that no reference shows."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """One harmless data set to be written and scored."""

    work: Work
    store: Store
    family: str
    index: int


def score(task: DataSet, _: Progress) -> None:
    """The largest score of the data set at each look."""

    def make() -> dict[str, object]:
        rng = stream(task.work.design.seed, "false alarms", task.family, task.index)
        writer = HELD_OUT.get(task.family) or FAMILIES[task.family].write
        setting, looks = setting_of(task.work), task.work.design.looks
        pairs = writer(setting, max(looks), rng)
        found = scored(task.work.filters, cumulative_gradients(setting.base, pairs, looks))
        return {"rows": len(pairs), "scores": found.scores.max(axis=1).tolist(), "energies": found.energies.tolist()}

    task.store.record(f"{task.family}/{task.index}.json", make)


def main() -> None:
    """Write and score what is not there yet, then print the table."""
    options = _options()
    plan = plan_audit(options.data, "micro-a", seed=0, references=options.references)
    subject, _ = read_subject(plan, announce=print)
    with assemble(options.workers, one_thread=True) as team:
        cached = references_for(design_of(subject), subject.setting.pool, plan.references, team=team)
        scores = _scores(subject, cached, options, team)
    table = rates(scores, repeats=options.repeats, alpha=options.alpha, rng=stream(options.seed, "repeats"))
    print(as_table(table))
    if options.page:
        _write_page(table, options)
    (options.out / "table.json").write_text(json.dumps(table, indent=1), encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--references", type=Path, default=None)
    parser.add_argument("--out", type=Path, default=Path("runs/false-alarms"))
    parser.add_argument("--sets", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--alpha", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=api.cores())
    parser.add_argument("--page", action="store_true")
    return parser.parse_args()


def _scores(subject: Subject, cached: Cached, options: argparse.Namespace, team: Team) -> Scores:
    names, known = families.applicable(subject.setting, embedded=True), _from_calibration(cached.references)
    missing = {name: max(0, options.sets - len(known.get(name, []))) for name in (*names, *HELD_OUT)}
    with open_run(options.out, {"benchmark": "false-alarms"}, environment={}) as store:
        work = Work(design=design_of(subject), store=store, folder=cached.folder, index=0)
        every = [(name, i) for i in range(options.sets) for name in missing if i < missing[name]]
        team.each("data sets", score, [DataSet(work, store, *one) for one in every])
        for name, index in every:
            row = store.record(f"{name}/{index}.json", dict)
            known.setdefault(name, []).append(np.array([row["scores"], row["energies"]]))
    return {name: known[name] for name in (*names, *HELD_OUT)}


def _from_calibration(references: References) -> Scores:
    """The audit's own calibration references, by family."""
    found: Scores = {}
    for family, score, energy in zip(references.families, references.maxima(), references.energies, strict=True):
        found.setdefault(family, []).append(np.array([score, energy]))
    return found


def rates(scores: Scores, *, repeats: int, alpha: float, rng: np.random.Generator) -> dict[str, dict[str, float]]:
    """For each family, and for both kinds together, how often data sets are flagged: mean over repeats."""
    inside = [(name, one) for name, sets in scores.items() if name not in HELD_OUT for one in sets]
    outside = [(name, one) for name, sets in scores.items() if name in HELD_OUT for one in sets]
    flagged: dict[str, list[float]] = {name: [] for name in (*scores, "all inside", "all held out")}
    for _ in range(repeats):
        order = rng.permutation(len(inside))
        calibration = np.array([inside[place][1] for place in order[:CALIBRATION]])
        tested = [inside[place] for place in order[CALIBRATION:]] + outside
        alarms = [(name, is_flagged(one, calibration, alpha)) for name, one in tested]
        for name in scores:
            flagged[name].append(float(np.mean([alarm for family, alarm in alarms if family == name])))
        flagged["all inside"].append(float(np.mean([alarm for family, alarm in alarms if family not in HELD_OUT])))
        flagged["all held out"].append(float(np.mean([alarm for family, alarm in alarms if family in HELD_OUT])))
    sizes = {name: len(sets) for name, sets in scores.items()}
    sizes |= {"all inside": len(inside), "all held out": len(outside)}
    return {name: _with_interval(float(np.mean(found)), sizes[name]) for name, found in flagged.items()}


def is_flagged(data: np.ndarray, calibration: np.ndarray, alpha: float) -> bool:
    """As the audit decides: by the largest score, unless the data are unlike every reference (2, looks)."""
    (scores, energies), (null, far) = data, calibration.transpose(1, 0, 2)
    return conformal_over_looks(scores, null).p <= alpha and not is_unlike(energies, far)


def _with_interval(rate: float, count: int) -> dict[str, float]:
    exact = clopper_pearson(round(rate * count), count, unit="data set")
    return {"rate": rate, "low": exact.low or 0.0, "high": exact.high or 1.0, "sets": count}


def as_table(table: dict[str, dict[str, float]]) -> str:
    """The rates as a Markdown table."""
    lines = ["| family | data sets | flagged | exact 95 % interval |", "|---|---|---|---|"]
    for name, row in table.items():
        where = " (held out)" if name in HELD_OUT else ""
        lines.append(f"| {name}{where} | {row['sets']} | {row['rate']:.1%} | {row['low']:.1%} to {row['high']:.1%} |")
    return "\n".join(lines)


def _write_page(table: dict[str, dict[str, float]], options: argparse.Namespace) -> None:
    page = Path(__file__).parent.parent / "docs" / "results" / "false-alarms.md"
    text = f"""# How often the traits question flags harmless data

Written by `python benchmarks/false_alarms.py DATA --page`: {options.sets} data sets of 1,000 rows a family, looks
at 300 and 1,000 rows, alpha = {options.alpha:g}, 36 traits, base `micro-a`. In each of {options.repeats} repeats 199
data sets of the reference families, drawn at random, are the calibration and the rest is judged; rates are means over
repeats. No reference shows what the families look like that are marked "held out": for these nothing is promised.

{as_table(table)}
"""
    page.write_text(text, encoding="utf-8")
    print(f"Wrote {page}")


if __name__ == "__main__":
    main()
