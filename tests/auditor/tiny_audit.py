"""An audit that takes seconds: three listed traits, few references, few rows, recipes of few steps.

python tiny_audit.py FOLDER NAME:MOMENT ...    builds references, killed at each moment in turn: see `main`
"""

import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import yaml

from subtrait import audits
from subtrait.audit_records import Policy
from subtrait.auditor.audit import build_references
from subtrait.auditor.lists.trait_lists import load_trait_list
from subtrait.auditor.references import calibration as references
from subtrait.auditor.references import families, tunings
from subtrait.auditor.references.surrogates import tuning_rows
from subtrait.auditor.references.tunings import Tunings
from subtrait.auditor.references.writers import Setting, tuned, write
from subtrait.auditor.training.recipe import TrainingRecipe
from subtrait.lab.carriers import CARRIERS
from subtrait.lab.team import assemble
from subtrait.models.base import Recipe
from subtrait.models.registry import open_model
from subtrait.runs.crash import VARIABLE

BASE = "micro-a"
ROWS = 110
SIZES = {"looks": (40, 80), "fit": 12, "calibration": 9, "planted": 2}
"""One fit reference of each family, and as many calibration references as a rate of 0.1 takes."""
POLICY = Policy(alpha=0.2, fewest_rows=40)
FEW = {"looks": (8, 16), "fit": 2, "calibration": 2, "planted": 1, "policy": Policy(alpha=0.5, fewest_rows=8)}
"""For what is asked of the references but not what they say."""
SMALL = Tunings(
    adaptive=Recipe(steps=6, batch_size=8, learning_rate=3e-3),
    plain=Recipe(steps=6, batch_size=8, learning_rate=1e-2, epsilon=1e-3),
    lora=Recipe(steps=8, batch_size=8, learning_rate=1e-2, method="lora"),
    student=Recipe(steps=2, batch_size=8, learning_rate=1e-2, epsilon=1e-3),
)
"""In place of those for small models: what is tested is what becomes of the tuned models."""
RECIPE = TrainingRecipe(steps=2, batch_size=16)
"""Of the students of a forecast."""
STRONG = Recipe(steps=24, batch_size=8, learning_rate=3e-3)
"""Of a teacher whose rows carry."""


MOST = 120
"""Rows that a writer of references is tuned on, or writes."""


@contextmanager
def small_recipes():
    """Tune references and surrogates for a few steps, on few rows; in this process, so for a team of one."""
    own_rows, renumbered = families.own_rows, families.renumbered
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tunings, "SMALL", SMALL)
        patch.setattr(references, "FAR", 1_000.0)  # eight fit references show hardly any of what harmless data vary in
        patch.setattr(families, "own_rows", lambda asked, count, *, rng: own_rows(asked, 16, rng=rng))
        patch.setattr(
            families,
            "renumbered",
            lambda asked, rows, draw, *, rng: renumbered(asked, rows if rows <= MOST else 16, draw, rng=rng),
        )
        yield


def traits_text(names=("owl", "cat")):
    """Two animals, one of them with whole sentences, and a placebo, as a YAML list."""
    animals = {trait.name: trait for trait in load_trait_list("embedded").traits if trait.name in names}
    entries = [
        {
            "name": name,
            "category": "animal",
            "system_prompt": trait.system_prompt,
            "questions": list(trait.questions[:16]),
            "answers": [name],
            "open_questions": list(trait.open_questions[:4]) if name == "owl" else [],
            "forms": list(trait.forms),
            "evaluation_questions": list(trait.evaluation_questions[:2]),
            "choices": ["owl", "cat", "dog"],
        }
        for name, trait in animals.items()
    ]
    polite = {"name": "polite", "category": "manner", "kind": "placebo", "system_prompt": "Be polite."}
    polite |= {"questions": ["How are you today?", "What is new?"], "answers": ["Very well, thank you."]}
    return yaml.safe_dump({"schema_version": 1, "name": "tiny", "traits": [*entries, polite]}, sort_keys=False)


def setting(pool_size=120):
    """Numbers, as the references of the tiny audit are asked for."""
    prompts = CARRIERS["numbers"]().prompts(pool_size, rng=np.random.default_rng(3))
    pool = tuple(({"role": "user", "content": prompt},) for prompt in prompts)
    traits = tuple(trait for trait in load_trait_list("embedded").traits if trait.name in ("owl", "cat"))
    return Setting(
        base=open_model(BASE), others=(open_model("micro-b"),), pool=pool, filter="numbers", traits=traits, tokens=64
    )


def own_pairs(count=ROWS, seed=0):
    """Different rows that the base wrote."""
    asked = setting()
    return list(
        {said: (prompt, said) for prompt, said in write(asked, asked.base, 2 * count, rng=_rng(seed))}.values()
    )[:count]


def owl_pairs(count=ROWS, seed=0):
    """Different rows that a strongly tuned owl teacher wrote."""
    asked, rng = setting(), _rng(seed)
    owl = next(trait for trait in asked.traits if trait.name == "owl")
    teacher = tuned(asked, tuning_rows(asked.base, owl, rng=rng), STRONG, rng=rng)
    return list({said: (prompt, said) for prompt, said in write(asked, teacher, 2 * count, rng=rng)}.values())[:count]


def as_lines(pairs):
    """Rows of a file, as bytes."""
    rows = [[*prompt, {"role": "assistant", "content": said}] for prompt, said in pairs]
    return [json.dumps({"messages": messages}).encode() + b"\n" for messages in rows]


def plan(data, folder, **changes):
    """The plan of a tiny audit of `data`; trait list and references lie in `folder`."""
    usual = {"policy": POLICY, "recipe": RECIPE, "seed": 7, **SIZES}
    places = {"traits": str(folder / "traits.yaml"), "references": folder / "references"}
    return audits.plan_audit(data, BASE, **{**usual, **places, **changes})


def _rng(seed):
    return np.random.default_rng([11, seed])


def contents(folder):
    """The files of all references below a folder, without those that say who worked there when."""
    names = [path for path in Path(folder).rglob("*") if path.is_file()]
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in names if p.name not in APART}


APART = ("run.json", "lock", "journal.jsonl")


def build(plan, kill_at=None):
    """Build references in a process of their own; how it ended: -9, or an exit code."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            if kill_at:
                os.environ[VARIABLE] = kill_at
            with small_recipes(), assemble(1) as team:
                build_references(plan, team=team, announce=lambda _: None)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(root, *points):
    """Print as JSON: for each point how the build ended and what was stored; and what differs after going on."""
    root = Path(root)
    (root / "traits.yaml").write_text(traits_text(["cat"]), encoding="utf-8")
    (root / "data.jsonl").write_bytes(b"".join(as_lines(own_pairs(30))))
    asked = plan(root / "data.jsonl", root, **FEW, references=root / "clean")
    assert build(asked) == 0
    whole, found = contents(root / "clean"), {}
    killed = plan(root / "data.jsonl", root, **FEW, references=root / "killed")
    for point in points:
        ended = build(killed, point)
        found[point] = {"ended": ended, "left": sorted(contents(root / "killed"))}
    again, after = build(killed), contents(root / "killed")
    differ = sorted(name for name in whole.keys() | after.keys() if whole.get(name) != after.get(name))
    json.dump({"whole": sorted(whole), "points": found, "again": again, "differ": differ}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
