"""What is loaded at start-up. The times are measured by benchmarks/start_up.py; here is their cause."""

import json
import subprocess
import sys

import pytest

HELP = """
import sys
from subtrait.cli import main
sys.argv = ["subtrait", *{words}]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""


def loaded_after(code):
    """The top-level packages that a new interpreter has loaded after `code`."""
    last = "\nimport json, sys\nprint(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code + last], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_the_package_loads_no_library():
    loaded = loaded_after("import subtrait")
    assert "subtrait" in loaded
    assert not loaded & {"torch", "transformers", "numpy", "scipy", "pydantic", "rich", "typer", "jinja2", "yaml"}


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["micro", "train", "--help"], ["--version"]])
def test_help_loads_nothing_that_computes(words):
    loaded = loaded_after(HELP.format(words=words))
    assert "typer" in loaded
    assert not loaded & {"torch", "transformers", "peft", "scipy", "numpy", "jinja2"}


def test_what_is_loaded_is_seen():
    assert "jinja2" in loaded_after("import jinja2")


def test_the_verbs_are_there_when_asked_for():
    assert "numpy" in loaded_after("import subtrait; subtrait.plan_run, subtrait.run")
