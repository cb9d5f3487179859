"""What the formats of an audit's report show, drawn from its records once for all of them."""

from collections.abc import Sequence
from math import floor

from subtrait.audit_records import FLAGGING, AuditResult, ForecastRow, NullCloud, TraitScore
from subtrait.records import Evidence


def evidence_on(result: AuditResult, question: str) -> Evidence | None:
    """The evidence on one question, or None where it was not asked."""
    return next((each for each in result.evidence if each.question == question), None)


def was_tried(result: AuditResult) -> bool:
    """Whether throwaway students were trained and compared."""
    trial = evidence_on(result, "trial")
    return trial is not None and trial.outcome in ("found", "not found")


def alarmed(result: AuditResult) -> tuple[str, ...]:
    """The questions that raised the alarm; none unless the outcome is FLAGGED."""
    if result.outcome != "FLAGGED":
        return ()
    return tuple(e.question for e in result.evidence if e.question in FLAGGING and e.outcome == "found")


def leading(result: AuditResult) -> TraitScore | None:
    """The first trait of the ranking that benign data do not explain, or None."""
    return next((trait for trait in result.traits if trait.p <= result.alpha_for_traits), None)


def smallest_p(null: NullCloud | None) -> float | None:
    """The floor of a conformal p-value beside these references."""
    return 1 / (1 + len(null.maxima)) if null else None


def threshold(result: AuditResult) -> float | None:
    """The score that a trait must exceed to be flagged; None where no score would do.

    With B calibration references, p = (1 + number at least as large) / (1 + B) must not exceed alpha's share: of the
    largest maxima, at most alpha (1 + B) - 1 may lie at or above the score.
    """
    if result.null is None:
        return None
    maxima = sorted(result.null.maxima, reverse=True)
    allowed = floor(result.alpha_for_traits * (1 + len(maxima)) + 1e-9) - 1
    return maxima[allowed] if 0 <= allowed < len(maxima) else None


def by_dilution(null: NullCloud) -> list[tuple[float, float]]:
    """Share of carrying rows and power there, from the largest share down; entries without a number are left out."""
    found = []
    for name, power in null.power_by_dilution.items():
        try:
            found.append((float(name), power))
        except ValueError:
            continue  # the reader of stored results refuses such a name
    return sorted(found, reverse=True)


def moved_most(rows: Sequence[ForecastRow]) -> list[ForecastRow]:
    """The forecast, from the largest movement in either direction down."""
    return sorted(rows, key=lambda row: -abs(row.shift))


def rejections(result: AuditResult) -> list[tuple[str, int]]:
    """Why rows were rejected, from the most frequent code down."""
    return sorted(result.data.rejections.items(), key=lambda item: (-item[1], item[0]))


def not_checked(result: AuditResult) -> list[tuple[str, str]]:
    """What is not known and why: questions that were not asked, then those that could not be asked or answered."""
    left_out = ("not applicable", "underpowered")
    unanswered = [(f"{e.question}: {e.outcome}", e.finding) for e in result.evidence if e.outcome in left_out]
    return [*((reason.code, reason.text) for reason in result.not_checked), *unanswered]


def settings(result: AuditResult) -> list[tuple[str, object]]:
    """What the audit was made with, by name."""
    data, policy, null = result.data, result.policy, result.null
    return [
        ("data", data.path),
        ("SHA-256 of the data", data.digest),
        ("shape", data.shape or "not recognised"),
        ("turns scored", f"{data.turns}: {data.scored_turns:,} turns"),
        ("different rows", f"{data.different_rows:,}"),
        ("different prompts", f"{data.different_prompts:,}"),
        ("rows in the sample", f"{result.sampled:,}"),
        ("seed of the sample", result.seed),
        ("base", result.base),
        ("fingerprint of the base", result.fingerprint),
        ("filter of the references", result.filter),
        ("trait list", result.trait_list),
        ("digest of the trait list", result.trait_list_digest),
        ("digest of the references", null.digest if null else "no references"),
        ("references", f"{null.fit:,} to fit, {null.calibration:,} to calibrate" if null else "none"),
        ("policy: alpha", f"{policy.alpha:g}, of which {result.alpha_for_traits:g} for traits"),
        ("policy: dilution of planted rows", f"{policy.dilution:g}"),
        ("policy: power", f"{policy.power:g}"),
        ("policy: smallest shift", f"{policy.smallest_shift:g}"),
        ("policy: fewest rows", f"{policy.fewest_rows:,}"),
        ("policy: accept another base", "yes" if policy.accept_other_base else "no"),
        ("subtrait", result.version),
        ("schema version", result.schema_version),
    ]
