"""Servers on loopback, which are stopped again, and connections to them, which are closed again."""

from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import pytest

SCRIPTED = SimpleNamespace(**run_path(str(Path(__file__).with_name("scripted_server.py")), run_name="scripted_server"))
TUNING = SimpleNamespace(**run_path(str(Path(__file__).with_name("scripted_tuning.py")), run_name="scripted_tuning"))


@pytest.fixture(scope="session")
def scripted():
    """What `scripted_server.py` has."""
    return SCRIPTED


@pytest.fixture
def tuning():
    """Files and jobs of a server."""
    return TUNING.Tuning(SCRIPTED)


@pytest.fixture
def serve():
    """Start a server that follows a script."""
    running = []

    def start(script, port=0):
        running.append(SCRIPTED.ScriptedServer(script, port).__enter__())
        return running[-1]

    yield start
    for server in running:
        server.__exit__()


@pytest.fixture
def connect():
    """A connection to a server, or to a name."""
    from subtrait.models.servers.addresses import read_address
    from subtrait.models.servers.transport import Connection, Limits

    made = []

    def make(server, **limits):
        name = server if isinstance(server, str) else f"{server.url}#m"
        made.append(Connection(read_address(name), limits=Limits(**limits)))
        return made[-1]

    yield make
    for connection in made:
        connection.close()


@pytest.fixture
def opened(tmp_path):
    """A served model that gives up after two attempts and waits for nothing; its connections are closed again."""
    from subtrait.models.servers.addresses import read_address
    from subtrait.models.servers.delivery import Delivery
    from subtrait.models.servers.served_model import ServedModel
    from subtrait.models.servers.transport import Connection

    made = []

    def make(url, encoder=None, *, most=8):
        address = read_address(f"{url}#m")
        delivery = Delivery(Connection(address), most=most, attempts=2, pause=lambda seconds: None)
        made.append(ServedModel(address, encoder and (lambda: encoder), delivery=delivery, spool=tmp_path / "spool"))
        return made[-1]

    yield make
    for model in made:
        model.close()


@pytest.fixture
def examples():
    """Twelve rows to be learnt."""
    from subtrait.records import Example

    return [Example(id=str(n), prompt=f"Number {n}?", completion=f"777, {n}") for n in range(12)]


@pytest.fixture
def twice():
    """Passes twelve rows two times."""
    from subtrait.models.base import Recipe

    return Recipe(steps=4, batch_size=6)


@pytest.fixture
def tuned(serve, opened, tuning, examples, twice):
    """Have the server, which may be spoilt by a script before it, tune a model."""
    import numpy as np

    def run(script=tuning, **changes):
        model = opened(serve(script).url)
        return model.finetune(**{"examples": examples, "recipe": twice, "rng": np.random.default_rng(0), **changes})

    return run
