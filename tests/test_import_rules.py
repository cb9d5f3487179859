"""Who may import whom, and what no module may do: read from the source, imports inside functions included."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "subtrait"
LAYERS = (
    {"records", "errors"},
    {"audit_records", "study_records"},
    {"statistics", "data", "report", "runs", "provenance"},
    {"models"},
    {"scoring"},
    {"lab"},
    {"auditor", "remedy"},
    {"api", "audits", "crew", "scores", "studies", "whole_catalogue", "doctor", "__init__", "cli"},
)
"""The parts of the package. Each may import parts of the layers before it; only those of the last import each other."""
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}
WITHOUT_NUMPY = {
    "records",
    "errors",
    "audit_records",
    "study_records",
    "report",
    "runs",
    "__init__",
    "api",
    "audits",
    "crew",
    "scores",
    "cli",
}
TORCH_BACKEND = {
    f"models.{name}"
    for name in (
        "distillation",
        "feed_forward",
        "finetuning",
        "gradients",
        "likelihood",
        "output_head",
        "padded_rows",
        "sampling",
        "shared_context",
        "side_by_side",
        "sketch",
        "stored_weights",
        "trl_training",
    )
}
"""The arithmetic on tensors. Others import these where they use them, so that torch is loaded only to run a model."""
SPEAKERS = {"models.template_trial"}
"""Besides the command line. It runs as a child process, whose standard output is a pipe to its parent."""
GENERATORS = {"BitGenerator", "Generator", "PCG64", "Philox", "SeedSequence", "default_rng"}
CODE_CARRIERS = {"pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}


@dataclass(frozen=True)
class Import:
    """`importer` imports `target`, both as names below the package (`lab.plan`) where they are ours."""

    importer: str
    target: str
    line: int
    ours: bool
    on_load: bool
    """Whether it happens when the importer is loaded: outside functions, and not for type checkers only."""

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.target}"


def modules_of(package: Path) -> dict[str, ast.Module]:
    names = {path: ".".join(path.relative_to(package).with_suffix("").parts) for path in package.rglob("*.py")}
    trees = {name: ast.parse(path.read_text(encoding="utf-8")) for path, name in names.items()}
    return {name.removesuffix(".__init__"): tree for name, tree in sorted(trees.items())}


def nodes(node: ast.AST, on_load: bool = True) -> Iterator[tuple[ast.AST, bool]]:
    """Every node below, and whether it runs when the module is loaded."""
    for child in ast.iter_child_nodes(node):
        for_types = isinstance(child, ast.If) and ast.unparse(child.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        deferred = for_types or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield child, on_load
        yield from nodes(child, on_load and not deferred)


def imports_of(name: str, tree: ast.Module, modules: dict[str, ast.Module]) -> Iterator[Import]:
    """`import subtrait` alone gives the version: the package is loaded before any of its modules, so it is no edge."""
    for node, on_load in nodes(tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            source = node.module or ""
            targets = [f"{source}.{alias.name}" if part(source) == "subtrait" else source for alias in node.names]
        else:
            continue
        for target in dict.fromkeys(targets):
            ours = target.startswith("subtrait.")
            if ours:
                below = target.removeprefix("subtrait.")
                below = below if below in modules else below.rpartition(".")[0] or "__init__"
                yield Import(name, below, node.lineno, True, on_load)
            elif target != "subtrait":
                yield Import(name, target, node.lineno, False, on_load)


def part(module: str) -> str:
    return module.partition(".")[0]


def layering(found: list[Import]) -> Iterator[str]:
    for each in found:
        inside, target = part(each.importer), part(each.target)
        for unknown in {inside, target if each.ours else inside} - set(LEVEL):
            yield f"{unknown} is on no layer"
        if not each.ours or not {inside, target} <= set(LEVEL):
            continue
        public = LEVEL[inside] == LEVEL[target] == len(LAYERS) - 1
        if LEVEL[target] > LEVEL[inside] or (LEVEL[target] == LEVEL[inside] and inside != target and not public):
            yield f"{each}, which is not on a layer below it"


def cycles(found: list[Import]) -> Iterator[str]:
    edges: dict[str, list[str]] = {}
    for each in found:
        if each.ours:
            edges.setdefault(each.importer, []).append(each.target)
    done: set[str] = set()

    def walk(module: str, path: tuple[str, ...]) -> Iterator[str]:
        if module in path:
            yield "cycle: " + " → ".join((*path[path.index(module) :], module))
        elif module not in done:
            for target in edges.get(module, ()):
                yield from walk(target, (*path, module))
            done.add(module)

    for module in sorted(edges):
        yield from walk(module, ())


def loading(found: list[Import]) -> Iterator[str]:
    """What is imported on load: the standard library and ours, numpy where arrays are the trade, typer in cli."""
    for each in found:
        package = part(each.target)
        if not each.on_load:
            continue
        if each.ours:
            if each.target in TORCH_BACKEND and each.importer not in TORCH_BACKEND:
                yield f"{each} outside a function, which loads torch"
            continue
        allowed = package in sys.stdlib_module_names
        allowed |= package == "numpy" and part(each.importer) not in WITHOUT_NUMPY
        allowed |= package == "typer" and part(each.importer) == "cli"
        allowed |= package == "torch" and each.importer in TORCH_BACKEND
        if not allowed:
            yield f"{each} outside a function"


def randomness(name: str, node: ast.AST) -> Iterator[str]:
    """Random numbers come from a generator that somebody seeded."""
    match node:
        case ast.Attribute(value=ast.Attribute(value=ast.Name(id="np" | "numpy"), attr="random"), attr=drawn):
            if drawn not in GENERATORS:
                yield f"{name}:{node.lineno} uses the global np.random.{drawn}"
        case ast.ImportFrom(module="numpy.random", names=drawn):
            yield from (
                f"{name}:{node.lineno} uses {n.name} of numpy.random" for n in drawn if n.name not in GENERATORS
            )
        case ast.Import(names=[ast.alias(name="random")]) | ast.ImportFrom(module="random"):
            yield f"{name}:{node.lineno} imports random"
        case ast.Call(func=ast.Attribute(attr="default_rng") | ast.Name(id="default_rng"), args=[], keywords=[]):
            yield f"{name}:{node.lineno} calls default_rng without a seed"


def detours(name: str, node: ast.AST) -> Iterator[str]:
    """No import goes round these rules."""
    where = f"{name}:{getattr(node, 'lineno', 0)}"
    match node:
        case ast.Attribute(value=ast.Name(id="importlib"), attr="import_module") | ast.Name(id="__import__"):
            yield f"{where} imports by name, where these rules cannot see it"
        case ast.ImportFrom(level=level) if level:
            yield f"{where} imports relatively; name the module in full"
        case ast.Attribute(value=ast.Name(id="subtrait"), attr=asked):
            if asked not in {"__version__", *LEVEL} and LEVEL.get(part(name)) != len(LAYERS) - 1:
                yield f"{where} asks the package for {asked}; below the public interface it has its version only"


def safety(name: str, node: ast.AST) -> Iterator[str]:
    """Nothing prints but cli, and nothing that is read can run."""
    where = f"{name}:{getattr(node, 'lineno', 0)}"
    match node:
        case ast.Call(func=ast.Name(id="print")) | ast.Attribute(value=ast.Name(id="sys"), attr="stdout" | "stderr"):
            if part(name) != "cli" and name not in SPEAKERS:
                yield f"{where} prints: {ast.unparse(node)}"
        case ast.Call(func=ast.Name(id="eval" | "exec" as called)):
            yield f"{where} calls {called}"
        case (
            ast.Attribute(value=ast.Name(id="torch"), attr="load")
            | ast.Attribute(value=ast.Name(id="yaml"), attr="load" | "full_load" | "unsafe_load")
        ):
            yield f"{where} uses {ast.unparse(node)}, which can run what it reads"
        case ast.keyword(arg="trust_remote_code" | "allow_pickle" as option, value=value):
            if not (isinstance(value, ast.Constant) and value.value is False):
                yield f"{where} sets {option}={ast.unparse(value)}"
        case ast.Import(names=names):
            yield from (f"{where} imports {n.name}" for n in names if part(n.name) in CODE_CARRIERS)
        case ast.ImportFrom(module=str(module)) if part(module) in CODE_CARRIERS:
            yield f"{where} imports {module}"


def violations(package: Path) -> list[str]:
    modules = modules_of(package)
    found = [each for name, tree in modules.items() for each in imports_of(name, tree, modules)]
    read = [(name, node) for name, tree in modules.items() for node, _ in nodes(tree)]
    inside = [line for each in read for check in (randomness, detours, safety) for line in check(*each)]
    return sorted({*layering(found), *cycles(found), *loading(found), *inside})


def test_the_package_keeps_the_rules():
    assert violations(PACKAGE) == []


def test_the_package_is_read_at_all():
    modules = modules_of(PACKAGE)
    assert {"__init__", "records", "cli", "lab.experiment", "models.base", *TORCH_BACKEND, *SPEAKERS} <= set(modules)
    found = [each for name, tree in modules.items() for each in imports_of(name, tree, modules)]
    assert {"lab.plan", "report.as_html"} <= {each.target for each in found if each.importer == "api"}


def plant(folder: Path, files: dict[str, str]) -> Path:
    for name, source in {"__init__.py": "", "errors.py": "", "records.py": "", **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(source, encoding="utf-8")
    return folder


HONEST = {
    "models/base.py": "import numpy as np\nfrom subtrait.records import Row\ndef f(): import torch",
    "models/sampling.py": "import torch\nfrom subtrait.models.base import Model\nfrom subtrait import records",
    "lab/plan.py": "import subtrait\nfrom subtrait.models import base\nV = subtrait.__version__",
    "lab/seeds.py": "import numpy as np\nfrom subtrait.lab.plan import Plan\nr = np.random.default_rng(7)",
    "api.py": "import subtrait\nfrom subtrait.lab.plan import Plan",
    "cli.py": "import typer\nimport sys\nfrom subtrait import api\nprint(1, file=sys.stderr)",
    "report/page.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from jinja2 import Environment",
}


def test_an_honest_package_breaks_no_rule(tmp_path):
    assert violations(plant(tmp_path, HONEST)) == []


@pytest.mark.parametrize(
    ("file", "source", "complaint"),
    [
        ("statistics/a.py", "from subtrait.lab.plan import Plan", "statistics.a:1 imports lab.plan, which is not"),
        ("models/a.py", "def f():\n    from subtrait.lab import plan", "models.a:2 imports lab.plan, which is not"),
        ("report/a.py", "from subtrait.runs import folder", "report.a:1 imports runs"),
        ("report/a.py", "from ..models import base", "report.a:1 imports relatively"),
        ("errors.py", "import subtrait.records", "errors:1 imports records, which is not"),
        ("lab/a.py", "from subtrait.api import run", "lab.a:1 imports api, which is not"),
        ("lab/a.py", "from subtrait import run", "lab.a:1 imports __init__, which is not"),
        ("lab/a.py", "import subtrait\nsubtrait.run('x')", "lab.a:2 asks the package for run"),
        ("lab/a.py", "import importlib\nimportlib.import_module('torch')", "lab.a:2 imports by name"),
        ("elsewhere.py", "import json", "elsewhere is on no layer"),
        ("lab/plan.py", "def f():\n    from subtrait.lab.seeds import x", "cycle: lab.plan → lab.seeds → lab.plan"),
        ("models/a.py", "import torch", "models.a:1 imports torch outside a function"),
        (
            "models/a.py",
            "from subtrait.models import sampling",
            "models.a:1 imports models.sampling outside a function",
        ),
        ("lab/a.py", "try:\n    import scipy.stats\nexcept ImportError: pass", "lab.a:2 imports scipy.stats outside"),
        ("lab/a.py", "class A:\n    import yaml", "lab.a:2 imports yaml outside a function"),
        ("report/a.py", "import numpy as np", "report.a:1 imports numpy outside a function"),
        ("lab/a.py", "import typer", "lab.a:1 imports typer outside a function"),
        ("lab/a.py", "def f(): print('hello')", "lab.a:1 prints: print('hello')"),
        ("runs/a.py", "import sys\nsys.stderr.write('x')", "runs.a:2 prints: sys.stderr"),
        ("lab/a.py", "import numpy as np\nx = np.random.rand(3)", "lab.a:2 uses the global np.random.rand"),
        ("lab/a.py", "from numpy.random import shuffle", "lab.a:1 uses shuffle of numpy.random"),
        ("lab/a.py", "def f():\n    import random", "lab.a:2 imports random"),
        ("lab/a.py", "import numpy as np\nr = np.random.default_rng()", "lab.a:2 calls default_rng without a seed"),
        ("runs/a.py", "def f():\n    import pickle", "runs.a:2 imports pickle"),
        ("runs/a.py", "from pickle import loads", "runs.a:1 imports pickle"),
        ("lab/a.py", "x = eval('1')", "lab.a:1 calls eval"),
        ("models/a.py", "def f(p):\n    import torch\n    return torch.load(p)", "models.a:3 uses torch.load"),
        ("lab/a.py", "def f(t):\n    import yaml\n    return yaml.load(t)", "lab.a:3 uses yaml.load"),
        ("models/a.py", "def f(load): load(trust_remote_code=True)", "models.a:1 sets trust_remote_code=True"),
    ],
)
def test_a_planted_violation_is_found(tmp_path, file, source, complaint):
    found = violations(plant(tmp_path, {**HONEST, file: source}))
    assert any(line.startswith(complaint) for line in found), found
