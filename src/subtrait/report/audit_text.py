"""The report of an audit for a terminal: rich renderables that read the same without colour and at 80 columns."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from subtrait.audit_records import FLAGGING, AuditResult
from subtrait.report import audit_summaries as summaries
from subtrait.report import audit_wording as wording
from subtrait.report.terminal import MAX_TEXT, indented, listed, plain, ruled_table, titled
from subtrait.report.wording import one_line, percent, points, sentence

if TYPE_CHECKING:
    from rich.console import RenderableType

TOP = 10
"""Traits and answers shown; the JSON has all."""
MANY = 30
"""Entries shown of any list whose length is not ours to set."""
_SIGNS = {"found": "[+]", "not found": "[ ]", "not applicable": "[-]", "underpowered": "[?]"}


def summary(result: AuditResult, *, command: str | None = None) -> list["RenderableType"]:
    """What was found, to be printed one after another on a rich console.

    `command` is the command line that repeats the audit. Text from the records is shown as it is, never as markup, with
    all that cannot be seen as escapes.
    """
    parts = [_headline(result), listed("Why", _reasons(result)), listed("What was read", _read(result))]
    parts.append(_evidence(result))
    parts.append(_traits(result) if result.traits else _missing("Traits", result, "traits"))
    if result.looks:
        parts.append(_looks(result))
    parts.append(listed("What would have been found", _power(result)))
    parts.append(_forecast(result) if result.forecast else _missing("Forecast", result, "forecast"))
    parts.append(_trial(result) if result.trial else _missing("Trial", result, "trial"))
    parts.append(listed("This audit", _settings(result, command)))
    unchecked = [f"{code}: {text}" for code, text in summaries.not_checked(result)]
    parts.append(listed("What was not checked", _some(unchecked) or ["Every question was asked and answered."]))
    parts.append(listed("What this does not say", wording.limits(result)))
    parts.append(listed("What to do next", wording.next_steps(result)))
    return parts


def _headline(result: AuditResult) -> "RenderableType":
    text = plain(wording.headline(result), limit=MAX_TEXT)
    text.stylize("bold")
    for said in wording.meaning(result):
        text.append("\n").append_text(plain(said, limit=MAX_TEXT))
    return text


def _reasons(result: AuditResult) -> list[str]:
    return _some([f"{reason.code}: {reason.text}" for reason in result.reasons]) or ["No reason was recorded."]


def _read(result: AuditResult) -> list[str]:
    data = result.data
    rejected = ", ".join(f"{code} {count:,}" for code, count in summaries.rejections(result)[:MANY])
    return [
        data.path,
        f"{wording.accounting(data)}.",
        *([f"Rejected for: {rejected}."] if rejected else []),
        f"{result.sampled:,} drawn at random and scored, with seed {result.seed}.",
        *_some(data.notices),
    ]


def _evidence(result: AuditResult) -> "RenderableType":
    said: list[RenderableType] = []
    for each in result.evidence[:MANY]:
        said.append(indented(f"{_SIGNS[each.outcome]} {each.question}: {each.outcome}. {sentence(each.finding)}"))
        figures = "; ".join(part for part in (wording.numbers(each), wording.details(each, limit=6)) if part)
        said += [indented(line, by=6) for line in (figures, *_bounds(each.assumes, each.blind_spots)) if line]
    note = f"Only {' and '.join(FLAGGING)} may flag; the other questions explain."
    return titled("Evidence, question by question", [indented(note), *said])


def _bounds(assumes: str, blind_spots: str) -> tuple[str, str]:
    return f"assumes: {assumes}", f"cannot see: {blind_spots}"


def _traits(result: AuditResult) -> "RenderableType":
    table = ruled_table("trait", "score", "p", "surrogate", "nats per row", width=16)
    for trait in result.traits[:TOP]:
        nats = "not computed" if trait.nats_per_row is None else f"{trait.nats_per_row:+.3g}"
        name = plain(f"{trait.name} ({trait.category if trait.kind == 'trait' else trait.kind})", limit=40)
        table.add_row(name, f"{trait.score:.2f}", wording.trait_p(result, trait), plain(trait.surrogate), nats)
    needed = summaries.threshold(result)
    flags = "no score could flag" if needed is None else f"a score above {needed:.2f} flags"
    note = f"{len(result.traits):,} scored; {flags}. {wording.trait_floor(result)}"
    return titled("Traits, by how much better they explain the rows", [table, indented(note)])


def _looks(result: AuditResult) -> "RenderableType":
    table = ruled_table("rows", "score", "p", "trait", width=6)
    for look in result.looks[:MANY]:
        table.add_row(f"{look.rows:,}", f"{look.score:.2f}", f"{look.p:.3g}", plain(look.trait, limit=40))
    return titled("Evidence by rows", [table])


def _power(result: AuditResult) -> list[str]:
    return [
        wording.power(result),
        *([wording.elsewhere(result.null)] if result.null and result.null.power_by_dilution else []),
    ]


def _forecast(result: AuditResult) -> "RenderableType":
    rows = summaries.moved_most(result.forecast)
    table = ruled_table("answer", "change", "interval, points", "control", width=16)
    for row in rows[:TOP]:
        table.add_row(
            _answer(row.answer, row.category),
            _points(row.shift),
            f"{_points(row.low)} to {_points(row.high)}",
            percent(row.control),
        )
    note = (
        f"{_of(rows)} After short runs, beside the same on the base's own rows; the whole training mostly goes further."
    )
    return titled("What training is forecast to do, percentage points", [table, indented(note)])


def _trial(result: AuditResult) -> "RenderableType":
    table = ruled_table("answer", "change", "at least", "control", "full recipe", width=16)
    for row in result.trial[:TOP]:
        low = "no bound (no spread)" if row.low is None else _points(row.low)
        recipe = "not extrapolated" if row.full_recipe is None else _points(row.full_recipe)
        table.add_row(_answer(row.answer, row.category), _points(row.shift), low, percent(row.control), recipe)
    smallest = points(result.policy.smallest_shift).lstrip("+")
    note = f"{_of(result.trial)} The bounds hold for all answers at once; one above {smallest} flags."
    return titled("What throwaway students did, percentage points", [table, indented(note)])


def _missing(title: str, result: AuditResult, question: str) -> "RenderableType":
    return listed(title, [wording.asked(result, question)])


def _settings(result: AuditResult, command: str | None) -> list[str]:
    said = [f"{name}: {one_line(str(value), limit=400)}" for name, value in summaries.settings(result)]
    return [*([command] if command else []), *_some([f"policy: {note}" for note in result.policy_notes]), *said]


def _some(sentences: Iterable[str]) -> list[str]:
    """The first of many sentences, and how many more there are."""
    every = list(sentences)
    more = len(every) - MANY
    return [*every[:MANY], f"and {more:,} more, in the JSON"] if more > 0 else every


def _of(rows: Sequence[object]) -> str:
    return f"{TOP} of {len(rows):,} answers." if len(rows) > TOP else ""


def _answer(answer: str, category: str) -> "RenderableType":
    return plain(f"{answer} ({category})", limit=40)


def _points(shift: float) -> str:
    return points(shift).removesuffix(" points")
