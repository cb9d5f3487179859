"""The report of an audit for people: one HTML file that loads nothing, runs nothing and can be sent to anybody."""

from functools import cache
from typing import TYPE_CHECKING, Any

from subtrait.audit_records import FLAGGING, AuditResult, TraitScore
from subtrait.report import audit_figures as figures
from subtrait.report import audit_summaries as summaries
from subtrait.report import audit_wording as wording
from subtrait.report.page import MAX_LIST, environment, markup, typeset
from subtrait.report.wording import level, percent, sentence

if TYPE_CHECKING:
    from jinja2 import Environment

SHOWN = 12
"""Traits, answers and details of a question shown at once; the tables that open have more."""
_MAX_LOOKS = 12


def to_html(result: AuditResult, *, command: str | None = None) -> str:
    """The report of `result` as one self-contained HTML page without scripts. Equal inputs give equal bytes.

    `command` is the command line that repeats the audit. Text from the records is escaped for HTML, and what cannot be
    seen in it (control characters, bidirectional overrides, tag characters) is shown as an escape.
    """
    template = _environment().get_template("audit.html.jinja")
    return template.render(result=result, command=command, **_sentences(result), **_lists(result))


@cache
def _environment() -> "Environment":
    made = environment(
        {
            "numbers": wording.numbers,
            "details": lambda evidence: wording.details(evidence, limit=SHOWN),
            "minus": typeset,
            "stopped": sentence,
        }
    )
    made.globals.update(
        sign=lambda shape, kind: markup(figures.sign(shape, kind)), flagging=FLAGGING, max_list=MAX_LIST
    )
    return made


def _sentences(result: AuditResult) -> dict[str, Any]:
    needed = summaries.threshold(result)
    flags = "the score that flags: no score could" if needed is None else f"the score that flags: above {needed:.2f}"
    return {
        "verdict": wording.headline(result).partition(": ")[0],
        "sentence": wording.headline(result).partition(": ")[2],
        "meaning": wording.meaning(result),
        "tiles": _tiles(result),
        "next_steps": wording.next_steps(result),
        "limits": wording.limits(result),
        "accounting": wording.accounting(result.data),
        "power": wording.power(result),
        "needed": flags,
        "trait_floor": wording.trait_floor(result),
        **{f"{name}_asked": wording.asked(result, name) for name in ("traits", "forecast", "trial")},
    }


def _lists(result: AuditResult) -> dict[str, Any]:
    """Every list of the page, cut where its length is not ours to set, and the figures."""
    return {
        "settings": summaries.settings(result),
        "rejections": summaries.rejections(result)[:MAX_LIST],
        "evidence": result.evidence[:MAX_LIST],
        "traits": [(score, wording.trait_p(result, score)) for score in result.traits[:MAX_LIST]],
        "null": result.null,
        "looks": result.looks[:_MAX_LOOKS],
        "forecast": summaries.moved_most(result.forecast)[:MAX_LIST],
        "trial": result.trial[:MAX_LIST],
        "shown": SHOWN,
        "not_checked": summaries.not_checked(result)[:MAX_LIST],
        "figures": _figures(result),
    }


def _figures(result: AuditResult) -> dict[str, Any]:
    """Every figure that the result has data for, by name; markup that the template may print as it is."""
    shown = result.looks[:_MAX_LOOKS]
    forecast = summaries.moved_most(result.forecast)[:SHOWN]
    scored = result.traits or (result.null and (result.null.maxima or result.null.planted))
    drawn = {
        "evidence": figures.evidence_by_question(result) if result.evidence else "",
        "traits": figures.traits_in_null(result) if scored else "",
        "looks": figures.looks(result, shown) if shown else "",
        "power": figures.power(result) if result.null and summaries.by_dilution(result.null) else "",
        "forecast": figures.forecast(forecast) if forecast else "",
        "trial": figures.trial(result.trial[:SHOWN], smallest=result.policy.smallest_shift) if result.trial else "",
    }
    return {name: markup(figure) for name, figure in drawn.items()}


def _tiles(result: AuditResult) -> list[tuple[str, str, bool]]:
    """The three numbers that a reader needs first: value, meaning, and whether it is the emphasised one."""
    best: TraitScore | None = max(result.traits, key=lambda trait: trait.score, default=None)
    power = result.null.power if result.null else None
    tiles = []
    if best:
        smallest = summaries.smallest_p(result.null)
        least = ", the smallest p that the references allow" if smallest is not None and best.p <= smallest else ""
        meaning = f"for the trait that explains the rows best, “{best.name}”, among benign data{least}"
        tiles.append((f"p = {best.p:.3g}", meaning, result.outcome == "FLAGGED"))
    tiles.append((level(result.policy.alpha), "alpha: how often data like the references may be flagged", False))
    found = percent(power.value) if power else "no power"
    where = f"planted data sets would have been flagged, with the trait in {level(result.policy.dilution)} of the rows"
    tiles.append((found, f"of {where}" if power else "was measured, so nothing is excluded", False))
    return tiles
