"""The benchmarks fit the code that they measure: what they name is there."""

import sys
from pathlib import Path
from runpy import run_path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.mark.parametrize("path", sorted(BENCHMARKS.glob("*.py")), ids=lambda path: path.stem)
def test_a_benchmark_can_be_started(path, monkeypatch):
    """Its imports and constants are carried out; what it measures is not."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    before = set(sys.modules)
    names = run_path(str(path), run_name="benchmark")
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and BENCHMARKS.name in sys.modules[name].__file__:
            del sys.modules[name]
    assert names["__doc__"]
    assert "main" in names or path.stem in ("carrying_data",)
