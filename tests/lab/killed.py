"""Kill a tiny run at each of its stage boundaries in turn, going on each time, and compare with an undisturbed run.

python killed.py FOLDER NAME:MOMENT ...    prints one JSON object: for each crash point, in the order of the run, how
                                           the process ended and what was stored by then; and in which files the run
                                           that went on at last is not the undisturbed one

Each process is forked from one that has loaded the libraries and computed nothing.
"""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import tiny

import subtrait
from subtrait.models import template_trial
from subtrait.models.base import Recipe
from subtrait.models.registry import open_model
from subtrait.runs.crash import VARIABLE

APART = ("run.json", "lock")


def contents(folder):
    """Every file of a run and its bytes; of the journal the set of lines."""
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}
    files["journal.jsonl"] = b"\n".join(sorted(set(files.get("journal.jsonl", b"").split(b"\n"))))
    return {name: data for name, data in files.items() if name not in APART}


def run(plan, folder, kill_at=None):
    """Run the plan in a process of its own; how it ended: -9, or an exit code."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            if kill_at:
                os.environ[VARIABLE] = kill_at
            subtrait.run(plan, out=folder, workers=1)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(root, *points):
    """Kill one run at each of the points."""
    trait = Path(root, "owl.yaml")
    trait.write_text(tiny.trait_text(), encoding="utf-8")
    arms = ("treated", "untreated", "shuffled-within")
    small = {"arms": arms, "prompts": 10, "rows": 6, "answers_per_question": 1}
    steps = {"teacher_recipe": Recipe(steps=1, batch_size=2), "student_recipe": Recipe(steps=1, batch_size=4)}
    plan = replace(tiny.tiny_plan(trait, students=1), other_base=None, **small, **steps)
    open_model("micro-a")
    template_trial.try_out = lambda *_: None  # it is not what is tested, and would take most of the time
    clean, found = Path(root, "clean"), {}
    assert run(plan, clean) == 0
    whole = contents(clean)
    folder = Path(root, "killed")
    for point in points:
        ended = run(plan, folder, point)
        found[point] = {"ended": ended, "left": sorted(contents(folder))}
    again = run(plan, folder)
    after = contents(folder)
    differ = sorted(name for name in whole.keys() | after.keys() if whole.get(name) != after.get(name))
    json.dump({"whole": sorted(whole), "points": found, "again": again, "differ": differ}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
