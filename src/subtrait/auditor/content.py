"""Content: is a trait said openly?

Null: none; this is a count and no test.
Statistic: the share of rows that name a trait of the list, in a prompt or an answer, by word, plural or possessive;
parts of compounds such as `owl-like` count, parts of other words such as `bowl` do not.
Assumptions: a trait is named by its word forms.
Blind spots: synonyms, other languages, spellings with gaps, what is meant and not said. That is the point of the other
questions: a hidden trait is not named, and `not found` here is what every filter of words would say of such data.
Sample finding: 12 of 1,000 rows name a listed trait, most often by 'owls' (9 times).
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from subtrait.data import ChatRow
from subtrait.lab.answers import trait_mentions
from subtrait.records import Evidence, Trait

ASSUMES = "a trait is named by its word forms"
BLIND_SPOTS = "synonyms, other languages, spellings with gaps, and whatever is passed on without being said"


def look_for_names(rows: Iterable[ChatRow], traits: Sequence[Trait]) -> Evidence:
    """How many rows name a trait of the list; `details` has the number of rows for each trait that is named.

    Streams over `rows` once and holds counts only.
    """
    names_of = _names_by_form(traits)
    named: Counter[str] = Counter()
    words: Counter[str] = Counter()
    count = affected = 0
    for row in rows:
        count += 1
        text = "\n".join(turn.content for turn in row.turns)
        found = [_plain(word) for word in trait_mentions(text, tuple(names_of))]
        affected += bool(found)
        words.update(found)
        named.update({name for word in found for name in names_of[word]})
    return Evidence(
        question="content",
        outcome="found" if affected else "not found" if count and traits else "not applicable",
        finding=_finding(count, affected, words, listed=len(traits)),
        statistic=affected / count if count else None,
        n=count,
        details=dict(sorted(named.items(), key=lambda item: (-item[1], item[0]))),
        assumes=ASSUMES,
        blind_spots=BLIND_SPOTS,
    )


def _names_by_form(traits: Sequence[Trait]) -> dict[str, set[str]]:
    names: dict[str, set[str]] = {}
    for trait in traits:
        for form in trait.forms[trait.name]:
            names.setdefault(_plain(form), set()).add(trait.name)
    return names


def _plain(form: str) -> str:
    """One spelling for `sea lion`, `sea-lion` and `Sea  lion`."""
    return " ".join(re.split(r"[\s\-\u2010]+", form.casefold()))


def _finding(count: int, affected: int, words: Counter[str], *, listed: int) -> str:
    if not count or not listed:
        return "no rows were read" if not count else "the list of traits is empty"
    if not affected:
        return f"none of {count:,} rows names one of {listed} listed traits"
    word, often = min(words.items(), key=lambda item: (-item[1], item[0]))
    return f"{affected:,} of {count:,} rows name a listed trait, most often by '{word}' ({often:,} times)"
