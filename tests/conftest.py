"""A tiny experiment with every arm, run once for all tests that look at a finished run."""

import os
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import pytest

# On a busy machine the threads of one small model wait for each other far longer than they compute.
os.environ.setdefault("OMP_NUM_THREADS", "1")

TINY = Path(__file__).parent / "lab" / "tiny.py"


@pytest.fixture(scope="session")
def tiny():
    """What `lab/tiny.py` defines."""
    return SimpleNamespace(**run_path(str(TINY)), script=TINY)


@pytest.fixture(scope="session")
def owl_file(tiny, tmp_path_factory):
    """The trait of the tiny experiment: the embedded owl, with few questions and answers."""
    path = tmp_path_factory.mktemp("trait") / "owl.yaml"
    path.write_text(tiny.trait_text(), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def plan(tiny, owl_file):
    """The plan of the tiny experiment: two students, every arm."""
    return tiny.tiny_plan(owl_file)


@pytest.fixture(scope="session")
def finished(plan, tmp_path_factory):
    """The tiny experiment, carried out by one process. Not to be changed: copy its folder first."""
    import subtrait

    return subtrait.run(plan, out=tmp_path_factory.mktemp("finished") / "run", workers=1)


@pytest.fixture(scope="session")
def contents():
    """Every file of a run folder and its bytes, without what differs between equal runs."""

    def read(folder):
        files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}
        # The environment, the order in which artefacts were finished, and who is working there.
        return {name: data for name, data in files.items() if name not in ("run.json", "journal.jsonl", "lock")}

    return read
