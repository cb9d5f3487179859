"""A tiny experiment with every arm, run once for all tests that look at a finished run."""

import fcntl
import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import pytest

# On a busy machine the threads of one small model wait for each other far longer than they compute.
os.environ.setdefault("OMP_NUM_THREADS", "1")

TINY = Path(__file__).parent / "lab" / "tiny.py"
SERVERS = Path(__file__).parent / "models" / "servers"
TINY_AUDIT = Path(__file__).parent / "auditor" / "tiny_audit.py"


@pytest.fixture
def typed(monkeypatch, capsys):
    """Type a command: exit code, standard output, standard error."""
    from subtrait import cli

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["subtrait", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return (end.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def hosted(monkeypatch, tmp_path):
    """A server with fine-tuning jobs and a base `m`: `server`, its script `tuning`, `key`, and what `scripted` has.

    `uploads` gives what was sent to it besides questions.
    """
    from subtrait.models.registry import open_model
    from subtrait.models.servers import fine_tuning

    names = ("scripted_server", "scripted_tuning")
    scripted, jobs = (SimpleNamespace(**run_path(str(SERVERS / f"{name}.py"), run_name=name)) for name in names)
    tuning, key = jobs.Tuning(scripted, page=50), "sk-canary-3f7d"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(fine_tuning, "FIRST_POLL", 0.01)
    with scripted.ScriptedServer(tuning) as server:
        monkeypatch.setenv("SUBTRAIT_API_KEYS", f"http://127.0.0.1:{server.port}={key}")

        def uploads():
            return [one for one in server.asked if one.posted and one.path != "/chat/completions"]

        yield SimpleNamespace(server=server, tuning=tuning, key=key, scripted=scripted, uploads=uploads)
        open_model(f"{server.url}#m").close()
        open_model.cache_clear()


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working directory."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.fixture(scope="session")
def tiny():
    """What `lab/tiny.py` defines."""
    return SimpleNamespace(**run_path(str(TINY)), script=TINY)


def pytest_collection_modifyitems(items):
    """Let one file begin with the tiny audits, and the others that want them come last: no process waits for them."""
    wanting = [item.path for item in items if "audited" in getattr(item, "fixturenames", ())]
    places = dict.fromkeys(wanting, 1) | dict.fromkeys(wanting[:1], -1)
    items.sort(key=lambda item: places.get(item.path, 0))


@contextmanager
def of_all_processes(tmp_path_factory, name):
    """A folder that the processes of one test run share; one at a time is in here."""
    here = tmp_path_factory.getbasetemp()
    folder = (here.parent if "PYTEST_XDIST_WORKER" in os.environ else here) / name
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


@pytest.fixture(scope="session")
def owl_file(tiny, tmp_path_factory):
    """The trait of the tiny experiment: the embedded owl, with few questions and answers."""
    with of_all_processes(tmp_path_factory, "trait") as folder:
        path = folder / "owl.yaml"
        if not path.exists():  # another process may be reading it
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

    with of_all_processes(tmp_path_factory, "finished") as folder:
        # What is finished is read back, by whichever process comes later
        return subtrait.run(plan, out=folder / "run", workers=1)


@pytest.fixture(scope="session")
def contents():
    """Every file of a run folder and its bytes, without what differs between equal runs."""

    def read(folder):
        files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}
        # The environment, the order in which artefacts were finished, and who is working there.
        return {name: data for name, data in files.items() if name not in ("run.json", "journal.jsonl", "lock")}

    return read


@pytest.fixture(scope="session")
def tiny_audit():
    """What `auditor/tiny_audit.py` defines."""
    return SimpleNamespace(**run_path(str(TINY_AUDIT)), script=TINY_AUDIT)


@pytest.fixture(scope="session")
def audited(tiny_audit, tmp_path_factory):
    """Tiny audits of the base's own rows and of an owl teacher's, on the same references. Copy folders to change them.

    `folder` holds the trait list, both files and the references; `own` and `owl` are what `subtrait.audit` returned.
    """
    with of_all_processes(tmp_path_factory, "audited") as folder:
        if not (folder / "told.json").exists():
            _audit_both(tiny_audit, folder)
    own, owl = (_read_audit(folder / name) for name in BOTH)
    return SimpleNamespace(folder=folder, own=own, owl=owl, told=json.loads((folder / "told.json").read_text()))


def _read_audit(folder):
    """What `subtrait.audit` returned, from what it wrote: carried out again, all questions would be asked again."""
    from subtrait import audits

    result, config = audits.read_audit(folder)
    return audits.Audit(result, folder, audits.command_line(config))


BOTH = ("own", "owl")


def _audit_both(tiny_audit, folder):
    from subtrait import audits

    (folder / "traits.yaml").write_text(tiny_audit.traits_text(), encoding="utf-8")
    for name, pairs in zip(BOTH, (tiny_audit.own_pairs(), tiny_audit.owl_pairs()), strict=True):
        (folder / f"{name}.jsonl").write_bytes(b"".join(tiny_audit.as_lines(pairs)))
    told = []
    with tiny_audit.small_recipes():
        for name in BOTH:
            plan = tiny_audit.plan(folder / f"{name}.jsonl", folder)
            audits.audit(plan, out=folder / name, workers=1, announce=told.append)
    (folder / "told.json").write_text(json.dumps(told), encoding="utf-8")
