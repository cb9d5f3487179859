"""How a report is laid out in a terminal: titles, sentences and tables that read the same without colour."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from subtrait.report.wording import one_line

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

WIDTH = 100
"""Columns of a report in a file."""
MAX_TEXT = 2000
"""Characters shown of a sentence."""


def printed(parts: "Iterable[RenderableType]") -> str:
    """What a terminal of `WIDTH` columns would show, without colours: for a file."""
    from io import StringIO

    from rich.console import Console

    page = StringIO()
    console = Console(file=page, width=WIDTH, color_system=None)
    for part in parts:
        console.print(part)
    return page.getvalue()


def titled(title: str, parts: "Iterable[RenderableType]") -> "RenderableType":
    """A title with its parts beneath it and an empty line above."""
    from rich.console import Group
    from rich.text import Text

    return Group("", Text(title, style="bold"), *parts)


def listed(title: str, sentences: Iterable[str]) -> "RenderableType":
    """A title with one indented sentence a line."""
    return titled(title, [indented(sentence) for sentence in sentences])


def indented(sentence: str, *, by: int = 2) -> "RenderableType":
    """One sentence, set in from the left on all its lines."""
    from rich.padding import Padding

    return Padding(plain(sentence, limit=MAX_TEXT), (0, 0, 0, by))


def ruled_table(first: str, second: str, *others: str, width: int = 20) -> "Table":
    """A table whose first column holds names, at least `width` wide, and whose second holds numbers."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="")
    table.add_column(first, overflow="fold", min_width=width)
    table.add_column(second, justify="right", no_wrap=True)
    for name in others:
        table.add_column(name)
    return table


def plain(text: str, *, limit: int = 80) -> "Text":
    r"""Untrusted text as it is, never as markup, with all that cannot be seen as escapes.

    A build machine takes commands from its log (`::error::`, `##vso[...]`), and this may be printed there: of two
    colons or hashes in a row the second is shown as an escape, so that text from data commands nothing.

    >>> plain("::error::").plain
    ':\\x3aerror:\\x3a'
    """
    from rich.text import Text

    return Text(one_line(text, limit=limit).replace("::", ":\\x3a").replace("##", "#\\x23"))
