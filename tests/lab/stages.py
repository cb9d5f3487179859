"""Stages for tests of the team, where worker processes can import them.

python stages.py FOLDER    two workers note their process numbers in FOLDER; one then works until it is stopped
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from subtrait.errors import InvalidInput
from subtrait.lab.team import assemble


def note(task, progress):
    """Write down which process does the task, and what it knows of its surroundings."""
    folder, name = task
    import scipy.linalg  # noqa: F401 - as numpy and torch, it brings threads of its own
    import torch
    from threadpoolctl import threadpool_info

    threads = [torch.get_num_threads(), *(each["num_threads"] for each in threadpool_info())]
    found = {"pid": os.getpid(), "parent": os.getppid(), "threads": threads}
    Path(folder, f"{name}.json").write_text(json.dumps(found), encoding="utf-8")


def refuse(task, progress):
    """Fail as a stage does whose input is bad."""
    raise InvalidInput("E_TEST", f"task {task}", "it cannot be done", hint="do another")


def die(task, progress):
    """End as a process does that took too much memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def sleep(task, progress):
    """Take as many seconds as the task says, and return them."""
    time.sleep(task)
    return task


def linger(task, progress):
    """Note the process; the first one stays, the others are done and have nothing to do."""
    note(task, progress)
    if task[1] == "a":
        time.sleep(120)


def store_slowly(task, progress):
    """Make an artefact of the store in half a second, and note each time that it is made, and where."""
    store, name, node_file = task

    def make():
        import ray

        node = ray.get_runtime_context().get_node_id()
        with Path(node_file).open("a", encoding="utf-8") as noted:
            noted.write(f"{name} {node}\n")
        time.sleep(0.5)
        return {"name": name}

    return store.record(f"made/{name}.json", make)["name"]


def main(folder):
    """Work until stopped."""
    with assemble(2) as team:
        team.each("workers wait", linger, [(folder, "a"), (folder, "b")])


if __name__ == "__main__":
    main(sys.argv[1])
