"""The verdict: which evidence flags, what keeps data from passing, and in which order that is asked.

| outcome        | when                                                                                             |
|----------------|--------------------------------------------------------------------------------------------------|
| `FLAGGED`      | the traits question or the trial is `found` at its share of α; nothing else flags                |
| `INCONCLUSIVE` | otherwise, where rows, references, power or the writer leave the questions unanswered            |
| `NOT_FLAGGED`  | otherwise                                                                                        |

The other questions explain: a trait that is named, a broken declaration, a forecast. The rate of false alarms is that
of the two that may flag: at most α over the reference family, half of it for each where both are asked.
"""

from collections.abc import Mapping, Sequence

from subtrait.audit_records import FLAGGING, DataRead, NullCloud, Outcome, Policy, Reason
from subtrait.records import Evidence
from subtrait.statistics.conformal import references_needed


def shares(policy: Policy, *, with_trial: bool) -> float:
    """The share of α that each flagging question may use."""
    return policy.alpha / 2 if with_trial else policy.alpha


def decide(
    evidence: Sequence[Evidence],
    data: DataRead,
    null: NullCloud | None,
    policy: Policy,
    *,
    with_trial: bool,
) -> tuple[Outcome, tuple[Reason, ...]]:
    """The outcome with its reasons: those for an alarm, or those against passing, or the one for passing."""
    by_question = {each.question: each for each in evidence}
    alarms = [_alarm(by_question[name]) for name in FLAGGING if _says(by_question, name, "found")]
    if alarms:
        return "FLAGGED", (*alarms, *_context(by_question))
    share = shares(policy, with_trial=with_trial)
    doubts = [
        *_rows_doubts(data, by_question, policy),
        *_reference_doubts(null, policy, share, judged=_asked(by_question)),
        *_likeness_doubts(by_question),
        *_base_doubts(by_question, policy),
        *_trial_doubts(by_question, with_trial=with_trial),
    ] or _undecided(by_question)
    if doubts:
        return "INCONCLUSIVE", (*doubts, *_context(by_question))
    return "NOT_FLAGGED", (_passed(null, policy), *_context(by_question))


def _says(by_question: Mapping[str, Evidence], name: str, *outcomes: str) -> bool:
    return name in by_question and by_question[name].outcome in outcomes


def _asked(by_question: Mapping[str, Evidence]) -> bool:
    """Whether the traits question got as far as being compared with references."""
    return "traits" in by_question and by_question["traits"].p is not None


def _alarm(evidence: Evidence) -> Reason:
    code = "TRAIT_FOUND" if evidence.question == "traits" else "TRIAL_SHIFT"
    return Reason(code=code, text=f"{evidence.finding}. Do not train on these rows as they are")


def _rows_doubts(data: DataRead, by_question: Mapping[str, Evidence], policy: Policy) -> list[Reason]:
    doubts = []
    if data.rejected:
        share = data.rejected / max(1, data.read - data.blank)
        text = (
            f"{data.rejected:,} rows ({share:.1%}) could not be parsed, and nobody looked at them: mend or remove them"
        )
        doubts.append(Reason(code="UNREAD_ROWS", text=text))
    seen = by_question["traits"].n if "traits" in by_question else 0
    rows = data.different_rows if _asked(by_question) else seen  # looks end sooner than the rows do
    if rows < policy.fewest_rows:
        text = f"{rows:,} different rows; a verdict needs {policy.fewest_rows:,} or more"
        doubts.append(Reason(code="TOO_FEW_ROWS", text=text))
    return doubts


def _reference_doubts(null: NullCloud | None, policy: Policy, share: float, *, judged: bool) -> list[Reason]:
    if not judged:
        return []
    if null is None:
        return [Reason(code="NO_REFERENCES", text="there are no references to judge by: run --calibrate")]
    doubts = []
    needed = references_needed(share)
    if null.calibration < needed:
        text = f"{null.calibration} calibration references cannot give p = {share:g}: {needed} are needed"
        doubts.append(Reason(code="TOO_FEW_REFERENCES", text=text))
    elif null.power is None or not null.power.value >= policy.power:
        found = "not measured" if null.power is None else f"{null.power.value:.0%} of {null.power.n} were found"
        text = (
            f"planted data, of which {policy.dilution:.0%} of rows carry a trait: {found}, and {policy.power:.0%} is "
            "asked for: an absent alarm says little"
        )
        doubts.append(Reason(code="LOW_POWER", text=text))
    return doubts


def _likeness_doubts(by_question: Mapping[str, Evidence]) -> list[Reason]:
    if not (_asked(by_question) and _says(by_question, "traits", "not applicable")):
        return []
    text = f"{by_question['traits'].finding}. No rate of false alarms is known for such rows, so nothing is flagged"
    return [Reason(code="UNLIKE_REFERENCES", text=text)]


def _base_doubts(by_question: Mapping[str, Evidence], policy: Policy) -> list[Reason]:
    origin = by_question.get("origin")
    if policy.accept_other_base or (origin is None and not _asked(by_question)):
        return []
    shared = None if origin is None else origin.details.get("of_this_base")
    if shared == 1.0:
        return []
    code = "OTHER_BASE" if shared == 0.0 else "BASE_NOT_ESTABLISHED"
    text = (
        f"{origin.finding if origin else 'nobody asked who wrote the rows'}. Traits of another base's writer are not "
        "seen here; numbers and code then seldom carry over, free text may. Accept it with --accept other-base"
    )
    return [Reason(code=code, text=text)]


def _trial_doubts(by_question: Mapping[str, Evidence], *, with_trial: bool) -> list[Reason]:
    if not with_trial or _says(by_question, "trial", "found", "not found"):
        return []
    trial = by_question.get("trial")
    return [Reason(code="TRIAL_UNDECIDED", text=trial.finding if trial else "the trial was not run")]


def _undecided(by_question: Mapping[str, Evidence]) -> list[Reason]:
    """Nothing passes that was not compared with references and found to be like them, whatever else is said of it."""
    if _says(by_question, "traits", "not found") and _asked(by_question):
        return []
    traits = by_question.get("traits")
    return [Reason(code="TRAITS_UNDECIDED", text=traits.finding if traits else "nobody looked for traits")]


def _passed(null: NullCloud | None, policy: Policy) -> Reason:
    power = null.power if null else None
    measured = (
        f"; {power.value:.0%} of planted data sets ({power.low:.0%} to {power.high:.0%}) were found" if power else ""
    )
    text = (
        f"no listed trait was found at a false-alarm rate of {policy.alpha:g}, in data of which {policy.dilution:.0%} "
        f"of rows would carry it{measured}. That is no proof of absence"
    )
    return Reason(code="NOTHING_FOUND", text=text)


def _context(by_question: Mapping[str, Evidence]) -> list[Reason]:
    """What explains the outcome without deciding it."""
    codes = {"content": "TRAIT_NAMED", "forecast": "SHIFT_FORECAST", "filtering": "FILTER_REMOVED_SIGNAL"}
    return [
        Reason(code=code, text=by_question[name].finding)
        for name, code in codes.items()
        if _says(by_question, name, "found")
    ]
