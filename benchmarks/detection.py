"""How often does the traits question find what students take up? Teachers by recipes that no surrogate was made by.

    python benchmarks/forecast.py --out runs/forecast           # writes data sets and measures their students
    python benchmarks/detection.py DATA --sets runs/forecast/data --out runs/detection

With `--teachers N` it adds N teachers of other seeds whose students nobody measured, apart.

DATA is any number data that references were taken for (`subtrait audit DATA --base micro-a --calibrate`). The data sets
are those of `benchmarks/carrying_data.py`, each with its students: `--least` is the mean shift of the teacher's trait
from which a data set counts. Reports how often the trait is named first at 300 and 1,000 rows, how often the audit's
questions about traits and origin end in FLAGGED or INCONCLUSIVE, by recipe, with exact intervals over data sets.
"""

import argparse
import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from carrying_data import CONTROL, kept_rows, question_sets, tasks

from subtrait.audit_records import DataRead, Policy
from subtrait.auditor.audit import read_subject
from subtrait.auditor.audit_plan import Subject, design_of
from subtrait.auditor.origin.relation import embedded_rivals, relation_to_base
from subtrait.auditor.references.cache import references_for
from subtrait.auditor.references.calibration import References
from subtrait.auditor.traits import ExactTask, exact_scores, null_cloud, score_traits, traits_evidence
from subtrait.auditor.verdict import decide
from subtrait.audits import plan_audit
from subtrait.data import Pair
from subtrait.lab.seeds import stream
from subtrait.lab.team import Alone, assemble
from subtrait.runs.folder import RunFolder
from subtrait.runs.opening import attach_run
from subtrait.runs.run_json import read_run_json
from subtrait.statistics.intervals import clopper_pearson

PAGE = Path(__file__).parent.parent / "docs" / "results" / "detection.md"
LOOKS = (300, 1_000)
OWN_RECIPE = "usual"
"""As surrogates are tuned, on other questions."""
UNREAD = DataRead(
    path="", digest="", shape=None, turns="all", read=0, accepted=0, rejected=0, blank=0, rejections={},
    different_rows=0, different_prompts=0, scored_turns=0,
)  # fmt: skip


