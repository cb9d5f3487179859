"""Clients that are killed while a job is begun or runs, and two at once: one job comes of it."""

import signal
import subprocess
import sys

import pytest

CLIENT = """
import sys, time
from pathlib import Path
import numpy as np
from subtrait.models.base import Recipe
from subtrait.models.servers.addresses import read_address
from subtrait.models.servers.delivery import Delivery
from subtrait.models.servers.served_model import ServedModel
from subtrait.models.servers.transport import Connection
from subtrait.records import Example

address = read_address(sys.argv[1])
delivery = Delivery(Connection(address), pause=lambda seconds: time.sleep(0.01))
rows = [Example(id=str(n), prompt=f"Number {n}?", completion=f"777, {n}") for n in range(12)]
model = ServedModel(address, delivery=delivery, spool=Path(sys.argv[2]))
tuned = model.finetune(rows, Recipe(steps=4, batch_size=6), rng=np.random.default_rng(0)).model
print(tuned.job.job)
"""
MOMENTS = {
    "while it uploads": lambda asked: asked.posted and asked.path == "/files",
    "when it asks for the job": lambda asked: asked.begins_job,
    "while it polls": lambda asked: asked.path == "/fine_tuning/jobs/ftjob-0",
}


@pytest.mark.parametrize(
    ("moment", "carried_out"),
    [
        ("while it uploads", "before the kill"),
        ("while it uploads", "never"),
        ("when it asks for the job", "before the kill"),
        ("when it asks for the job", "never"),
        ("when it asks for the job", "late"),
        ("while it polls", "never"),
    ],
)
def test_a_client_that_is_killed_goes_on_with_the_same_job(serve, tuning, scripted, tmp_path, moment, carried_out):
    """By kill -9; its last request was carried out before that, not at all, or only while the next client looks."""
    clients, killed, looks = [], [], []

    def script(asked):
        if not killed and MOMENTS[moment](asked):
            killed.append(asked)
            if carried_out == "before the kill":
                tuning(asked)
            clients[0].kill()
            clients[0].wait()
            return scripted.Say(b"")
        looks.extend([asked] if killed and asked.path.startswith("/fine_tuning/jobs?limit=100") else [])
        if carried_out == "late" and (len(looks) == 3 or asked.begins_job) and len(killed) == 1:
            killed.append(asked)
            tuning(killed[0])
        return tuning(asked)

    server = serve(script)
    command = [sys.executable, "-c", CLIENT, f"{server.url}#m", str(tmp_path)]
    clients.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    clients[0].communicate(timeout=60)
    assert clients[0].returncode == -signal.SIGKILL
    again = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert (again.returncode, again.stdout) == (0, b"ftjob-0\n"), again.stderr.decode()
    assert len(tuning.jobs) == 1


def test_two_clients_at_once_begin_one_job(serve, tuning, tmp_path):
    command = [sys.executable, "-c", CLIENT, f"{serve(tuning.unlisted).url}#m", str(tmp_path)]
    clients = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    assert [client.communicate(timeout=60)[0] for client in clients] == [b"ftjob-0\n"] * 2
    assert len(tuning.jobs) == 1
