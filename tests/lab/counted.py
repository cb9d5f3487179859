"""The command line with a tiny plan, in which every process notes the artefacts that it begins to make and finishes.

python counted.py NOTED run …    appends lines of JSON to the file NOTED: artefact, moment, process number

With STAY_AT=ARTEFACT in the environment the process that begins with that artefact stays there until it is killed.
Worker processes import this file, as they do the program that starts them, and so note what they do too.
"""

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import tiny

from subtrait import api, cli
from subtrait.runs import folder

NOTED, CALLED = "SUBTRAIT_TEST_NOTED", folder.crash_point


def note(name, moment):
    """Write the moment down, in one piece: several processes do."""
    line = json.dumps([name, moment, os.getpid()]) + "\n"
    with Path(os.environ[NOTED]).open("a", encoding="utf-8") as noted:
        noted.write(line)
    if (name, moment) == (os.environ.get("STAY_AT"), "before"):
        time.sleep(600)
    CALLED(name, moment)


def small_plan(experiment, **changes):
    """The plan of the command with few students, rows and steps; of a served base also few questions."""
    api.plan_run = PLANNED  # a command plans once
    usual, arms = tiny.tiny_plan(Path(changes["trait"])), ("treated", "untreated")
    if not changes["base"]:
        return replace(usual, other_base=None, arms=arms, prompts=16, rows=8, answers_per_question=1)
    small = {"prompts": 12, "rows": 4, "answers_per_question": 1, "students": 2, "arms": arms}
    return PLANNED(experiment, **{**changes, **small, "student_recipe": usual.student_recipe})


folder.crash_point = note
PLANNED = api.plan_run

if __name__ == "__main__":
    os.environ[NOTED] = sys.argv.pop(1)
    api.plan_run = small_plan
    cli.main()
