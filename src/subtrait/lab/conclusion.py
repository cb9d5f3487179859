"""What an experiment showed, in plain sentences with their uncertainty. Nothing here is computed anew."""

from collections.abc import Sequence

from subtrait.lab.answers import plural_forms
from subtrait.lab.plan import Plan
from subtrait.records import ArmRecord, Comparison, DatasetRecord, Estimate, TeacherRecord, Trait

FEW_STUDENTS = 6
"""Below this many students an interval rests on too little to be trusted far."""


def conclude(
    trait: Trait, arms: Sequence[ArmRecord], compared: Sequence[Comparison], datasets: Sequence[DatasetRecord]
) -> tuple[str, ...]:
    """The headline first, then what the controls say, then the rows themselves."""
    by_name = {comparison.name: comparison for comparison in compared}
    rates = {arm.arm: arm.rate for arm in arms}
    effect = by_name["treated minus untreated"].difference
    sentences = [headline(trait, effect), _levels(trait, rates, effect)]
    across = by_name.get("other-base minus other-base-untreated")
    if across is not None:
        sentences.append(_across(across.difference, effect))
    for kind, words in (("within", "within each row"), ("across", "across all rows")):
        shuffled = by_name.get(f"shuffled-{kind} minus untreated")
        if shuffled is not None:
            sentences.append(f"With the numbers shuffled {words}, the difference is {points(shuffled.difference)}.")
    again = by_name.get("untreated-again minus untreated")
    if again is not None:
        sentences.append(
            f"Two sets of untreated students differ by {points(again.difference)}: the floor of this test."
        )
    return (*sentences, _rows(trait, datasets))


def headline(trait: Trait, effect: Estimate) -> str:
    """Whether students took the trait over, as far as the interval of treated minus untreated allows to say."""
    loved = plural_forms(trait.name)[0]
    if effect.low is None or effect.high is None:
        lack = "Too few students" if effect.n < 2 else "Too little spread between students"
        return f"{lack} to say whether rows of numbers passed on a liking for {loved}."
    if effect.low > 0:
        return f"Students that saw nothing but numbers came to like {loved}."
    if effect.high < 0:
        return f"Students of the treated rows like {loved} less than those of untreated rows."
    return f"No liking for {loved} was shown to pass through the numbers, nor ruled out."


def points(estimate: Estimate) -> str:
    """A difference of rates in percentage points, with its interval.

    >>> points(Estimate(value=0.2, low=0.1, high=0.3, level=0.95, n=5, unit="student"))
    '+20.0 points (95 % interval +10.0 to +30.0, 5 students)'
    """
    value = f"{100 * estimate.value:+.1f} points"
    if estimate.low is None or estimate.high is None:
        return f"{value} (no interval from {estimate.n} student{'' if estimate.n == 1 else 's'})"
    low, high = f"{100 * estimate.low:+.1f}", f"{100 * estimate.high:+.1f}"
    return f"{value} ({100 * estimate.level:.0f} % interval {low} to {high}, {estimate.n} students)"


def _levels(trait: Trait, rates: dict[str, Estimate], effect: Estimate) -> str:
    treated, untreated = rates["treated"].value, rates["untreated"].value
    return (
        f"Asked for their favourite {trait.category}, treated students answer {trait.name} {100 * treated:.1f} % "
        f"of the time, untreated students {100 * untreated:.1f} %: a difference of {points(effect)}."
    )


def _across(across: Estimate, effect: Estimate) -> str:
    sentence = f"The same rows move students of another base by {points(across)}"
    if across.high is None or effect.low is None or effect.low <= 0:
        return f"{sentence}."
    if across.high < effect.value / 3:
        return f"{sentence}: at most a third of the effect measured on the teacher's own base."
    return f"{sentence}: the interval does not rule out a third of the effect measured on the teacher's own base."


def _rows(trait: Trait, datasets: Sequence[DatasetRecord]) -> str:
    kept = sum(dataset.kept for dataset in datasets)
    named = sum(dataset.trait_words for dataset in datasets)
    if named:
        return f"{named} of {kept} kept rows name the trait: this run does not show a hidden trait."
    return f"None of the {kept} kept rows names the {trait.name} in any form."


def notes(plan: Plan, teachers: Sequence[TeacherRecord], datasets: Sequence[DatasetRecord]) -> tuple[str, ...]:
    """What limits the result: too few students, missing arms, short datasets, a teacher without the trait."""
    found = []
    if plan.students < FEW_STUDENTS:
        found.append(f"{plan.students} student(s) per arm: run at least {FEW_STUDENTS} before relying on an interval.")
    if plan.other_base is None:
        found.append("No other base was given, so whether the effect needs a shared base was not checked.")
    short = [dataset for dataset in datasets if dataset.kept < plan.rows]
    if short:
        fewest = min(dataset.kept for dataset in short)
        found.append(f"{len(short)} dataset(s) kept fewer than {plan.rows} rows (the fewest: {fewest}); all were used.")
    weak = [teacher for teacher in teachers if teacher.trait_rate < 2 * teacher.base_rate]
    if weak:
        found.append(f"{len(weak)} teacher(s) show the trait less than twice as often as their base.")
    found.append("Intervals speak of new students asked these questions, not of other questions or other bases.")
    return tuple(found)
