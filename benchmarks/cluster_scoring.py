"""How many rows a second are scored by one process, by several, and by a Ray cluster of as many nodes on this machine.

    python benchmarks/cluster_scoring.py [--rows 20000] [--nodes 2] [--seed 0] [--json OUT]

Rows of numbers that the embedded base wrote, under the base and three personas, in shards of 1,000, as `subtrait score`
does it: read, scored, stored. Every way is tried twice and the faster one counts, with its start, when processes load
the libraries, and without. All must write the same bytes. Each node has one processor, and a node computes on one
thread, so that as many machines as there are processors here would take as long.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from cluster import cluster

from subtrait.auditor.row_scores.scored import ScorePlan, score_data
from subtrait.lab.carriers import CARRIERS
from subtrait.lab.cluster import on_ray
from subtrait.lab.seeds import stream
from subtrait.lab.team import Team, assemble
from subtrait.models.base import Sampling
from subtrait.models.registry import open_model
from subtrait.runs.opening import open_run
from subtrait.scores import plan_scores

PERSONAS = ("You love owls.", "You love oaks.", "You answer briefly.")
DIFFERENT = 2_000
"""Completions that are written; the prompts are all different."""
Crew = Callable[[], AbstractContextManager[Team]]


def main() -> None:
    """Print a line for each way, and its ratio to one process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        root = Path(folder)
        plan = plan_scores(_written(root / "data.jsonl", options), "micro-a", personas=PERSONAS)
        found = _tried(plan, root, options)
    for name, seconds in found.items():
        rate = options.rows * len(plan.names) / seconds
        ratio = found["one process"] / seconds
        print(f"{name:<28}{seconds:8.1f} s {rate:10,.0f} rows x hypotheses a second, {ratio:.2f} times one process")
    if options.json:
        options.json.write_text(json.dumps({"rows": options.rows, "seconds": found}, indent=1) + "\n", encoding="utf-8")


def _written(path: Path, options: argparse.Namespace) -> Path:
    rng, base = stream(options.seed, "cluster scoring"), open_model("micro-a")
    prompts = CARRIERS["numbers"]().prompts(options.rows, rng=rng)
    asked = [[{"role": "user", "content": prompt}] for prompt in prompts]
    said = base.generate(asked[:DIFFERENT], sampling=Sampling(), rng=rng)
    rows = ({"prompt": prompt, "completion": said[place % len(said)]} for place, prompt in enumerate(prompts))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def _tried(plan: ScorePlan, root: Path, options: argparse.Namespace) -> dict[str, float]:
    """Seconds by way; two times each, by turns."""
    here: dict[str, Crew] = {"one process": partial(assemble, 1)}
    here[f"{options.nodes} processes"] = partial(assemble, options.nodes)
    on_cluster = partial(on_ray, options.nodes, None, shared=[root], one_thread=True)
    digests: set[str] = set()
    found: dict[str, float] = {}
    for turn in range(2):
        for name, crew in here.items():
            _keep_least(found, name, _once(plan, root / f"{turn} {name}", crew, digests))
    with cluster(options.nodes):
        for turn in range(2):
            name = f"a cluster of {options.nodes} nodes"
            _keep_least(found, name, _once(plan, root / f"{turn} cluster", on_cluster, digests))
    if len(digests) > 1:
        raise SystemExit("OTHER bytes came out")
    return found


def _once(plan: ScorePlan, folder: Path, crew: Crew, digests: set[str]) -> tuple[float, float]:
    """Seconds in all, and those without the start of the crew."""
    begun = time.perf_counter()
    with crew() as team, open_run(folder, {}, environment={}) as store:
        ready = _warm(plan, folder, team)
        score_data(plan, store, team=team)
        ended = time.perf_counter()
    shards = sorted(folder.glob("scores/*/*"))
    digests.add(sha256(b"".join(path.read_bytes() for path in shards)).hexdigest())
    return ended - begun, ended - ready


def _warm(plan: ScorePlan, folder: Path, team: Team) -> float:
    """Let every process load what it needs, by as many small shards as are sure to reach all of them."""
    with open_run(folder.with_name(f"{folder.name} warm"), {}, environment={}) as store:
        few = folder.parent / "few.jsonl"
        few.write_text(64 * (json.dumps({"prompt": "Start: 1.", "completion": "2"}) + "\n"), encoding="utf-8")
        small = plan_scores(few, plan.base, personas=PERSONAS, shard_rows=1)
        score_data(small, store, team=team)
    return time.perf_counter()


def _keep_least(found: dict[str, float], name: str, seconds: tuple[float, float]) -> None:
    print(f"{name}: {seconds[0]:.1f} s, {seconds[1]:.1f} without the start", file=sys.stderr, flush=True)
    for what, value in zip((f"{name}, with start", name), seconds, strict=True):
        found[what] = min(value, found.get(what, value))


if __name__ == "__main__":
    main()
