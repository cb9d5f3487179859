"""Score rows in shards, get killed on the way, go on, and compare with an undisturbed run.

python killed.py FOLDER HOW ...    prints one JSON object: for each HOW what was stored when the run was killed, what
                                   the two processes together computed, and in which files the outcome differs

HOW is `NUMBER:MOMENT`, a crash point of the shard of that number, or `NUMBER:middle`: killed while its second
hypothesis is scored. Each run is a process of its own, forked from one that has loaded the model and computed nothing.
"""

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np

from subtrait.lab.carriers import CARRIERS
from subtrait.models.registry import open_model
from subtrait.runs import open_run
from subtrait.runs.crash import VARIABLE
from subtrait.scoring.hypotheses import Base, Prompted, digest_of
from subtrait.scoring.streaming import NamedRow, Shards, joined, score_in_shards, shard_name

ROWS, SHARD = 22, 5


class Watched:
    """A model that writes into a file what it is asked to score, and may kill its process in the middle of it."""

    def __init__(self, model, log, kill_in):
        self._model, self._log, self._kill_in = model, log, kill_in
        self.name, self.fingerprint = model.name, model.fingerprint

    def score(self, prompts, completions, *, token_budget=None):
        found = self._model.score(prompts, completions, token_budget=token_budget)
        prompted = prompts[0][0]["role"] == "system"
        first = prompts[0][-1]["content"]
        with open(self._log, "a", encoding="utf-8") as log:
            log.write(json.dumps([first, prompted]) + "\n")
        if prompted and first == self._kill_in:
            os.kill(os.getpid(), signal.SIGKILL)
        return found


def rows():
    prompts = CARRIERS["numbers"]().prompts(ROWS, rng=np.random.default_rng(0))
    pairs = [([{"role": "user", "content": prompt}], f"{number}, 2, 3") for number, prompt in enumerate(prompts)]
    return [NamedRow(pair) for pair in pairs]


def hypotheses(model):
    return Base(model=model), Prompted(name="owl", model=model, system_prompt="You love owls.")


def run(model, folder, *, log, kill_in=None, kill_at=None):
    """Score in a process of its own; how it ended: -9, or an exit code."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            if kill_at:
                os.environ[VARIABLE] = kill_at
            judges = hypotheses(Watched(model, log, kill_in))
            with open_run(folder, {"rows": ROWS}, environment={}) as store:
                scores = joined(score_in_shards(store, judges, iter(rows()), shards=Shards(rows=SHARD)))
            folder.with_suffix(".bin").write_bytes(scores.log_likelihoods.tobytes() + scores.tokens.tobytes())
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def contents(folder):
    """The shards, and the scores that were handed out where the run came to its end."""
    files = {path.name: path.read_bytes() for path in folder.glob("scores/*/*.jsonl")}
    whole = folder.with_suffix(".bin")
    return files | ({"scores": whole.read_bytes()} if whole.exists() else {})


def main(root, *hows):
    """Kill at each of the points."""
    root, model, found = Path(root), open_model("micro-a"), {}
    assert run(model, root / "clean", log=root / "clean.log") == 0
    whole, judges = contents(root / "clean"), digest_of(hypotheses(model))
    for how in hows:
        number, _, moment = how.partition(":")
        shard = rows()[SHARD * int(number) :][:SHARD]
        at = {"kill_in": shard[0].pair[0][-1]["content"]}
        if moment != "middle":
            at = {"kill_at": f"{shard_name('scores', int(number), judges, shard)}:{moment}"}
        folder, log = root / how.replace(":", "-"), root / f"{how.replace(':', '-')}.log"
        ended = run(model, folder, log=log, **at)
        left = sorted(contents(folder))
        again = run(model, folder, log=log)
        after = contents(folder)
        computed = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        differ = sorted(name for name in whole.keys() | after.keys() if whole.get(name) != after.get(name))
        found[how] = {"ended": ended, "left": left, "again": again, "computed": computed, "differ": differ}
    first = [shard[0].pair[0][-1]["content"] for shard in (rows()[start:] for start in range(0, ROWS, SHARD))]
    json.dump({"whole": sorted(whole), "first": first, "runs": found}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
