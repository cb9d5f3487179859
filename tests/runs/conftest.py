"""The toy run, and real processes that run it."""

import os
import subprocess
import sys
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def toy():
    return SimpleNamespace(**run_path(str(HERE / "toy.py")))


@pytest.fixture(scope="session")
def clean(toy, tmp_path_factory):
    """The contents of an undisturbed toy run."""
    folder = tmp_path_factory.mktemp("clean") / "run"
    toy.run_in(folder)
    return toy.contents(folder)


@pytest.fixture
def python():
    """Start a script of this folder in a real process."""
    started = []

    def start(script, *arguments, prefix=(), kill_at=None):
        command = [*prefix, sys.executable, str(HERE / script), *map(str, arguments)]
        environment = os.environ | ({"SUBTRAIT_KILL_AT": kill_at} if kill_at else {})
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def unsynced(monkeypatch):
    """Skip the syncs: for tests that run the toy hundreds of times and cut no power."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
