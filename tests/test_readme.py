"""The documentation is true: what it tells to type exists, what it says lies where lies there."""

import ast
import importlib.util
import os
import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

import subtrait
from subtrait.cli import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")]
PAGES += sorted((ROOT / "docs").rglob("*.md"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text, *languages):
    return [body for language, body in FENCE.findall(text) if language in languages]


def commands(text):
    """Every line to type, as words; `$ ` before it and a comment after it are left out."""
    lines = [line for block in blocks(text, "console", "sh") for line in block.splitlines()]
    return [words for line in lines if (words := shlex.split(line.removeprefix("$ "), comments=True))]


def unknown(words):
    """What of a `subtrait` command line the program does not know."""
    command, rest = get_command(app), words[1:]
    while rest and hasattr(command, "commands"):
        if rest[0].startswith("-"):
            break
        if rest[0] not in command.commands:
            return [rest[0]]
        command, rest = command.commands[rest[0]], rest[1:]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    return [word for word in rest if word.startswith("-") and word.partition("=")[0] not in {*options, "--help"}]


def tree(text):
    """The paths that the README's tree names, with a slash after folders."""
    block = next(body for body in blocks(text, "text") if "├── " in body)
    parents, paths = [], []
    for line in block.splitlines():
        drawn = re.match(r"((?:│   |    )*)[├└]── (\S+)", line)
        if drawn:
            depth, name = len(drawn[1]) // 4, drawn[2]
            parents[depth:] = [name]
            paths.append("".join(parents))
    return paths


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_and_option_exists(page):
    typed = [words for words in commands(page.read_text(encoding="utf-8")) if words[0] == "subtrait"]
    assert [(words, missing) for words in typed if (missing := unknown(words))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_make_target_exists(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    text = page.read_text(encoding="utf-8")
    typed = {word for words in commands(text) if "make" in words for word in words[words.index("make") + 1 :]}
    assert typed | set(re.findall(r"`make ([a-z]+)`", text)) <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", FENCE.sub("", page.read_text(encoding="utf-8")))
    local = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_the_readme_shows_what_a_newcomer_types():
    typed = commands(README)
    assert ["make", "demo"] in typed
    assert ["make", "test"] in typed
    names = {words[1] for words in typed if words[0] == "subtrait"}
    assert set(get_command(app).commands) <= names


def test_the_tree_names_what_is_there():
    paths = tree(README)
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert [path for path in paths if (ROOT / path).is_dir() != path.endswith("/")] == []


def test_the_tree_names_every_part_of_the_package():
    package = ROOT / "src" / "subtrait"
    folders = {f"src/subtrait/{path.parent.name}/" for path in package.glob("*/__init__.py")}
    assert len(folders) >= 4
    assert folders <= set(tree(README))


def test_the_tree_names_every_folder_of_the_repository():
    # A work tree also holds what git ignores: environments, caches, runs.
    ignored = {line.strip("/\n") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()}
    folders = {entry.name for entry in os.scandir(ROOT) if entry.is_dir() and not entry.name.startswith(".")}
    assert folders - ignored - {"__pycache__"} <= {path.partition("/")[0] for path in tree(README)}


def test_python_examples_use_names_that_exist():
    examples = blocks(README, "python")
    assert examples
    for example in examples:
        nodes = list(ast.walk(ast.parse(example)))
        owners = [node for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)]
        asked = {node.attr for node in owners if node.value.id == "subtrait"}
        assert asked
        assert asked <= set(subtrait.__all__)


def test_the_command_line_page_is_what_the_program_prints():
    spec = importlib.util.spec_from_file_location("write_cli_help", ROOT / "scripts" / "write_cli_help.py")
    writer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writer)
    assert writer.page() == writer.PAGE.read_text(encoding="utf-8"), "run `make docs`"


def test_wrong_commands_are_found():
    text = "```console\n$ subtrait run owl-numbers --size tiny  # two students\n$ subtrait clean --all\n```\n"
    assert [unknown(words) for words in commands(text)] == [[], ["clean"]]
    assert unknown(["subtrait", "run", "owl-numbers", "--sise", "tiny"]) == ["--sise"]
    assert unknown(["subtrait", "micro", "train", "micro-a", "--out=x"]) == []
    assert unknown(["subtrait", "--version"]) == []


def test_the_tree_is_read_level_by_level():
    drawn = "```text\n├── src/a/    one\n│   ├── b.py  two\n│   └── c/    three\n│       └── d.py\n└── e.md\n```\n"
    assert tree(drawn) == ["src/a/", "src/a/b.py", "src/a/c/", "src/a/c/d.py", "e.md"]
