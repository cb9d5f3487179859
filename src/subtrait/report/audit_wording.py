"""What an audit's outcome means, in sentences that are the same in every format.

NOT_FLAGGED is never said to be more than it is: no alarm, beside what the audit would have found.
"""

from collections.abc import Mapping

from subtrait import audit_records
from subtrait.audit_records import AuditResult, DataRead, NullCloud, TraitScore
from subtrait.records import Evidence
from subtrait.report.audit_summaries import alarmed, by_dilution, evidence_on, leading, smallest_p, was_tried
from subtrait.report.wording import bounds, capitalised, counted_as, level, percent, points, sentence

EXIT_CODES: Mapping[str, int] = {
    **audit_records.EXIT_CODES,
    "INVALID_INPUT": 4,
    "ERROR": 5,
}
"""What the command ends with. Only 0 passes a gate; 2 is kept for a command that cannot be carried out as written."""


def headline(result: AuditResult) -> str:
    """The outcome and what it means, in one line."""
    if result.outcome == "INCONCLUSIVE":
        return "INCONCLUSIVE: this audit cannot tell whether the rows carry a trait."
    shift = points(result.policy.smallest_shift).lstrip("+")
    if result.outcome == "NOT_FLAGGED":
        tried = f", and the trial showed no answer to move by more than {shift}" if was_tried(result) else ""
        return f"NOT_FLAGGED: no listed trait explains these rows better than it explains benign data{tried}."
    said = []
    if "traits" in alarmed(result):
        found = leading(result)
        named = f"a listed trait, most of all '{found.name}'," if found else "a listed trait"
        said.append(f"{named} explains these rows better than it explains benign data")
    if "trial" in alarmed(result):
        said.append(f"students trained on them change an answer by more than {shift}")
    return f"FLAGGED: {'; '.join(said) or 'for the reasons given'}."


def false_alarms(result: AuditResult) -> str:
    """The stated false-alarm rate, and of what it holds."""
    alpha, null = level(result.policy.alpha), result.null
    if null is None and not was_tried(result):
        return f"No false alarm was possible: nothing was compared with benign references (alpha was to be {alpha})."
    shared = ""
    if result.alpha_for_traits < result.policy.alpha:
        shared = f" Of alpha, {level(result.alpha_for_traits)} is the traits question's; the trial has the rest."
    return (
        f"False-alarm rate: of data sets like the benign references, at most {alpha} are flagged (alpha), on average "
        f"over the reference families and not in each of them.{shared}"
    )


def gate(result: AuditResult) -> str:
    """The exit code, and that nothing but 0 passes."""
    code = EXIT_CODES[result.outcome]
    return f"Exit code {code}: {'the only one that passes' if code == 0 else 'it does not pass'} a gate."


def power(result: AuditResult) -> str:
    """How much of what was planted would have been flagged, or that this was not measured."""
    null = result.null
    if null is None or null.power is None:
        return "Power was not measured, so this audit excludes nothing."
    planted, dilution = null.power, level(result.policy.dilution)
    return (
        f"Power: of {counted_as(planted.n, f'planted {planted.unit}')} in which {dilution} of the rows carry a listed "
        f"trait, {percent(planted.value)} would have been flagged ({level(planted.level)} interval: {bounds(planted)}; "
        f"the policy asks for {level(result.policy.power)})."
    )


def elsewhere(null: NullCloud) -> str:
    """The power at each share of carrying rows; empty where it was measured at none."""
    said = [f"{percent(power)} where {level(share)} of the rows do" for share, power in by_dilution(null)]
    return f"Power by the share of rows that carry the trait: {'; '.join(said)}." if said else ""


def meaning(result: AuditResult) -> tuple[str, ...]:
    """What the outcome promises: the false-alarm rate, for NOT_FLAGGED what was excluded and what not, the gate."""
    if result.outcome != "NOT_FLAGGED":
        return false_alarms(result), gate(result)
    caution = "No alarm is not the absence of a trait: whatever is weaker, or in fewer rows, is not excluded."
    return f"{power(result)} {caution}", false_alarms(result), gate(result)


