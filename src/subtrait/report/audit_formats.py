"""Every format in which an audit is shown, by the name that users give."""

from collections.abc import Callable, Mapping

from subtrait.audit_records import AuditResult
from subtrait.errors import unknown_name
from subtrait.report.audit_html import to_html
from subtrait.report.audit_json import to_json
from subtrait.report.audit_text import summary
from subtrait.report.junit import to_junit
from subtrait.report.sarif import to_sarif
from subtrait.report.terminal import printed


def rendered(result: AuditResult, form: str, *, command: str | None = None) -> str:
    """The audit in one of `FORMATS`, as text that ends in a newline.

    `command` is the command line that repeats the audit; the formats for people show it.

    Raises:
        UsageError: the format is unknown; names all that there are.
        InvalidInput: `E_RESULT` where a number is not finite and the format is JSON.
    """
    if form not in FORMATS:
        raise unknown_name("format", form, FORMATS)
    return FORMATS[form](result, command)


def _text(result: AuditResult, command: str | None) -> str:
    return printed(summary(result, command=command))


def _html(result: AuditResult, command: str | None) -> str:
    return f"{to_html(result, command=command).rstrip()}\n"


FORMATS: Mapping[str, Callable[[AuditResult, str | None], str]] = {
    "text": _text,
    "json": lambda result, _: to_json(result),
    "html": _html,
    "sarif": lambda result, _: to_sarif(result),
    "junit": lambda result, _: to_junit(result),
}
"""From the name of a format to what writes it."""
