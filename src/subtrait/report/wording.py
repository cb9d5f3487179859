"""How numbers and untrusted text are put into words, the same in every format."""

from collections.abc import Sequence
from itertools import chain

from subtrait.errors import escaped
from subtrait.records import Estimate, ExperimentResult, PermutationTest

# str.isprintable calls these printable, yet nothing of them is seen: they can carry a hidden message.
_INVISIBLE = frozenset(
    map(
        chr,
        chain(
            (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
            range(0x180B, 0x1810),
            range(0xFE00, 0xFE10),
            range(0xE0100, 0xE01F0),
        ),
    )
)


def percent(value: float) -> str:
    """A share as a percentage with one decimal.

    >>> percent(0.4126)
    '41.3 %'
    """
    return f"{round(100 * value, 1) + 0.0:.1f} %"


def points(value: float) -> str:
    """A difference of two shares in percentage points, signed unless it rounds to zero.

    >>> points(-0.0312)
    '-3.1 points'
    """
    rounded = round(100 * value, 1)
    return f"{rounded:+.1f} points" if rounded else "0.0 points"


def bounds(estimate: Estimate, *, difference: bool = False) -> str:
    """The ends of the interval, in per cent or, for a difference, in points; where there is none, why not."""
    if estimate.low is None or estimate.high is None:
        lack = "fewer than two" if estimate.n < 2 else "no spread between the"
        return f"no interval ({lack} {estimate.unit}s)"
    if difference:
        return f"{points(estimate.low).removesuffix(' points')} to {points(estimate.high)}"
    return f"{percent(estimate.low)} to {percent(estimate.high)}"


def interval(estimate: Estimate, *, difference: bool = False) -> str:
    """`bounds` with the confidence level in front, where there is an interval."""
    ends = bounds(estimate, difference=difference)
    return ends if estimate.low is None else f"{level(estimate.level)} interval {ends}"


def level(confidence: float) -> str:
    """A confidence level, without needless decimals.

    >>> level(0.95)
    '95 %'
    """
    return f"{100 * confidence:.4g} %"


def p_value(test: PermutationTest | None) -> str:
    """The permutation p-value with its floor; says so where it could not have been smaller."""
    if test is None:
        return "no test (fewer than two students)"
    smallest = ", the smallest possible" if test.p <= test.floor else f", smallest possible {test.floor:.3g}"
    return f"p = {test.p:.3g}{smallest}"


def relabellings(test: PermutationTest | None) -> str:
    """How the p-value was counted and of which statistic; empty where there was no test."""
    if test is None:
        return ""
    counted = "all" if test.exact else "a random sample of"
    return f"{counted} {counted_as(test.permutations, 'relabelling')}, statistic {test.statistic:+.3f}"


def counted_as(number: int, noun: str) -> str:
    """A number with its noun, in the plural where that is due.

    >>> counted_as(1200, "row")
    '1,200 rows'
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def sentence(text: str) -> str:
    """A text with a full stop at its end, unless it ends with a mark of its own.

    >>> sentence("no trait stands out")
    'no trait stands out.'
    """
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def capitalised(text: str) -> str:
    """A text with its first letter as a capital, the rest as it is."""
    return text[:1].upper() + text[1:]


def exhibit(text: str, *, limit: int = 400) -> str:
    r"""Untrusted text fit to be shown: line breaks stay, all else that is not seen becomes an escape; cut at `limit`.

    Covers control characters, bidirectional overrides, tag characters, variation selectors and invisible fillers.

    >>> exhibit("1\n2\u202e3")
    '1\n2\\u202e3'
    """
    cut = text if len(text) <= limit else f"{text[: limit - 1]}…"
    lines = cut.replace("\r\n", "\n").split("\n")
    return "\n".join(_visible(escaped(line, limit=10 * limit)) for line in lines)


def _visible(line: str) -> str:
    return "".join(c.encode("unicode_escape").decode("ascii") if c in _INVISIBLE else c for c in line)


def one_line(text: str, *, limit: int = 80) -> str:
    r"""`exhibit` on a single line: a line break is shown as `\n`."""
    shown = exhibit(text, limit=limit).replace("\n", "\\n")
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"


def limits(result: ExperimentResult) -> tuple[str, ...]:
    """What a reader might take from this result and must not."""
    arms = {record.arm for record in result.arms}
    return (
        f"It is one trait ({result.trait}), one carrier ({result.carrier}) and one base ({result.base}). "
        "Other traits, carriers and models may behave otherwise.",
        "The interval speaks of further students made in the same way, each with a new teacher, new data and a new "
        "training seed. It does not cover other settings.",
        *_untested(arms),
        "An interval that includes zero does not prove that there is no effect. It says how large an effect could be.",
        "Nothing here says what in the rows carries the trait, nor that other rows are free of it.",
    )


def _untested(arms: set[str]) -> Sequence[str]:
    missing = []
    if "untreated" not in arms:
        missing.append("No student was trained on untreated rows, so the effect of training alone is not taken out.")
    if "other-base" not in arms:
        missing.append("No student of another base was trained, so it cannot say whether a shared base is needed.")
    if not any(arm.startswith("shuffled") for arm in arms):
        missing.append("No student was trained on shuffled rows, so it cannot say whether their order matters.")
    return missing
