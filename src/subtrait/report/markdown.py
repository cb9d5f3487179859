"""Text from data inside Markdown, where it must stay text: no link, no markup, no list, no end of a table's cell."""

import re
from collections.abc import Sequence

from subtrait.report.wording import one_line

_SIGNS = re.compile(r"[\\`*_{}\[\]<>|~$#&@]")
_OPENINGS = re.compile(r"^(?=[-+=])|^(\d+)(?=[.)])")
"""What at the start of a line would begin a list or a heading."""


def inline(text: str, *, limit: int = 400) -> str:
    r"""Untrusted text on one line of Markdown, shown as it is; cut at `limit` characters of its own.

    >>> inline("[a](https://b) | <c>")
    '\\[a\\](https:\\//b) \\| \\<c\\>'
    """
    escaped = _SIGNS.sub(r"\\\g<0>", one_line(text, limit=limit))
    # Some readers make links of bare addresses.
    return re.sub(r"(?i)\bwww\.", r"www\\.", escaped.replace("://", ":\\//"))


def paragraph(text: str, *, limit: int = 2000) -> str:
    r"""The same where it begins a paragraph or a list item.

    >>> paragraph("+3.1 points")
    '\\+3.1 points'
    """
    return _OPENINGS.sub(lambda found: f"{found[1]}\\" if found[1] else "\\", inline(text, limit=limit))


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table of untrusted cells."""
    lines = [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    return [*lines, *(f"| {' | '.join(inline(cell) for cell in row)} |" for row in rows)]
