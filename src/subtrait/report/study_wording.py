"""How a study's numbers read by their scale, and how they stand to what was published: the same in every format."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from subtrait.records import Estimate
from subtrait.report.wording import bounds, capitalised, counted_as, level, percent, points
from subtrait.study_records import Agreement, Measure, Scale, StudyResult

NOT_SHOWN = "not shown: the interval allows both"
"""What is said where ours neither agrees nor differs."""
NOT_APPLICABLE = "not applicable: its positive control failed, so the value says nothing"
"""What is said where a measure could not have shown anything."""
UNITS: Mapping[Scale, str] = {"share": "%", "points": "percentage points", "plain": ""}
"""What an axis of each scale counts in."""
_WORDS: Mapping[Agreement, tuple[str, str]] = {
    "agrees": ("agrees", "agree"),
    "differs": ("differs", "differ"),
    "not shown": ("is not shown", "are not shown"),
    "not applicable": ("is not applicable", "are not applicable"),
    "not compared": ("was not compared", "were not compared"),
}


def number(value: float, scale: Scale) -> str:
    """A value as its scale wants it: a percentage, percentage points or three significant digits.

    >>> number(0.4126, "share"), number(-0.0312, "points"), number(2.0, "plain")
    ('41.3 %', '-3.1 points', '2.00')
    """
    if scale == "plain":
        return digits(value)
    return percent(value) if scale == "share" else points(value)


def digits(value: float, *, places: int = 3) -> str:
    """Three significant digits or as many as `places`, with a power of ten where the number is very large or small.

    >>> digits(1234.5), digits(0.05), digits(0.000012)
    ('1,230', '0.0500', '1.20e-5')
    """
    rounded = float(f"{value:.{places}g}")
    if rounded == 0:
        return "0"
    if not 1e-3 <= abs(rounded) < 1e6:
        return exponent(f"{value:.{places - 1}e}")
    return f"{rounded:,.0f}" if abs(rounded) >= 10 ** (places - 1) else f"{rounded:#,.{places}g}"


def exponent(written: str) -> str:
    """A number with its power of ten as short as can be.

    >>> exponent("2e+05"), exponent("1.5e-06"), exponent("0.5")
    ('2e5', '1.5e-6', '0.5')
    """
    mantissa, e, power = written.partition("e")
    return f"{mantissa}e{int(power)}" if e else written


def bare(text: str) -> str:
    """A value or an interval in points without that word, where a heading says it.

    >>> bare("+1.0 to +2.0 points")
    '+1.0 to +2.0'
    """
    return text.removesuffix(" points")


def ends(estimate: Estimate, scale: Scale) -> str:
    """The interval, without its level; where there is none, why not."""
    if scale != "plain" or estimate.low is None or estimate.high is None:
        return bounds(estimate, difference=scale == "points")
    for places in range(3, 7):  # ends that read alike would hide the uncertainty
        low, high = digits(estimate.low, places=places), digits(estimate.high, places=places)
        if low != high:
            break
    return f"{low} to {high}"


def measured(estimate: Estimate, scale: Scale, *, short: bool = False) -> str:
    """A value with its interval in one line, without the level; `short` where a heading says that it is in points.

    >>> estimate = Estimate(value=0.1, low=0.05, high=0.15, level=0.95, n=5, unit="student")
    >>> measured(estimate, "points")
    '+10.0 points (+5.0 to +15.0)'
    """
    value, said = number(estimate.value, scale), ends(estimate, scale)
    value = bare(value) if short else value
    return f"{value}, {said}" if estimate.low is None or estimate.high is None else f"{value} ({bare(said)})"


def rests_on(estimate: Estimate) -> str:
    """How many units a number rests on, and the level of its interval where it has one."""
    units = counted_as(estimate.n, estimate.unit)
    return units if estimate.low is None else f"{level(estimate.level)} interval over {units}"


def rest_on(estimates: Sequence[Estimate], *, most: int = 4) -> str:
    """The same of several numbers in one sentence; of more than `most` different answers the first only."""
    said = list(dict.fromkeys(rests_on(each) for each in estimates))
    more = [f"and {len(said) - most:,} more kinds"] if len(said) > most else []
    return f"{'; '.join([*said[:most], *more])}." if said else ""


def agreement(measure: Measure) -> str:
    """How ours stands to what was published, in plain words."""
    if measure.agreement == "not shown":
        return NOT_SHOWN
    if measure.agreement == "not applicable":
        return NOT_APPLICABLE
    if measure.agreement == "not compared":
        return "not compared with what was published" if measure.published else "nothing was published of it"
    return {"agrees": "agrees with", "differs": "differs from"}[measure.agreement] + " what was published"


def expectation(measure: Measure) -> str:
    """What was published as a sign or a value, with how far off still counts as that; empty where nothing was.

    Such as `above zero`, `no effect: at most 3.0 points off` or `2.00: at most 0.0500 off`.
    """
    if measure.expected == "nothing":
        return ""
    said = number(measure.target, measure.scale) if measure.expected == "equal" else str(measure.expected)
    return said if measure.bound is None else f"{said}: at most {distance(measure.bound, measure.scale)} off"


def published(measure: Measure) -> str:
    """The published figure in words; where there is none, what was published without one; empty where nothing was."""
    expected = expectation(replace(measure, bound=None))
    return measure.published or (f"{expected}, without a figure" if expected else "")


def distance(value: float, scale: Scale) -> str:
    """How far two values of a scale lie apart, without a sign: shares lie apart by percentage points.

    >>> distance(0.03, "share"), distance(0.03, "plain")
    ('3.0 points', '0.0300')
    """
    return number(value, "plain" if scale == "plain" else "points").removeprefix("+")


def counted(tally: Mapping[Agreement, int]) -> str:
    """How many measures agree, differ, are not shown, not applicable or not compared, in one sentence.

    >>> counted({"agrees": 4, "differs": 1, "not shown": 0, "not applicable": 0, "not compared": 0})
    '4 of 5 measures agree with what was published; 1 differs.'
    """
    total = sum(tally.values())
    if not total:
        return "No measure was to be compared."
    said = [f"{tally[kind]:,} {words[tally[kind] != 1]}" for kind, words in _WORDS.items() if tally[kind]]
    others = said[bool(tally["agrees"]) :]
    agree = f"{tally['agrees']:,} of {counted_as(total, 'measure')} {_WORDS['agrees'][tally['agrees'] != 1]}"
    return f"{'; '.join([f'{agree} with what was published', *others])}."


def unshown(measures: Iterable[Measure]) -> list[str]:
    """What "not shown" and "not applicable" mean, a sentence each, where one of the measures is that."""
    found = {measure.agreement for measure in measures}
    meanings: dict[Agreement, str] = {"not shown": NOT_SHOWN, "not applicable": NOT_APPLICABLE}
    return [f"{capitalised(said)}." for kind, said in meanings.items() if kind in found]


def headline(result: StudyResult) -> str:
    """The first sentence of the conclusion."""
    return result.conclusion[0] if result.conclusion else "This study reached no conclusion."


def axis(label: str, scale: Scale) -> str:
    """What an axis shows, with its unit.

    >>> axis("accuracy", "share")
    'accuracy, %'
    """
    return ", ".join(part for part in (label, UNITS[scale]) if part)


def setting(x: float) -> str:
    """A value of a setting: whole numbers whole, others with four digits.

    >>> setting(12_345.0), setting(0.05), setting(0.0316227766), setting(1e-07)
    ('12,345', '0.05', '0.03162', '1e-7')
    """
    whole = float(x).is_integer() and abs(x) < 1e12
    return f"{x:,.0f}" if whole else exponent(f"{x:,.4g}")
