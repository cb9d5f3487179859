"""The wheel alone is the product: installed away from the checkout, it runs an experiment with the network off.

The dependencies are lent from this environment by a path file, so that the test neither downloads nor copies them. That
they resolve in an empty environment is checked by `scripts/check_wheel.sh`.
"""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ARMS = ["treated", "untreated"]
NO_NETWORK = """
import socket

def refuse(self, address):
    raise OSError(f"the network is off: {address}")

socket.socket.connect = refuse
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `subtrait` command of an environment that holds the wheel, and borrows its dependencies."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    lent = sysconfig.get_path("purelib")
    (packages / "lent.pth").write_text(lent + "\n")
    (packages / "sitecustomize.py").write_text(NO_NETWORK)
    return folder / "bin" / "python"


def test_the_wheel_holds_the_models_the_templates_and_the_schema(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for name in ("micro-a", "micro-b", "micro-c"):
        assert f"subtrait/models/micro/weights/{name}/model.safetensors" in names
    assert any(name.endswith(".jinja") and "report" in name for name in names)
    assert "subtrait/report/experiment.schema.json" in names


def test_the_wheel_runs_away_from_the_checkout_with_the_network_off(installed: Path, tmp_path: Path) -> None:
    where = "import subtrait; print(subtrait.__file__)"
    settings = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    found = subprocess.run(
        [installed, "-c", where], cwd=tmp_path, env=settings, capture_output=True, text=True, check=True
    )
    assert Path(found.stdout.strip()).is_relative_to(installed.parent.parent)
    options = ["--size", "tiny", "--students", "1", "--arms", ",".join(ARMS), "--workers", "1", "--out", "tried"]
    command = [installed, "-m", "subtrait.cli", "run", "owl-numbers", *options]
    done = subprocess.run(command, cwd=tmp_path, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "tried" / "result.json").read_text())
    assert [arm["arm"] for arm in result["arms"]] == ARMS
    assert all(len(arm["students"]) == 1 for arm in result["arms"])
    assert (tmp_path / "tried" / "report.html").read_text().startswith("<!")
