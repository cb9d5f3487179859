"""Write docs/cli.md: the help of every command, as the program itself prints it. `make docs` runs this."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from subtrait.cli import app

PAGE = Path(__file__).parents[1] / "docs" / "cli.md"
WIDTH = 100
HEAD = """\
# The command line

Written by `make docs` from the program; a test compares the two.

Exit codes: 0 it is done, 2 the command cannot be carried out as written, 4 a file or checkpoint cannot be accepted,
5 something else went wrong (a full disk, a machine that is not set up), 130 stopped from the keyboard.
"""


def helps(command: Any, name: str, parent: Any = None) -> Iterator[str]:
    """A section for the command and, where it is a group, for each command in it."""
    context = command.make_context(name, [], parent=parent, resilient_parsing=True, terminal_width=WIDTH)
    yield f"## {context.command_path}\n\n```text\n{command.get_help(context).rstrip()}\n```\n"
    for inner, subcommand in sorted(getattr(command, "commands", {}).items()):
        yield from helps(subcommand, inner, context)


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *helps(typer.main.get_command(app), "subtrait")])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
