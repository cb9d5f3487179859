"""Runs: a run is a folder that describes itself and goes on where it was killed.

    with open_run(Path("runs/owl"), config, environment=environment) as run:
        answers = run.rows("arms/treated/0/answers.jsonl", ask_student)
        run.publish("result.json", text)

`run.json` says what the run is, `journal.jsonl` what is finished, `lock` who is working in it. An artefact counts once
it has been written, synced, renamed into place and journalled; anything else is made again. This package is the only
one that writes run folders.
"""

from subtrait.runs.disk import check_space
from subtrait.runs.folder import RunFolder
from subtrait.runs.opening import attach_run, open_run, read_run

__all__ = ["RunFolder", "attach_run", "check_space", "open_run", "read_run"]
