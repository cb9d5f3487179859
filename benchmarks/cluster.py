"""Does a cluster decide as this machine does? `python benchmarks/cluster.py [FOLDER]`, some two minutes.

A tiny audit with its references, those of the tests: by two processes of this machine, then by a Ray cluster of two
nodes on this machine. Compares the evidence, and every byte of the references. Ends with 1 where anything differs.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from runpy import run_path
from tempfile import mkdtemp
from typing import Any

from subtrait.auditor.audit import run_audit
from subtrait.lab.cluster import QUIET, on_ray
from subtrait.lab.team import Team, assemble, on_one_thread
from subtrait.runs.opening import open_run

TINY = Path(__file__).parents[1] / "tests" / "auditor" / "tiny_audit.py"


@contextmanager
def cluster(nodes: int = 2) -> Iterator[None]:
    """Nodes of one processor each, named by RAY_ADDRESS."""
    from ray.cluster_utils import Cluster

    os.environ.update(QUIET)
    started = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    for _ in range(nodes):
        started.add_node(num_cpus=1, object_store_memory=100 * 2**20)
    os.environ["RAY_ADDRESS"] = started.address
    try:
        yield
    finally:
        started.shutdown()


def audited(tiny: dict[str, Any], root: Path, name: str, *, team: Team) -> tuple[str, dict[str, bytes]]:
    """What the audit finds, and the files of the references that it built on the way."""
    start = time.perf_counter()
    plan = tiny["plan"](root / "data.jsonl", root, **tiny["FEW"], references=root / name)
    with on_one_thread(), open_run(root / f"audit-{name}", {"audit": name}, environment={}) as store:
        found = run_audit(plan, store, team=team, announce=lambda _: None)
    print(f"{name}: {found.outcome} after {time.perf_counter() - start:.0f} s", flush=True)
    return repr(found.evidence), tiny["contents"](root / name)


def main() -> int:
    """Audit twice and compare."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else mkdtemp()).resolve()
    root.mkdir(parents=True, exist_ok=True)
    tiny = run_path(str(TINY), run_name="tiny_audit")
    (root / "traits.yaml").write_text(tiny["traits_text"](["cat"]), encoding="utf-8")
    (root / "data.jsonl").write_bytes(b"".join(tiny["as_lines"](tiny["owl_pairs"](40))))
    with assemble(2) as team:
        here = audited(tiny, root, "here", team=team)
    with cluster(), on_ray(2, None, shared=[root], one_thread=True) as machines:
        there = audited(tiny, root, "there", team=machines)
    print(f"the evidence is {'the same' if here[0] == there[0] else 'ANOTHER'}")
    print(f"{len(here[1])} files of references are {'the same' if here[1] == there[1] else 'OTHERS'}")
    return int(here != there)


if __name__ == "__main__":
    sys.exit(main())
