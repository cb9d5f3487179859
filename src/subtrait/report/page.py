"""What every HTML page shares: templates that escape all they print, and how values are put into them."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from subtrait.report import wording

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

MAX_CHARACTERS = 400
"""Characters shown of each prompt and completion."""
MAX_LIST = 100
"""Entries shown of any list whose length is not ours to set: a hostile file must not grow the page without bound."""
_MAX_TEXT = 2000


def environment(filters: dict[str, Callable[..., Any]]) -> "Environment":
    """The templates of this package, with the filters that every page uses and these.

    Everything printed is escaped for HTML, and what cannot be seen in it (control characters, bidirectional overrides,
    tag characters) is shown as an escape; an unknown name is an error.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("subtrait.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_fit_to_show,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        percent=wording.percent,
        points=lambda value: typeset(wording.points(value)),
        bounds=wording.bounds,
        capitalised=wording.capitalised,
        count=wording.counted_as,
        level=wording.level,
        exhibit=_exhibit,
        inline=wording.one_line,
    )
    made.filters.update(filters)
    return made


def markup(text: str) -> "Markup":
    """Text that is markup already and is printed as it is: only for what our figures built, which escape."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704 - see above


def typeset(text: str) -> str:
    """A true minus sign before numbers, where the page's own fonts are sure to have it."""
    return text.replace("-", "\N{MINUS SIGN}")


def _exhibit(text: str) -> "Markup":
    from markupsafe import escape

    return escape(wording.exhibit(text, limit=MAX_CHARACTERS))


def _fit_to_show(value: object) -> object:
    """Applied to everything the template prints, before it is escaped; markup is escaped already."""
    from markupsafe import Markup

    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    # A per cent sign must not open a line of its own.
    return re.sub(r"(?<=[0-9]) (?=%)", "\N{NO-BREAK SPACE}", wording.exhibit(value, limit=_MAX_TEXT))
