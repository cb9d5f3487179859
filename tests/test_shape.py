"""The size of files and functions, documentation, names, and a test file for every module."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "subtrait"
PYTHON = sorted(path for top in ("src", "tests", "benchmarks", "scripts") for path in (ROOT / top).rglob("*.py"))
MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION, MOST_PARAMETERS = 300, 60, 6
NEEDS_A_TEST = 15
"""Modules of more lines than this have a test file of their own."""
BANNED = {"manager", "service", "handler", "engine", "processor", "helper", "util", "misc", "probe"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def too_long(source: str) -> Iterator[str]:
    if source.count("\n") > LONGEST_FILE:
        yield f"{source.count(chr(10))} lines"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function) and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION:
            yield f"{node.name} has {(node.end_lineno or 0) - node.lineno + 1} lines"


def too_wide(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function):
            asked = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            count = len([argument for argument in asked if argument.arg not in ("self", "cls")])
            if count > MOST_PARAMETERS:
                yield f"{node.name} has {count} parameters"


def undocumented(source: str) -> Iterator[str]:
    tree = ast.parse(source)
    if tree.body and ast.get_docstring(tree) is None:
        yield "the module says nothing of itself"

    def below(parent: ast.Module | ast.ClassDef) -> Iterator[str]:
        for node in parent.body:
            if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
                if ast.get_docstring(node) is None:
                    yield f"{node.name} has no docstring"
                if isinstance(node, ast.ClassDef):
                    yield from below(node)

    yield from below(tree)


def banned_names(name: str, source: str) -> Iterator[str]:
    defined = [node.name for node in ast.walk(ast.parse(source)) if isinstance(node, Function | ast.ClassDef)]
    for each in (name, *defined):
        words = {word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", each)}
        for word in sorted(words):
            if word in BANNED or word.removesuffix("s") in BANNED:
                yield f"{each} is called {word}"


def untested(package: Path, tests: Path) -> Iterator[str]:
    for path in sorted(package.rglob("*.py")):
        below = path.relative_to(package)
        test = below.with_name(f"test_{path.name}")
        long = path.read_text(encoding="utf-8").count("\n") > NEEDS_A_TEST
        if long and path.name != "__init__.py" and not (tests / test).exists():
            yield f"{below.as_posix()} has no {(Path(tests.name) / test).as_posix()}"


def everywhere(check, paths):
    return [f"{path.relative_to(ROOT)}: {found}" for path in paths for found in check(path.read_text(encoding="utf-8"))]


def test_files_and_functions_are_short():
    assert everywhere(too_long, PYTHON) == []


def test_functions_take_few_parameters():
    assert (
        everywhere(too_wide, [path for path in MODULES if PACKAGE / "cli" not in path.parents]) == []
    )  # there, options


def test_everything_public_is_documented():
    assert everywhere(undocumented, MODULES) == []


def test_no_name_is_empty_of_meaning():
    names = {path: ".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in MODULES}
    texts = {path: path.read_text(encoding="utf-8") for path in MODULES}
    assert [found for path, name in names.items() for found in banned_names(name, texts[path])] == []


def test_every_module_has_a_test_file_at_the_mirrored_path():
    assert list(untested(PACKAGE, ROOT / "tests")) == []


LONG_FUNCTION = "def f():\n" + "    x = 1\n" * 60


@pytest.mark.parametrize(
    ("check", "source", "found"),
    [
        (too_long, "x = 1\n" * 300, []),
        (too_long, "x = 1\n" * 301, ["301 lines"]),
        (too_long, LONG_FUNCTION, ["f has 61 lines"]),
        (too_long, LONG_FUNCTION.removesuffix("    x = 1\n"), []),
        (too_wide, "class A:\n    def f(self, a, b, c, *, d, e, f): pass", []),
        (too_wide, "def f(a, /, b, c, *, d, e, f, g): pass", ["f has 7 parameters"]),
        (undocumented, "", []),
        (undocumented, "x = 1", ["the module says nothing of itself"]),
        (undocumented, "'''A.'''\nclass A:\n    def f(self): pass\n    def _g(self): pass\ndef _h(): pass",
         ["A has no docstring", "f has no docstring"]),
    ],
)  # fmt: skip
def test_the_checks_can_fail(check, source, found):
    assert list(check(source)) == found


@pytest.mark.parametrize(
    ("name", "source", "words"),
    [
        ("lab.filters", "def engineer(): pass\nclass Handle: pass", []),
        ("lab.utils", "", ["utils"]),
        ("lab.a", "class LogitsProcessor: pass\ndef run_helper(): pass", ["processor", "helper"]),
        ("lab.a", "class HTTPService: pass", ["service"]),
    ],
)
def test_names_are_read_word_by_word(name, source, words):
    assert [found.rpartition(" ")[2] for found in banned_names(name, source)] == words


def test_a_module_without_a_test_is_found(tmp_path):
    package, tests = tmp_path / "package", tmp_path / "tests"
    for folder in (package / "lab", tests / "lab"):
        folder.mkdir(parents=True)
    for name, lines in {"lab/a.py": 16, "lab/b.py": 16, "lab/short.py": 15, "lab/__init__.py": 40}.items():
        (package / name).write_text("x = 1\n" * lines, encoding="utf-8")
    (tests / "lab" / "test_a.py").touch()
    assert list(untested(package, tests)) == ["lab/b.py has no tests/lab/test_b.py"]
