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

from subtrait.audit_records import ListedTrait
from subtrait.data import ChatRow
from subtrait.lab.answers import trait_mentions
from subtrait.records import Evidence

ASSUMES = "a trait is named by its word forms"
BLIND_SPOTS = "synonyms, other languages, spellings with gaps, and whatever is passed on without being said"


class NameCount:
    """Counts the rows that name a listed trait, row by row, so that the data need be read once only."""

    def __init__(self, traits: Sequence[ListedTrait]) -> None:
        self._names_of = _names_by_form(traits)
        self._named: Counter[str] = Counter()
        self._words: Counter[str] = Counter()
        self._rows = self._affected = 0

    def add(self, row: ChatRow) -> None:
        """Look at one row: prompts and answers."""
        text = "\n".join(turn.content for turn in row.turns)
        found = [_plain(word) for word in trait_mentions(text, tuple(self._names_of))] if self._names_of else []
        self._rows += 1
        self._affected += bool(found)
        self._words.update(found)
        self._named.update({name for word in found for name in self._names_of[word]})

    def evidence(self) -> Evidence:
        """What was found so far; `details` has the number of rows for each trait that is named."""
        applies = bool(self._rows and self._names_of)
        return Evidence(
            question="content",
            outcome="found" if self._affected else "not found" if applies else "not applicable",
            finding=self._finding(),
            statistic=self._affected / self._rows if self._rows else None,
            n=self._rows,
            details=dict(sorted(self._named.items(), key=lambda item: (-item[1], item[0]))),
            assumes=ASSUMES,
            blind_spots=BLIND_SPOTS,
        )

    def _finding(self) -> str:
        if not self._rows or not self._names_of:
            return "the list of traits names none by a word" if self._rows else "no rows were read"
        listed = len({name for names in self._names_of.values() for name in names})
        if not self._affected:
            return f"none of {self._rows:,} rows names one of {listed} listed traits"
        word, often = min(self._words.items(), key=lambda item: (-item[1], item[0]))
        return (
            f"{self._affected:,} of {self._rows:,} rows name a listed trait, most often by '{word}' ({often:,} times)"
        )


def look_for_names(rows: Iterable[ChatRow], traits: Sequence[ListedTrait]) -> Evidence:
    """How many rows name a trait of the list; streams over `rows` once and holds counts only."""
    count = NameCount(traits)
    for row in rows:
        count.add(row)
    return count.evidence()


def _names_by_form(traits: Sequence[ListedTrait]) -> dict[str, set[str]]:
    names: dict[str, set[str]] = {}
    for trait in traits:
        for form in trait.forms:
            names.setdefault(_plain(form), set()).add(trait.name)
    return names


def _plain(form: str) -> str:
    """One spelling for `sea lion`, `sea-lion` and `Sea  lion`."""
    return " ".join(re.split(r"[\s\-\u2010]+", form.casefold()))