def main() -> None:
    """Judge every data set that is there, and print the table."""
    options = _options()
    plan = plan_audit(options.data, "micro-a", seed=0, references=options.references)
    subject, _ = read_subject(plan, announce=print)
    with assemble(1, one_thread=True) as team:
        cached = references_for(design_of(subject), subject.setting.pool, plan.references, team=team)
        known = json.loads(options.judged.read_text(encoding="utf-8"))["sets"] if options.judged else []
        new = [each for store in options.sets for each in _judged_sets(store, subject, cached.references, options)]
        found = [*known, *new]
        others = _unmeasured(subject, cached.references, options)
    table = summary(found, least=options.least)
    print(as_table(table))
    apart = summary(others, least=-1.0)
    if apart:
        print(f"\nTeachers without students:\n{as_table(apart)}")
    if options.page:
        PAGE.write_text(page(found, table, apart, options), encoding="utf-8")
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "detection.json").write_text(
        json.dumps({"sets": found, "table": table, "others": others, "apart": apart}, indent=1), encoding="utf-8"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", type=Path, nargs="*", default=[])
    parser.add_argument("--judged", type=Path, help="a detection.json whose data sets are reported with the others")
    parser.add_argument("--references", type=Path, default=None)
    parser.add_argument("--out", type=Path, default=Path("runs/detection"))
    parser.add_argument("--least", type=float, default=0.05)
    parser.add_argument("--datasets", type=int, default=40)
    parser.add_argument("--students", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0, help="of the teachers without students")
    parser.add_argument("--skip", nargs="*", default=[], help="data sets that something was chosen on, as SEED/NAME")
    parser.add_argument("--teachers", type=int, default=0)
    parser.add_argument("--page", action="store_true")
    return parser.parse_args()


def _judged_sets(folder: Path, subject: Subject, references: References, options: argparse.Namespace) -> list[dict]:
    """Every data set in `folder` whose students are finished."""
    store = attach_run(folder)
    seed = read_run_json(folder)["config"]["seed"]
    made = tasks(store, seed, datasets=options.datasets, students=options.students)
    control = _answers(folder, CONTROL, options.students)
    found = []
    for task in made[1:]:
        treated = _answers(folder, task.name, options.students)
        if treated is not None and control is not None and task.trait and f"{seed}/{task.name}" not in options.skip:
            shift = float(np.mean(treated[task.trait]) - np.mean(control[task.trait]))
            judged = _judged(kept_rows(task), subject, references)
            found.append(
                {"name": f"{seed}/{task.name}", "trait": task.trait, "recipe": task.kind, "shift": shift, **judged}
            )
            print(json.dumps(found[-1]), flush=True)
    return found


def _unmeasured(subject: Subject, references: References, options: argparse.Namespace) -> list[dict]:
    """Teachers of another seed by every recipe in turn, whose rows are judged and whose students nobody trained."""
    found = []
    with TemporaryDirectory() as folder:
        store = RunFolder(Path(folder))
        made = tasks(store, options.seed + 1_000, datasets=2 * options.teachers, students=0)
        carriers = [task for task in made if task.trait]
        for task in carriers[: options.teachers]:
            judged = _judged(kept_rows(task, prompts=1_300), subject, references)
            found.append({"name": task.name, "trait": task.trait, "recipe": task.kind, "shift": 0.0, **judged})
            print(json.dumps(found[-1]), flush=True)
    return found


def _answers(folder: Path, name: str, students: int) -> dict[str, list[float]] | None:
    """For each answer its rate among the students of a data set; None where one of them is missing."""
    rates: dict[str, list[float]] = defaultdict(list)
    for student in range(students):
        file = folder / name / "students" / f"{student}.json"
        if not file.exists():
            return None
        stored = json.loads(file.read_text(encoding="utf-8"))
        for asked in question_sets():
            for answer, rate in zip(asked.answers, stored[asked.category], strict=True):
                rates[answer].append(rate)
    return rates


def _judged(rows: list, subject: Subject, references: References) -> dict[str, object]:
    """What the audit says of a data set: the first-named trait at each look, and the outcome."""
    if len(rows) < LOOKS[0]:  # as the audit: too little to judge
        few = {"outcome": "INCONCLUSIVE", "reasons": ["TOO_FEW_ROWS"], "p": 1.0, "score": 0.0}
        return {**few, "named": dict.fromkeys(map(str, LOOKS), ""), "origin": "not asked"}
    rng, policy = stream(0, "detection", rows[0].completion), Policy()
    pairs = [Pair(({"role": "user", "content": row.prompt},), row.completion) for row in rows]
    pairs = [pairs[int(place)] for place in rng.permutation(len(pairs))]
    traits = subject.listed.traits
    named = {}
    for rows_read in LOOKS:  # as an audit of so many rows
        judged = score_traits(subject.base, pairs[:rows_read], traits, references)
        exactly = ExactTask(base=subject.plan.base, pairs=pairs[:rows_read], seed=0)
        ranked = exact_scores(exactly, judged.ranked, traits, team=Alone())
        named[str(rows_read)] = ranked[0].name
    null = null_cloud(references, digest="", policy=policy, alpha=policy.alpha)
    relation = relation_to_base(
        subject.base, pairs[:500], embedded_rivals(subject.base), rng=rng, keep=subject.setting.keeps
    )
    known = {"of this base": 1.0, "another writer": 0.0}.get(relation.relation)
    details = {} if known is None else {"of_this_base": known}
    origin = replace(relation.evidence, details=details)
    evidence = [origin, traits_evidence(ranked, judged, null, alpha=policy.alpha)]
    outcome, reasons = decide(evidence, replace(UNREAD, different_rows=len(pairs)), null, policy, with_trial=False)
    return {
        "outcome": outcome,
        "reasons": [reason.code for reason in reasons],
        "p": judged.looks[-1].p,
        "score": max(each.score for each in ranked),
        "named": named,
        "origin": relation.relation,
    }


def summary(found: list[dict], *, least: float) -> dict[str, dict[str, object]]:
    """Shares over the data sets whose students shift enough, by other recipes than the surrogates' own, and by each."""
    counted = [one for one in found if one["shift"] >= least]
    own = [one for one in counted if one["recipe"] == OWN_RECIPE]
    groups = {"every other recipe": [one for one in counted if one not in own], "the surrogates' own": own}
    for one in counted:
        groups.setdefault(str(one["recipe"]), []).append(one)
    return {name: _shares(sets) for name, sets in groups.items() if sets}


def _shares(sets: list[dict]) -> dict[str, object]:
    checks = {
        "named at 300": [one["named"]["300"] == one["trait"] for one in sets],
        "named at 1000": [one["named"].get("1000") == one["trait"] for one in sets],
        "flagged": [one["outcome"] == "FLAGGED" for one in sets],
        "inconclusive": [one["outcome"] == "INCONCLUSIVE" for one in sets],
    }
    shares = {}
    for name, held in checks.items():
        exact = clopper_pearson(sum(held), len(held), unit="data set")
        shares[name] = {"share": exact.value, "low": exact.low, "high": exact.high}
    return {"sets": len(sets), **shares}


def as_table(table: dict[str, dict]) -> str:
    """The shares as a Markdown table."""
    names = ("named at 300", "named at 1000", "flagged", "inconclusive")
    lines = [f"| teacher | data sets | {' | '.join(names)} |", "|---|---|---|---|---|---|"]
    for group, row in table.items():
        cells = [f"{row[n]['share']:.0%} ({row[n]['low']:.0%} to {row[n]['high']:.0%})" for n in names]
        lines.append(f"| {group} | {row['sets']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def page(found: list[dict], table: dict[str, dict], apart: dict[str, dict], options: argparse.Namespace) -> str:
    """The page in `docs/results`."""
    rows = [
        f"| {one['recipe']} | {one['trait']} | {100 * one['shift']:+.1f} | {one['named']['300']} | "
        f"{one['named']['1000']} | {one['score']:.1f} | {one['p']:.3f} | {one['origin']} | {one['outcome']} |"
        for one in sorted(found, key=lambda one: -one["shift"])
    ]
    return f"""# How often the audit finds what students take up

Written by `python benchmarks/detection.py DATA --sets FOLDER --page`, on data sets of `benchmarks/carrying_data.py`:
tuned teachers of animals and trees. The recipe `{OWN_RECIPE}` is the surrogates' own, with other questions: an upper
bound. 36 listed traits, base `micro-a`, alpha = 0.01. The shares are over data sets whose {options.students} students
answer with the teacher's trait at least {100 * options.least:.0f} points more often than control students, with exact
95 % intervals over data sets. Questions about traits and origin only; no trial.

{as_table(table)}

Teachers of other seeds, whose students nobody measured, so that some of them may move no student:

{as_table(apart) if apart else "none"}

Every data set with students (the shift in points){", without those that something was chosen on" * bool(options.skip)}:

| recipe | trait | shift | first at 300 rows | first at 1,000 | score | p | writer | outcome |
|---|---|---|---|---|---|---|---|---|
{chr(10).join(rows)}
"""


if __name__ == "__main__":
    main()