def limits(result: AuditResult) -> tuple[str, ...]:
    """What a reader might take from this result and must not."""
    scored = counted_as(len(result.traits), "trait") if result.traits else "no trait"
    said = [
        f"Scored: {scored} of the list '{result.trait_list}'. A trait on no list is not excluded, nor one written by a "
        "model unlike the surrogates."
    ]
    said.append(
        "What explains the rows need not pass to a student, and only the trial measures what does."
        if result.outcome == "FLAGGED"
        else "What passes to students was not measured: only the trial (--try) does that."
        if not was_tried(result)
        else "The trial asks its own questions: an answer that it did not ask for may have moved."
    )
    if result.policy.accept_other_base:
        said.append("The policy accepts rows whose writer does not share the student's base.")
    if result.not_checked:
        said.append(f"Not asked: {counted_as(len(result.not_checked), 'question')}; see what was not checked.")
    return tuple(said)


def next_steps(result: AuditResult) -> tuple[str, ...]:
    """What to do with this outcome."""
    tried = () if was_tried(result) else ("To see what training on them does, add --try: throwaway students.",)
    if result.outcome == "FLAGGED":
        return (
            f"Do not train {result.base} on these rows.",
            "Find out which model wrote them and what it was told or tuned for; ask for rows of another writer.",
            *tried,
            "Do not repeat the audit until it passes: each repetition is another chance to be wrong.",
        )
    if result.outcome == "NOT_FLAGGED":
        return (
            f"Train on exactly these bytes (SHA-256 {result.data.digest}), on {result.base} only: any other file or "
            "base needs an audit of its own.",
            "Weigh what was not excluded against what a hidden trait would cost you.",
            *tried,
        )
    fewest = result.policy.fewest_rows
    short = f"Give at least {counted_as(fewest, 'row')}: {result.data.accepted:,} were accepted."
    return (
        "Mend what the reasons name, then audit again; until then, treat these rows as not audited.",
        *((short,) if result.data.accepted < fewest else ()),
        *(("Build references first: subtrait audit --calibrate.",) if result.null is None else ()),
    )


def accounting(data: DataRead) -> str:
    """Where every row that came in went."""
    return (
        f"{counted_as(data.read, 'row')} read = {data.accepted:,} accepted + {data.rejected:,} rejected "
        f"+ {data.blank:,} blank"
    )


def p_value(p: float | None, floor: float | None) -> str:
    """A p-value with its floor; says so where it could not have been smaller, and where there was no test."""
    if p is None:
        return "no test"
    if floor is None:
        return f"p = {p:.3g}"
    return f"p = {p:.3g}, {'the smallest possible' if p <= floor else f'smallest possible {floor:.3g}'}"


def trait_p(result: AuditResult, score: TraitScore) -> str:
    """A trait's p-value, marked where it could not have been smaller with this number of references."""
    smallest = smallest_p(result.null)
    return f"{score.p:.3g}{' (smallest possible)' if smallest is not None and score.p <= smallest else ''}"


def trait_floor(result: AuditResult) -> str:
    """The smallest p-value that the number of references allows, or that there were none."""
    smallest = smallest_p(result.null)
    if smallest is None or result.null is None:
        return "Without benign references no p-value means anything."
    return f"With {counted_as(len(result.null.maxima), 'reference')} the smallest possible p is {smallest:.3g}."


def numbers(evidence: Evidence) -> str:
    """The statistic, the p-value and what they rest on; empty where the question did not apply."""
    if evidence.outcome == "not applicable" and evidence.p is None:
        return ""
    statistic = [] if evidence.statistic is None else [f"statistic {evidence.statistic:.4g}"]
    return "; ".join([*statistic, p_value(evidence.p, evidence.floor), counted_as(evidence.n, "row")])


def details(evidence: Evidence, *, limit: int) -> str:
    """The first `limit` details by name, and how many more there are; empty where there is none."""
    shown = [f"{name} {value:.4g}" for name, value in list(evidence.details.items())[:limit]]
    more = len(evidence.details) - len(shown)
    return ", ".join([*shown, f"and {more:,} more"] if more else shown)


def asked(result: AuditResult, question: str) -> str:
    """What became of a question whose figure or table is empty."""
    found = evidence_on(result, question)
    if found is None:
        return f"The question '{question}' was not asked."
    return f"The question '{question}' came to: {found.outcome}. {sentence(capitalised(found.finding))}"
